//! What an answer of the store means for the session.

use std::sync::Arc;

use bytes::Bytes;

use crate::session::{
    announcement::Announcement,
    changes::{Changes, Seen},
    delta::{Change, CommitAnswer, DeltaKind},
    error::{SessionError, SessionErrorKind},
    header::Header,
    record::Record,
    rotation::Rotation,
    state::{State, Stored},
    step::InFlight,
};

impl State {
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
            CommitAnswer::Gone | CommitAnswer::Unreadable if in_flight.is_end() => {
                self.committed(in_flight);
            }
            CommitAnswer::Gone | CommitAnswer::Unreadable | CommitAnswer::Superseded
                if in_flight.changes.is_sign_in() =>
            {
                return self.checked(|state| state.begin_anew(in_flight));
            }
            CommitAnswer::Gone | CommitAnswer::Unreadable => {
                return Err(self.refuse(in_flight, SessionErrorKind::Gone));
            }
            CommitAnswer::Superseded => {
                return Err(self.refuse(in_flight, SessionErrorKind::Superseded));
            }
            CommitAnswer::Unknown => return Err(self.refuse(in_flight, SessionErrorKind::Store)),
            CommitAnswer::Full => {
                return Err(self.refuse(in_flight, SessionErrorKind::TooManySessions));
            }
            CommitAnswer::Conflict(present) => {
                return self.checked(|state| state.rebase(in_flight, present));
            }
        }
        Ok(())
    }

    /// Makes changes again; if that cannot be done, they conflict with what others did.
    fn checked(
        &mut self,
        make_again: impl FnOnce(&mut Self) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        // If an update panics, it stays at that, and nobody has measured what is left.
        self.len = usize::MAX / 2;
        let before = self.refusals;
        self.refusals.add(SessionErrorKind::Conflict);
        let made = make_again(self);
        match made {
            Ok(()) => self.refusals = before,
            Err(_) => self.settle_refusal(),
        }
        made.map_err(as_conflict)
    }

    /// Gives up changes that lose against other requests again and again.
    pub(crate) fn give_up(&mut self) -> SessionError {
        self.in_flight = None;
        self.count_refusal(SessionErrorKind::Conflict);
        SessionErrorKind::Conflict.into()
    }

    /// Notes that the step in flight was not applied. Whether anybody still wants it to be.
    pub(crate) fn was_not_applied(&mut self) -> bool {
        let in_flight = self.in_flight.as_mut();
        in_flight.map(InFlight::was_not_applied).is_some()
    }

    /// How often changes were refused so far.
    pub(crate) fn refusals(&self) -> usize {
        self.refusals.count
    }

    /// Why changes were refused the last time.
    pub(crate) fn latest_refusal(&self) -> Option<SessionErrorKind> {
        self.refusals.latest
    }

    /// Lets a touch or a rotation be: it is not worth trying again during this request.
    pub(crate) fn give_up_routine(&mut self) {
        self.in_flight.take_if(|it| it.step.is_routine);
        if let Some(stored) = &mut self.stored {
            stored.is_touch_due = false;
            stored.presents = None;
            stored.rotation = Rotation::Impossible;
        }
        self.activity.settle();
    }

    fn committed(&mut self, in_flight: InFlight) {
        let InFlight { step, token, .. } = in_flight;
        let delta = &step.delta;
        match (&delta.kind, &mut self.stored) {
            (DeltaKind::Destroy, _) => {
                self.ended = None;
                self.announcement = Announcement::Remove;
            }
            (DeltaKind::Create(record), _)
                if self.ended.as_ref().map(|it| it.id) != Some(step.id) =>
            {
                self.stored = Some(Stored {
                    id: step.id,
                    record: record.clone(),
                    ahead: None,
                    loaded: delta.now,
                    is_touch_due: false,
                    presents: None,
                    rotation: Rotation::Impossible,
                });
            }
            (DeltaKind::Change(_) | DeltaKind::Rotate(_), Some(stored)) => {
                stored.ahead = Some(Arc::clone(delta));
                // To hand over a successor writes nothing.
                stored.is_touch_due &= matches!(stored.rotation, Rotation::HandOver(_));
                stored.presents = None;
                if token.is_some() {
                    stored.rotation = Rotation::Impossible;
                }
            }
            // The session was ended while this was on its way.
            (DeltaKind::Create(_) | DeltaKind::Change(_) | DeltaKind::Rotate(_), _) => return,
        }
        if let Some(token) = token {
            self.catch_up();
            let header = self.header();
            let persistent = header.filter(|header| header.lifetime.is_persistent());
            let expires = persistent.map(Header::absolute_deadline);
            self.announcement = Announcement::Issue {
                token,
                expires,
                follows_end: self.announcement.tells_an_end(),
            };
        }
    }

    /// Drops what was in flight. That a routine was refused is not worth remembering.
    fn refuse(&mut self, in_flight: InFlight, kind: SessionErrorKind) -> SessionError {
        if !in_flight.step.is_routine {
            self.count_refusal(kind);
        }
        // A token of before is dead, and there may be a newer one in the browser.
        if matches!(kind, SessionErrorKind::Gone | SessionErrorKind::Superseded) {
            self.announcement = match self.announcement.tells_an_end() {
                true => Announcement::Remove,
                false => Announcement::Nothing,
            };
        }
        kind.into()
    }

    /// A sign-in does not need the session that it was based on, which ended or was renewed: what
    /// this request set, and nothing else, begins another one.
    fn begin_anew(&mut self, in_flight: InFlight) -> Result<(), SessionError> {
        let mut changes = in_flight.changes;
        changes.rebase(|_| None)?;
        self.pending.rebase(|key| match changes.see(key) {
            Seen::Here(value) => value.cloned(),
            Seen::Below => None,
        })?;
        self.stored = None;
        self.pending = changes.followed_by(std::mem::take(&mut self.pending));
        self.len = self.measure();
        if self.len > self.limits.max_len || self.pending.outgrow_an_entry(&self.limits) {
            self.pending = Changes::default();
            return Err(SessionErrorKind::TooLarge.into());
        }
        Ok(())
    }

    fn count_refusal(&mut self, kind: SessionErrorKind) {
        self.refusals.add(kind);
        self.settle_refusal();
    }

    fn settle_refusal(&mut self) {
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
        let record = Record::parse(present).map_err(|_| SessionErrorKind::Gone)?;
        in_flight.changes.rebase(|key| record.shared_value(key))?;
        self.pending
            .rebase(|key| match in_flight.changes.see(key) {
                Seen::Here(value) => value.cloned(),
                Seen::Below => record.shared_value(key),
            })?;
        let change = Change {
            known: record.header.nonce,
            entries: in_flight.changes.to_entry_changes(),
            ..change.clone()
        };
        let is_too_large = record.outgrown_by(&change)
            || in_flight.changes.outgrow_an_entry(&self.limits)
            || self.pending.outgrow_an_entry(&self.limits);
        if is_too_large {
            return Err(SessionErrorKind::TooLarge.into());
        }
        in_flight.replace(change, &record.header);
        stored.record = record;
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
