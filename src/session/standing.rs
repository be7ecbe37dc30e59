//! What a request may do before it has a session, and whether it is a use of one.

use crate::session::{error::SessionErrorKind, token::SessionId};

/// What a request without a session may do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Standing {
    /// Begin one.
    Free,
    /// Begin one by a sign-in, else be refused for this reason; and end the one that it comes from.
    OnlyBySignIn {
        because: SessionErrorKind,
        ends: Option<SessionId>,
    },
    /// Nothing: the store failed, so nobody knows which session it has.
    OnlyLook,
}

impl Standing {
    /// Of a request with several sessions.
    pub(crate) const AMBIGUOUS: Self = Self::OnlyBySignIn {
        because: SessionErrorKind::Ambiguous,
        ends: None,
    };

    /// Why the session that the request may have cannot be ended.
    pub(super) fn forbids_to_end(self) -> Option<SessionErrorKind> {
        match self {
            Self::OnlyBySignIn {
                because: SessionErrorKind::Ambiguous,
                ..
            } => Some(SessionErrorKind::Ambiguous),
            Self::OnlyLook => Some(SessionErrorKind::Store),
            Self::Free | Self::OnlyBySignIn { .. } => None,
        }
    }
}

/// When the request is noted as a use of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    /// With every commit, and by itself when that was last done a while ago.
    AsDue,
    /// In any case.
    Now,
    /// Not at all, except if somebody signs in.
    Never,
}

impl Activity {
    /// Takes back that the request is to be noted in any case: it was, or will not be.
    pub(super) fn settle(&mut self) {
        if let Self::Now = self {
            *self = Self::AsDue;
        }
    }
}
