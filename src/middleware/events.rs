//! What happens to sessions, for programs that want to know.

use std::sync::Arc;

use crate::session::{error::SessionErrorKind, token::SessionId};

/// Something that happened to a session, told by
/// [`SessionLayer::with_events`](crate::SessionLayer::with_events). Whatever has an id here has the
/// public one; no token and no value is ever in an event.
///
/// There are more to come: match with a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent<'a> {
    /// A session began, by a sign-in or without.
    Created {
        /// Which one.
        id: SessionId,
        /// Whose it is.
        owner: Option<&'a str>,
    },
    /// Somebody signed in to a session that was there, and it has a new token.
    SignedIn {
        /// Which one.
        id: SessionId,
        /// Whose it is.
        owner: Option<&'a str>,
    },
    /// A session got a new token at another change of privilege.
    Renewed {
        /// Which one.
        id: SessionId,
        /// Whose it is.
        owner: Option<&'a str>,
    },
    /// A session ended by a log-out.
    Destroyed {
        /// Which one.
        id: SessionId,
        /// Whose it was.
        owner: Option<&'a str>,
    },
    /// A session was ended from outside.
    Revoked {
        /// Which one.
        id: SessionId,
        /// Whose it was.
        owner: Option<&'a str>,
        /// By what.
        reason: Revocation,
    },
    /// What a request changed was not saved, although the store works.
    Refused {
        /// In which session, if there is one.
        id: Option<SessionId>,
        /// Why.
        kind: SessionErrorKind,
    },
    /// A request came with several session cookies that differ.
    SeveralCookies {
        /// The session that it was given all the same.
        id: Option<SessionId>,
    },
    /// A request came with a well-formed token that is worth nothing: forged, expired, or of a session
    /// that ended or was renewed. Not within a minute after that: requests that were on their way are
    /// nothing to worry about.
    UnknownToken {
        /// The session that it names.
        id: SessionId,
    },
    /// A request came with a token that was rotated away a while ago: somebody has a copy.
    ReusedToken {
        /// The session that it names.
        id: SessionId,
    },
}

/// Why a session was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The application asked for it, by [`Sessions`](crate::Sessions).
    Asked,
    /// It made room for another one, see [`AtLimit::EvictOldest`](crate::AtLimit::EvictOldest).
    Evicted,
}

/// Who is told.
pub(super) type Listener = Arc<dyn Fn(SessionEvent<'_>) + Send + Sync>;
