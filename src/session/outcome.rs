//! The one answer at the end: what has to be written.

use std::sync::Arc;

use crate::session::{
    changes::{Changes, NewSecret},
    delta::{Change, Delta, DeltaKind, Renewal, Rotate},
    error::{SessionError, SessionErrorKind},
    header::Header,
    record::{Record, entry_len, put_entry},
    rotation::Rotation,
    standing::{Activity, Standing},
    state::{State, Stored},
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
    /// The secret is due to be replaced, or its successor to be handed out.
    Rotate,
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
        if let Some(kind) = self.refusals.latest
            && self.refusals.bind_response
            && self.is_head_held()
        {
            return Outcome::Refused(kind);
        }
        match &self.stored {
            None => self.beginning(),
            Some(_) if self.pending.is_dirty() => Outcome::Commit,
            Some(stored) if self.is_head_held() && stored.rotation.is_due() => Outcome::Rotate,
            Some(stored) if stored.presents.is_some() || self.is_touch_due() => Outcome::Touch,
            Some(_) => Outcome::Nothing,
        }
    }

    /// Whether what there is to do needs the head of the response, for a cookie.
    pub(crate) fn needs_head(&self) -> bool {
        match self.outcome() {
            Outcome::Send | Outcome::Destroy | Outcome::Create | Outcome::Rotate => true,
            Outcome::Commit => self.pending.renewal.is_some(),
            Outcome::Nothing | Outcome::Refused(_) | Outcome::Touch => false,
        }
    }

    /// Whether a session was ended, and the store has not been asked yet.
    pub(crate) fn is_ending(&self) -> bool {
        self.outcome() == Outcome::Destroy
    }

    fn beginning(&self) -> Outcome {
        let is_sign_in = self.pending.is_sign_in();
        match self.standing {
            _ if !self.pending.begin_a_session() => Outcome::Nothing,
            Standing::OnlyBySignIn { because, .. } if !is_sign_in => Outcome::Refused(because),
            Standing::OnlyLook => Outcome::Refused(SessionErrorKind::Store),
            Standing::Free | Standing::OnlyBySignIn { .. } => Outcome::Create,
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
            let delta = Arc::new(Delta {
                nonce,
                now,
                is_repeated: false,
                is_use: self.activity != Activity::Never || self.pending.is_sign_in(),
                account: self.account_of(&kind),
                kind,
            });
            let step = Step {
                id,
                delta,
                is_routine: matches!(outcome, Outcome::Touch | Outcome::Rotate),
            };
            let changes = match outcome {
                // What follows a destroy belongs to another session.
                Outcome::Destroy | Outcome::Rotate => Changes::default(),
                _ => {
                    self.activity.settle();
                    std::mem::take(&mut self.pending)
                }
            };
            self.in_flight = Some(InFlight::new(step, changes, token));
        }
        Ok(self.in_flight.as_mut().map(InFlight::send))
    }

    fn new_token(
        &self,
        outcome: Outcome,
        with: &Ingredients,
    ) -> Result<Option<Token>, SessionError> {
        let rotation = self.stored.as_ref().map(|stored| &stored.rotation);
        Ok(match (outcome, self.id(), rotation) {
            (Outcome::Create, _, _) => Some(Token::for_new_session((with.entropy)()?)),
            (Outcome::Rotate, _, Some(Rotation::HandOver(it))) => Some(it.successor.clone()),
            (Outcome::Rotate, Some(id), _) => Some(Token::for_session(id, (with.entropy)()?)),
            (Outcome::Commit, Some(id), _) if self.pending.renewal.is_some() => {
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
            Outcome::Destroy => Some((self.ended.as_ref()?.id, DeltaKind::Destroy)),
            Outcome::Create => {
                let record = self.new_record(token?, with);
                Some((token?.id(), DeltaKind::Create(record)))
            }
            Outcome::Rotate => {
                let stored = self.stored.as_ref()?;
                let rotate = self.rotate_to(token?, stored)?;
                Some((stored.id, DeltaKind::Rotate(rotate)))
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
        let entries = self.pending.edits();
        let entries = entries.filter_map(|(key, value)| Some(entry_len(key, value?)));
        let mut bytes = Vec::with_capacity(Header::LEN + entries.sum::<usize>());
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
            known: stored.record.header.nonce,
            presents: stored.presents,
            grace: self.limits.grace,
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

    fn rotate_to(&self, successor: &Token, stored: &Stored) -> Option<Rotate> {
        let (from, sealed) = match &stored.rotation {
            Rotation::Due(token) => (token.verifier(), token.seal(successor)),
            Rotation::HandOver(it) => (it.predecessor, it.sealed),
            Rotation::Impossible | Rotation::Possible(_) => return None,
        };
        Some(Rotate {
            epoch: stored.record.header.epoch,
            loaded: stored.loaded,
            from,
            to: successor.verifier(),
            sealed,
            grace: self.limits.grace,
        })
    }
}
