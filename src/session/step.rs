//! A write on its way to the store.

use std::sync::Arc;

use crate::session::{
    changes::Changes,
    delta::{Change, Delta, DeltaKind},
    error::SessionError,
    header::{Header, Nonce},
    lifetime::Timestamp,
    token::{Entropy, SessionId, Token},
};

/// One write, as the store gets it.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) id: SessionId,
    pub(crate) delta: Arc<Delta>,
    /// Whether it changes nothing that the application set, a touch or a rotation: then its failure
    /// fails nobody.
    pub(crate) is_routine: bool,
}

impl Step {
    /// Whether this is the write that takes the changes of a request along.
    pub(crate) fn saves_changes(&self) -> bool {
        match self.delta.kind {
            DeltaKind::Create(_) | DeltaKind::Change(_) => !self.delta.is_repeated,
            DeltaKind::Rotate(_) | DeltaKind::Destroy => false,
        }
    }
}

/// The changes that a step carries, until the store answered.
pub(crate) struct InFlight {
    pub(super) step: Step,
    pub(super) changes: Changes,
    /// The token that the browser gets if the step succeeds.
    pub(super) token: Option<Token>,
    was_sent: bool,
}

impl InFlight {
    pub(super) fn new(step: Step, changes: Changes, token: Option<Token>) -> Self {
        let was_sent = false;
        Self {
            step,
            changes,
            token,
            was_sent,
        }
    }

    pub(super) fn changes(&self) -> &Changes {
        &self.changes
    }

    pub(super) fn is_end(&self) -> bool {
        matches!(self.step.delta.kind, DeltaKind::Destroy)
    }

    /// The id of the session that this step begins.
    pub(super) fn created_id(&self) -> Option<SessionId> {
        let is_creation = matches!(self.step.delta.kind, DeltaKind::Create(_));
        is_creation.then_some(self.step.id)
    }

    /// Puts another change in the place of the one that the store refused, for a record with this
    /// header.
    pub(super) fn replace(&mut self, change: Change, header: &Header) {
        let delta = &self.step.delta;
        self.step.delta = Arc::new(Delta {
            account: delta.account.until(change.end_of(header)),
            kind: DeltaKind::Change(change),
            is_repeated: false,
            ..**delta
        });
        self.was_sent = false;
    }

    /// Notes that the store did not apply the step, and may be asked again.
    pub(super) fn was_not_applied(&mut self) {
        self.was_sent = false;
    }

    pub(super) fn send(&mut self) -> Step {
        // Nobody saw the answer to the first time: it may have happened already.
        if std::mem::replace(&mut self.was_sent, true) {
            self.step.delta = Arc::new(self.step.delta.repeated());
        }
        self.step.clone()
    }
}

/// What a step needs beside the state: the time and what must not repeat.
pub(crate) struct Ingredients {
    pub(crate) now: Timestamp,
    pub(crate) nonce: Nonce,
    pub(crate) entropy: fn() -> Result<Entropy, SessionError>,
}
