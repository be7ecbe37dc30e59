//! A write on its way to the store.

use std::sync::Arc;

use crate::session::{
    changes::Changes,
    delta::{Change, Delta, DeltaKind},
    error::SessionError,
    header::Nonce,
    lifetime::Timestamp,
    token::{SessionId, Token},
};

/// One write, as the store gets it.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) id: SessionId,
    pub(crate) delta: Arc<Delta>,
    /// Whether it only notes that the session was used: then its failure fails nobody.
    pub(crate) is_touch: bool,
}

/// The changes that a step carries, until the store answered.
pub(crate) struct InFlight {
    pub(super) step: Step,
    pub(super) changes: Changes,
    /// The token that the browser gets if the step succeeds.
    pub(super) token: Option<Token>,
    sent: Sent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    NotYet,
    Once,
    /// Nobody saw the answer to the first time: it may have happened already.
    Again,
}

impl InFlight {
    pub(super) fn new(step: Step, changes: Changes, token: Option<Token>) -> Self {
        let sent = Sent::NotYet;
        Self {
            step,
            changes,
            token,
            sent,
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

    /// Whether nobody saw the answer to the first time that this was sent.
    pub(super) fn may_have_happened(&self) -> bool {
        self.sent == Sent::Again
    }

    /// Puts another change in the place of the one that the store refused.
    pub(super) fn replace(&mut self, change: Change) {
        self.step.delta = Arc::new(Delta {
            kind: DeltaKind::Change(change),
            ..*self.step.delta
        });
        self.sent = Sent::NotYet;
    }

    pub(super) fn send(&mut self) -> Step {
        self.sent = match self.sent {
            Sent::NotYet => Sent::Once,
            Sent::Once | Sent::Again => Sent::Again,
        };
        self.step.clone()
    }
}

/// What a step needs beside the state: the time and what must not repeat.
pub(crate) struct Ingredients {
    pub(crate) now: Timestamp,
    pub(crate) nonce: Nonce,
    pub(crate) entropy: fn() -> Result<[u8; Token::ENTROPY], SessionError>,
}
