//! What the request was given, seen from the response.

use std::sync::Arc;

use http::Extensions;

use crate::{
    cookie::Strays,
    middleware::{
        commit::{abandon, send_head, try_finish},
        future::taken,
        head::Head,
        lazy::LazySession,
        session::Session,
        settings::Settings,
    },
    session::{announcement::Announcement, token::SessionId},
};

pub(super) struct Handle {
    session: Given,
    strays: Strays,
}

#[derive(Clone)]
pub(super) enum Given {
    Eager(Session),
    Lazy(LazySession),
}

impl Given {
    pub(super) fn settings(&self) -> &Arc<Settings> {
        match self {
            Self::Eager(session) => session.settings(),
            Self::Lazy(lazy) => lazy.settings(),
        }
    }

    /// Puts it where the service finds it.
    pub(super) fn put_into(self, extensions: &mut Extensions) {
        match self {
            Self::Eager(session) => drop(extensions.insert(session)),
            Self::Lazy(lazy) => drop(extensions.insert(lazy)),
        }
    }
}

impl Handle {
    pub(super) fn new(session: impl Into<Given>, strays: Strays) -> Self {
        let session = session.into();
        Self { session, strays }
    }

    /// Cookies that the request showed and nobody needs.
    pub(super) fn strays(&self) -> &Strays {
        &self.strays
    }

    /// Lets the head go, if there is nothing to save first; else gives the session to be saved.
    /// `None` if there is nothing to say about a session.
    pub(super) fn try_finish(&self) -> Result<Option<Head>, Session> {
        let session = match &self.session {
            Given::Eager(session) => session,
            Given::Lazy(lazy) => match lazy.loaded_before_head() {
                Some(session) => session,
                None => return Ok(lazy.was_asked().then_some(ASKED_IN_VAIN)),
            },
        };
        let head = try_finish(session);
        head.map(Some).ok_or_else(|| session.clone())
    }

    /// Lets the head go, whatever is left to save.
    pub(super) fn send_head(&self) -> Option<Head> {
        self.loaded().map(send_head)
    }

    pub(super) fn id(&self) -> Option<SessionId> {
        self.loaded()?.peek().id()
    }

    /// Whether somebody may still change the session, or did so when nobody looked any more.
    pub(super) fn lives_on(&self) -> bool {
        let is_shared = match &self.session {
            Given::Eager(session) => session.is_shared(),
            Given::Lazy(lazy) => lazy.is_shared(),
        };
        // In this order: who is gone by now has made its last change.
        is_shared || self.unsaved().is_some()
    }

    /// The session, if it has changes that are not saved, or not yet.
    pub(super) fn unsaved(&self) -> Option<&Session> {
        let session = self.loaded();
        session.filter(|session| session.peek().is_left_unsaved())
    }

    fn loaded(&self) -> Option<&Session> {
        match &self.session {
            Given::Eager(session) => Some(session),
            Given::Lazy(lazy) => lazy.loaded(),
        }
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        self.session.settings()
    }
}

impl From<Session> for Given {
    fn from(session: Session) -> Self {
        Self::Eager(session)
    }
}

impl From<LazySession> for Given {
    fn from(session: LazySession) -> Self {
        Self::Lazy(session)
    }
}

/// The handle of a request that is not answered yet. Dropped like that, the client is gone.
pub(super) struct Unanswered(Option<Handle>);

impl Unanswered {
    pub(super) fn new(handle: Handle) -> Self {
        Self(Some(handle))
    }

    pub(super) fn answered(&mut self) -> Handle {
        taken(&mut self.0)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        match self.0.take().map(|handle| handle.session) {
            Some(Given::Eager(session)) => abandon(&session),
            Some(Given::Lazy(lazy)) => {
                if let Some(session) = lazy.loaded_before_head() {
                    abandon(session);
                }
            }
            None => {}
        }
    }
}

const ASKED_IN_VAIN: Head = Head {
    announcement: Announcement::Nothing,
    was_used: true,
};
