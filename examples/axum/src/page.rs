//! The page: what there is to see of a session.

use std::time::SystemTime;

use askama::Template;
use askama_web::WebTemplate;
use tower_session_layer::{Session, SessionError, SessionId};

use crate::words::{between, in_words};

/// The page for one visitor. The template escapes what it shows.
#[derive(Template, WebTemplate)]
#[template(path = "page.html")]
pub(crate) struct Page {
    visits: u64,
    user: Option<String>,
    session: Option<Facts>,
    /// Whether the visitor has to sign in again, for what they wanted to do.
    asks_again: bool,
}

/// What is known about a session that exists, times in words.
struct Facts {
    id: SessionId,
    age: String,
    authenticated: Option<String>,
    expires: String,
    idle: String,
    absolute: String,
    is_persistent: bool,
}

impl Page {
    pub(crate) fn of(session: &Session, asks_again: bool) -> Result<Self, SessionError> {
        Ok(Self {
            asks_again,
            visits: session.get("visits")?.unwrap_or(0),
            user: session.owner(),
            session: Facts::of(session, SystemTime::now()),
        })
    }

    fn is_remembered(&self) -> bool {
        (self.session.as_ref()).is_some_and(|session| session.is_persistent)
    }
}

impl Facts {
    /// `None` if there is no session yet.
    fn of(session: &Session, now: SystemTime) -> Option<Self> {
        let lifetime = session.lifetime();
        Some(Self {
            id: session.id()?,
            age: in_words(between(session.created_at()?, now)),
            authenticated: session
                .authenticated_at()
                .map(|at| in_words(between(at, now))),
            expires: in_words(between(now, session.expires_at()?)),
            idle: in_words(lifetime.idle()),
            absolute: in_words(lifetime.absolute()),
            is_persistent: lifetime.is_persistent(),
        })
    }
}
