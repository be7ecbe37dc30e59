//! What the browser has to be told about its cookie.

use crate::session::{lifetime::Timestamp, token::Token};

/// What the browser has to be told about its cookie.
#[derive(Debug, Default)]
pub(crate) enum Announcement {
    #[default]
    Nothing,
    /// Keep this token.
    Issue {
        token: Token,
        /// Until when, if the session is to outlive the browser.
        expires: Option<Timestamp>,
        /// Whether another session ended before.
        follows_end: bool,
    },
    Remove,
}

impl Announcement {
    /// Whether a session of this request ended.
    pub(crate) fn tells_an_end(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Issue { follows_end, .. } => *follows_end,
            Self::Remove => true,
        }
    }

    #[cfg(test)]
    pub(super) fn is_issue(&self) -> bool {
        matches!(self, Self::Issue { .. })
    }
}
