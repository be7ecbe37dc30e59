//! Changes that are not saved and never will be.

use crate::session::{error::SessionErrorKind, standing::Standing, state::State};

/// Changes of this request that are not saved and never will be.
#[derive(Clone, Copy, Default)]
pub(super) struct Refusals {
    /// How often changes were refused, or discarded.
    pub(super) count: usize,
    /// Why, the last time.
    pub(super) latest: Option<SessionErrorKind>,
    /// Whether the response has to say so.
    pub(super) bind_response: bool,
}

impl Refusals {
    pub(super) fn add(&mut self, kind: SessionErrorKind) {
        self.count += 1;
        self.latest = Some(kind);
        self.bind_response = true;
    }
}

impl State {
    /// What the store was not able to show cannot be changed either, and may be there.
    pub(super) fn refuse_unseen(&mut self) {
        if let Standing::OnlyLook = self.standing {
            self.refusals.add(SessionErrorKind::Store);
        }
    }
}
