//! What the request was given, seen from the response.

use crate::{
    middleware::{
        commit::try_finish, head::Head, lazy::LazySession, session::Session, settings::Settings,
    },
    session::state::Announcement,
};

pub(super) enum Handle {
    Eager(Session),
    Lazy(LazySession),
}

impl Handle {
    /// Lets the head go, if there is nothing to save first; else gives the session to be saved.
    /// `None` if there is nothing to say about a session.
    pub(super) fn try_finish(&self) -> Result<Option<Head>, Session> {
        let session = match self {
            Self::Eager(session) => session,
            Self::Lazy(lazy) => match lazy.loaded_before_head() {
                Some(session) => session,
                None => return Ok(lazy.was_asked().then_some(ASKED_IN_VAIN)),
            },
        };
        let head = try_finish(session);
        head.map(Some).ok_or_else(|| session.clone())
    }

    pub(super) fn settings(&self) -> &Settings {
        match self {
            Self::Eager(session) => session.settings(),
            Self::Lazy(lazy) => lazy.settings(),
        }
    }
}

impl From<Session> for Handle {
    fn from(session: Session) -> Self {
        Self::Eager(session)
    }
}

impl From<LazySession> for Handle {
    fn from(session: LazySession) -> Self {
        Self::Lazy(session)
    }
}

const ASKED_IN_VAIN: Head = Head {
    announcement: Announcement::Nothing,
    was_used: true,
};
