//! A session that is loaded when somebody asks for it.

use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::HeaderMap;

use crate::{
    cookie::Unread,
    middleware::{loading::Start, session::Session, settings::Settings, terms::Terms},
    session::error::SessionError,
};

/// The session of a request behind [`SessionLayer::lazy`](crate::SessionLayer::lazy): not loaded
/// until somebody asks for it. Clones share one session.
#[derive(Clone)]
pub struct LazySession(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    cookies: Unread,
    terms: Terms,
    /// Held by whoever loads.
    loading: tokio::sync::Mutex<()>,
    session: OnceLock<Session>,
    was_asked: AtomicBool,
    is_head_sent: Mutex<bool>,
}

impl LazySession {
    /// The session: loaded the first time, the same one from then on. Without a cookie nothing
    /// needs to be loaded.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::SessionErrorKind::Store), unless the request goes on
    /// [without a session](crate::SessionLayer::with_store_failure) then. Calling this again tries
    /// again.
    pub async fn load(&self) -> Result<Session, SessionError> {
        self.0.was_asked.store(true, Ordering::Relaxed);
        let session = match self.loaded() {
            Some(session) => session,
            // Dropped here, the load is as if it had not begun: another caller starts it anew.
            None => self.load_once().await?,
        };
        session.mark_used();
        Ok(session.clone())
    }

    pub(super) fn new(headers: &HeaderMap, terms: Terms, settings: &Arc<Settings>) -> Self {
        Self(Arc::new(Shared {
            settings: Arc::clone(settings),
            terms,
            cookies: Unread::of(headers, &settings.cookie),
            loading: tokio::sync::Mutex::default(),
            session: OnceLock::new(),
            was_asked: AtomicBool::new(false),
            is_head_sent: Mutex::new(false),
        }))
    }

    pub(super) fn settings(&self) -> &Arc<Settings> {
        &self.0.settings
    }

    /// The session, if it was loaded by now. If it is loaded later, it finds the head gone.
    pub(super) fn loaded_before_head(&self) -> Option<&Session> {
        *self.is_head_sent() = true;
        self.loaded()
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

    async fn load_once(&self) -> Result<&Session, SessionError> {
        let _loading = self.0.loading.lock().await;
        if let Some(session) = self.loaded() {
            return Ok(session);
        }
        let session = self.hydrate().await?;
        // Who lets the head go meanwhile either sees this session, or is seen here.
        let is_head_sent = self.is_head_sent();
        if *is_head_sent {
            session.peek().send_head();
        }
        Ok(self.0.session.get_or_init(|| session))
    }

    fn is_head_sent(&self) -> MutexGuard<'_, bool> {
        let lock = self.0.is_head_sent.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }

    async fn hydrate(&self) -> Result<Session, SessionError> {
        let Shared {
            settings,
            cookies,
            terms,
            ..
        } = &*self.0;
        let presented = cookies.read(&settings.cookie);
        match Start::of(presented, *terms, settings) {
            Start::Ready(session) => Ok(session),
            Start::Loading(mut loading) => poll_fn(|cx| loading.poll(cx, settings)).await,
        }
    }
}

impl fmt::Debug for LazySession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LazySession")
            .field(&self.0.session.get())
            .finish()
    }
}
