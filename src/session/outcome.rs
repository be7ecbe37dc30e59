//! The one answer at the end: what has to be written, and what an answer of the store means.

use std::sync::Arc;

use bytes::Bytes;

use crate::session::{
    changes::{Changes, NewSecret, Seen},
    delta::{Change, CommitAnswer, Delta, DeltaKind, Renewal},
    error::{SessionError, SessionErrorKind},
    header::Header,
    record::{Record, put_entry},
    state::{Announcement, State, Stored},
    step::{InFlight, Ingredients, Step},
    token::{SessionId, Token},
};

/// What the present state of a session asks of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The store knows everything.
    Nothing,
    /// The last write has no answer yet: it has to be sent (again).
    Send,
    /// A session ended.
    Destroy,
    /// The store refused changes, so the request must not be answered as if they were saved.
    Refused(SessionErrorKind),
    /// A session begins.
    Create,
    /// The session changed.
    Commit,
    /// The session was used, and that was last noted a while ago.
    Touch,
}

impl State {
    pub(crate) fn outcome(&self) -> Outcome {
        if self.in_flight.is_some() {
            return Outcome::Send;
        }
        if self.ended.is_some() {
            return Outcome::Destroy;
        }
        if let (true, Some(kind)) = (self.is_head_held(), self.refusals.latest) {
            return Outcome::Refused(kind);
        }
        match &self.stored {
            None if self.pending.begin_a_session() => Outcome::Create,
            None => Outcome::Nothing,
            Some(_) if self.pending.is_dirty() => Outcome::Commit,
            Some(stored) if self.pending.touch || stored.is_touch_due => Outcome::Touch,
            Some(_) => Outcome::Nothing,
        }
    }

    /// Freezes the changes into the next write; `None` if there is nothing to write.
    ///
    /// The write stays in flight, and is returned again, until it is [`answered`](Self::answered)
    /// or given up.
    ///
    /// # Errors
    ///
    /// If changes of this request were refused before; if a new token cannot be made.
    pub(crate) fn next_step(&mut self, with: &Ingredients) -> Result<Option<Step>, SessionError> {
        self.catch_up();
        let outcome = self.outcome();
        if let Outcome::Refused(kind) = outcome {
            return Err(kind.into());
        }
        let token = self.new_token(outcome, with)?;
        if let Some((id, kind)) = self.write_for(outcome, token.as_ref(), with) {
            let (nonce, now) = (with.nonce, with.now);
            let delta = Arc::new(Delta { nonce, now, kind });
            let is_touch = outcome == Outcome::Touch;
            let step = Step {
                id,
                delta,
                is_touch,
            };
            let changes = match outcome {
                // What follows a destroy belongs to another session.
                Outcome::Destroy => Changes::default(),
                _ => std::mem::take(&mut self.pending),
            };
            self.in_flight = Some(InFlight::new(step, changes, token));
        }
        Ok(self.in_flight.as_mut().map(InFlight::send))
    }

    /// Takes in what the store answered to the step in flight.
    ///
    /// # Errors
    ///
    /// What the request has to be told if its changes are not in the store.
    pub(crate) fn answered(&mut self, answer: CommitAnswer) -> Result<(), SessionError> {
        let Some(in_flight) = self.in_flight.take() else {
            // The session was ended while this was on its way.
            return match answer {
                CommitAnswer::Committed => Ok(()),
                _ => Err(SessionErrorKind::Gone.into()),
            };
        };
        match answer {
            CommitAnswer::Committed => self.committed(in_flight),
            CommitAnswer::Gone if in_flight.is_end() => self.committed(in_flight),
            CommitAnswer::Gone => return Err(self.refuse(in_flight, SessionErrorKind::Gone)),
            CommitAnswer::Superseded => {
                return Err(self.refuse(in_flight, SessionErrorKind::Superseded));
            }
            CommitAnswer::Conflict(present) => {
                // If an update panics, it stays at that.
                let refused = self.refusals.latest.replace(SessionErrorKind::Conflict);
                if let Err(cause) = self.rebase(in_flight, present) {
                    self.count_refusal(SessionErrorKind::Conflict);
                    return Err(as_conflict(cause));
                }
                self.refusals.latest = refused;
            }
        }
        Ok(())
    }

    /// Gives up changes that lose against other requests again and again.
    pub(crate) fn give_up(&mut self) -> SessionError {
        self.in_flight = None;
        self.count_refusal(SessionErrorKind::Conflict);
        SessionErrorKind::Conflict.into()
    }

    /// How often changes were refused so far.
    pub(crate) fn refusals(&self) -> usize {
        self.refusals.count
    }

    /// # Errors
    ///
    /// If changes were refused since there were `refusals`, perhaps in the hands of somebody else.
    pub(crate) fn check_refusals_since(&self, refusals: usize) -> Result<(), SessionError> {
        match self.refusals.latest {
            Some(kind) if self.refusals.count != refusals => Err(kind.into()),
            _ => Ok(()),
        }
    }

    /// Takes a touch for noted, because it is not worth trying again during this request.
    pub(crate) fn give_up_touch(&mut self) {
        if let Some(in_flight) = self.in_flight.take_if(|it| it.step.is_touch) {
            self.committed(in_flight);
        }
    }

    fn new_token(
        &self,
        outcome: Outcome,
        with: &Ingredients,
    ) -> Result<Option<Token>, SessionError> {
        Ok(match (outcome, self.id()) {
            (Outcome::Create, _) => Some(Token::for_new_session((with.entropy)()?)),
            (Outcome::Commit, Some(id)) if self.pending.renewal.is_some() => {
                Some(Token::for_session(id, (with.entropy)()?))
            }
            _ => None,
        })
    }

    fn write_for(
        &self,
        outcome: Outcome,
        token: Option<&Token>,
        with: &Ingredients,
    ) -> Option<(SessionId, DeltaKind)> {
        match outcome {
            Outcome::Nothing | Outcome::Send | Outcome::Refused(_) => None,
            Outcome::Destroy => Some((self.ended?, DeltaKind::Destroy)),
            Outcome::Create => {
                let record = self.new_record(token?, with);
                Some((token?.id(), DeltaKind::Create(record)))
            }
            Outcome::Commit | Outcome::Touch => {
                let stored = self.stored.as_ref()?;
                let change = self.change_of(stored, token);
                Some((stored.id, DeltaKind::Change(change)))
            }
        }
    }

    fn new_record(&self, token: &Token, with: &Ingredients) -> Record {
        let mut header = Header::new(token.verifier(), self.lifetime(), with.now);
        header.nonce = with.nonce;
        header.authenticated = self.authenticated();
        let mut bytes = Vec::with_capacity(self.len);
        bytes.resize(Header::LEN, 0);
        for (key, value) in self.pending.edits() {
            if let Some(value) = value {
                put_entry(&mut bytes, key, value);
            }
        }
        Record::assemble(header, bytes)
    }

    fn change_of(&self, stored: &Stored, token: Option<&Token>) -> Change {
        let authenticated = match self.pending.renewal {
            Some(NewSecret::SignIn(at)) => Some(at),
            Some(NewSecret::Renewal) | None => None,
        };
        Change {
            epoch: stored.record.header.epoch,
            loaded: stored.loaded,
            renewal: token.map(|token| Renewal {
                verifier: token.verifier(),
                authenticated,
            }),
            lifetime: self.pending.lifetime,
            clear: self.pending.is_clear(),
            entries: self.pending.to_entry_changes(),
            max_len: self.limits.max_len,
        }
    }

    fn committed(&mut self, in_flight: InFlight) {
        let InFlight { step, token, .. } = in_flight;
        let delta = &step.delta;
        match (&delta.kind, &mut self.stored) {
            (DeltaKind::Destroy, _) => {
                self.ended = None;
                self.announcement = Announcement::Remove;
            }
            (DeltaKind::Create(record), _) if self.ended != Some(step.id) => {
                self.stored = Some(Stored {
                    id: step.id,
                    record: record.clone(),
                    ahead: None,
                    loaded: delta.now,
                    is_touch_due: false,
                });
            }
            (DeltaKind::Change(_), Some(stored)) => {
                stored.ahead = Some(Arc::clone(delta));
                stored.is_touch_due = false;
            }
            // The session was ended while this was on its way.
            (DeltaKind::Create(_) | DeltaKind::Change(_), _) => return,
        }
        if let Some(token) = token {
            self.catch_up();
            let header = self.header();
            let persistent = header.filter(|header| header.lifetime.is_persistent());
            let expires = persistent.map(Header::absolute_deadline);
            self.announcement = Announcement::Issue(token, expires);
        }
    }

    /// Drops what was in flight. A touch is not worth remembering that it was refused.
    fn refuse(&mut self, in_flight: InFlight, kind: SessionErrorKind) -> SessionError {
        match in_flight.step.is_touch {
            true => self.committed(in_flight),
            false => self.count_refusal(kind),
        }
        kind.into()
    }

    fn count_refusal(&mut self, kind: SessionErrorKind) {
        self.refusals.count += 1;
        self.refusals.latest = Some(kind);
        self.catch_up();
        self.len = self.measure();
    }

    /// Makes the changes in flight, and those after them, again on the record as it is now.
    fn rebase(&mut self, mut in_flight: InFlight, present: Bytes) -> Result<(), SessionError> {
        let (Some(stored), DeltaKind::Change(change)) =
            (&mut self.stored, &in_flight.step.delta.kind)
        else {
            return Err(SessionErrorKind::Gone.into());
        };
        // If the change may have been made already, an update must not be made a second time.
        if in_flight.may_have_happened() {
            return Err(SessionErrorKind::Conflict.into());
        }
        let record = Record::parse(present).map_err(|_| SessionErrorKind::Gone)?;
        in_flight.changes.rebase(|key| record.shared_value(key))?;
        self.pending
            .rebase(|key| match in_flight.changes.see(key) {
                Seen::Here(value) => value.cloned(),
                Seen::Below => record.shared_value(key),
            })?;
        let change = Change {
            entries: in_flight.changes.to_entry_changes(),
            ..change.clone()
        };
        if record.outgrown_by(&change) {
            return Err(SessionErrorKind::TooLarge.into());
        }
        stored.record = record;
        in_flight.replace(change);
        self.in_flight = Some(in_flight);
        self.len = self.measure();
        Ok(())
    }
}

/// What cannot be made again on the present values conflicts with them.
fn as_conflict(cause: SessionError) -> SessionError {
    match cause.kind() {
        SessionErrorKind::Conflict => cause,
        _ => SessionError::with_source(SessionErrorKind::Conflict, cause),
    }
}
