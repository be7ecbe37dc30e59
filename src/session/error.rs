//! What a session can refuse, and why.

use std::{error::Error, fmt};

/// Why a session could not do what it was asked.
///
/// [`kind`](Self::kind) tells the cases apart; `source` has the cause where there is one. No
/// message contains a token or a stored value.
#[derive(Debug)]
pub struct SessionError {
    kind: SessionErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The cases of a [`SessionError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionErrorKind {
    /// A key has 1 to 255 bytes and does not start with `@`.
    InvalidKey,
    /// The value could not be written as JSON.
    Encode,
    /// The stored value is not JSON, or not of the type that was asked for. The value stays as it
    /// is; other keys are not affected.
    Decode,
    /// With this value the session, or the entry, would exceed its size limit. Nothing was changed.
    TooLarge,
    /// The head of the response is out, so no cookie can be issued any more: a session can no
    /// longer be created, renewed or signed in during this request.
    HeadSent,
    /// The session needs a new token for that: call `sign_in` or `renew` first. The cookie in the
    /// browser does not fit another lifetime, and is only sent again with a new token; and to belong
    /// to somebody is a change of privilege.
    NeedsRenewal,
    /// The name of an owner has 1 to 255 bytes.
    InvalidOwner,
    /// The owner has as many sessions as they may, and none of them was to end for this one, or could in
    /// time. Nothing was saved.
    TooManySessions,
    /// The session ended (log-out, expiry) while this request was running, or a moment before it
    /// arrived; nothing was saved.
    Gone,
    /// The session was renewed or signed in while this request was running, or a moment before it
    /// arrived; nothing was saved after that.
    Superseded,
    /// The request failed as a whole (a server error, a client that hung up, a commit that failed),
    /// and what it had changed was discarded. A handle that outlived it learns this once, from its
    /// next commit.
    Discarded,
    /// Another site made the browser send this request, and so without its session cookie: it may
    /// look, and it may sign in, but nothing else begins a session, or it would replace the one
    /// that the browser has. Nothing was saved.
    CrossSite,
    /// The request carries several session cookies, and which one counts cannot be told: it may
    /// look, at an empty session, and it may sign in. Nothing was saved, and no session ended.
    Ambiguous,
    /// Another request changed the same key, or filled the session, and this request's changes
    /// could not be made again on top of that; nothing was saved.
    Conflict,
    /// The store failed: it is not known that the changes were saved.
    Store,
    /// The operating system has no random bytes for a new token; nothing was saved.
    Entropy,
}

impl SessionErrorKind {
    fn message(self) -> &'static str {
        match self {
            Self::InvalidKey => "a session key has 1 to 255 bytes and does not start with `@`",
            Self::Encode => "the value cannot be written as json",
            Self::Decode => "the stored value is not of the type that was asked for",
            Self::TooLarge => "the session, or an entry of it, would exceed its size limit",
            Self::HeadSent => "the response head is out: no cookie can be issued any more",
            Self::NeedsRenewal => "this needs a new token: call `sign_in` or `renew` before it",
            Self::InvalidOwner => "the name of an owner has 1 to 255 bytes",
            Self::TooManySessions => "the owner has as many sessions as they may",
            Self::Gone => "the session ended while the request was running",
            Self::Superseded => "the session was renewed while the request was running",
            Self::Discarded => "the request failed, and what it had changed was discarded",
            Self::CrossSite => "a request from another site begins no session without a sign-in",
            Self::Ambiguous => "which of several session cookies counts cannot be told",
            Self::Conflict => "another request changed the same key of the session",
            Self::Store => "the session store failed",
            Self::Entropy => "the operating system gave no random bytes",
        }
    }
}

impl SessionError {
    /// Which case this is.
    #[must_use]
    pub fn kind(&self) -> SessionErrorKind {
        self.kind
    }

    pub(crate) fn with_source(
        kind: SessionErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let source = Some(source.into());
        Self { kind, source }
    }
}

impl From<SessionErrorKind> for SessionError {
    fn from(kind: SessionErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}
