//! A session that is loaded when somebody asks for it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderMap, Method};
use tokio::sync::OnceCell;

use crate::{
    cookie::CookieLines,
    middleware::{session::Session, settings::Settings},
    session::{error::SessionError, state::Standing},
};

/// The session of a request behind [`SessionLayer::lazy`](crate::SessionLayer::lazy): not loaded
/// until somebody asks for it. Clones share one session.
#[derive(Clone)]
pub struct LazySession(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    cookies: CookieLines,
    /// What the request may do if there is no token in the cookies.
    standing: Standing,
    session: OnceCell<Session>,
    was_asked: AtomicBool,
    is_head_sent: AtomicBool,
}

impl LazySession {
    /// The session: loaded the first time, the same one from then on. Without a cookie nothing
    /// needs to be loaded.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::SessionErrorKind::Store). Calling this again tries again.
    pub async fn load(&self) -> Result<Session, SessionError> {
        self.0.was_asked.store(true, Ordering::Relaxed);
        // Dropped here, the load is as if it had not begun: another caller starts it anew.
        let session = self.0.session.get_or_try_init(|| self.hydrate()).await?;
        session.mark_used();
        if self.0.is_head_sent.load(Ordering::SeqCst) {
            session.peek().send_head();
        }
        Ok(session.clone())
    }

    pub(super) fn new(settings: &Arc<Settings>, method: &Method, headers: &HeaderMap) -> Self {
        Self(Arc::new(Shared {
            settings: Arc::clone(settings),
            standing: settings.standing(method, headers),
            cookies: CookieLines::of(headers, &settings.cookie),
            session: OnceCell::new(),
            was_asked: AtomicBool::new(false),
            is_head_sent: AtomicBool::new(false),
        }))
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.0.settings
    }

    /// The session, if it was loaded by now. If it is loaded later, it finds the head gone.
    pub(super) fn loaded_before_head(&self) -> Option<&Session> {
        // In this order: who loads meanwhile either is seen here, or sees this.
        self.0.is_head_sent.store(true, Ordering::SeqCst);
        self.0.session.get()
    }

    pub(super) fn loaded(&self) -> Option<&Session> {
        self.0.session.get()
    }

    /// Whether anybody else holds this, or the session that it loaded.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1 || self.loaded().is_some_and(Session::is_shared)
    }

    pub(super) fn was_asked(&self) -> bool {
        self.0.was_asked.load(Ordering::Relaxed)
    }

    async fn hydrate(&self) -> Result<Session, SessionError> {
        let settings = &self.0.settings;
        let Some(token) = settings.token_in(self.0.cookies.iter()) else {
            return Ok(Session::empty(settings, self.0.standing));
        };
        let loaded = Arc::clone(&settings.store).load(token.id()).await;
        Session::hydrate(settings, &token, loaded)
    }
}

impl fmt::Debug for LazySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LazySession")
            .field(&self.0.session.get())
            .finish()
    }
}
