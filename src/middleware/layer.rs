//! The layer: configuration.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::request::Parts;
use tokio_util::task::TaskTracker;
use tower_layer::Layer;

use crate::{
    cookie::SessionCookie,
    middleware::{
        clear::{ClearSiteData, SiteData},
        events::SessionEvent,
        limit::AtLimit,
        service::SessionService,
        sessions::Sessions,
        settings::Settings,
        terms::StoreFailure,
    },
    session::{lifetime::Lifetime, rotation::DEFAULT_GRACE, state::Limits},
    store::SessionStore,
};

/// Gives every request of a service a session.
///
/// A request finds it in its extensions, as a [`Session`](crate::Session), or as a
/// [`LazySession`](crate::LazySession) after [`lazy`](Self::lazy). Once the service has answered,
/// what changed is saved, and only then is the response let go.
///
/// The service must be `Clone`: a request whose session has to be loaded first takes the ready
/// service with it, and leaves a clone behind. While it loads, it holds on to what readiness
/// reserved, a concurrency permit for instance.
///
/// ```
/// # #[cfg(feature = "memory")] tokio_test::block_on(async {
/// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
/// use tower_session_layer::{MemoryStore, Session, SessionLayer};
/// # use http::{Request, Response, header::SET_COOKIE};
/// # use http_body_util::Empty;
/// # type Body = Empty<bytes::Bytes>;
///
/// let mut service = ServiceBuilder::new()
///     .layer(SessionLayer::new(MemoryStore::new()))
///     .service(service_fn(async |request: Request<Body>| {
///         let session: &Session = request.extensions().get().unwrap();
///         session.insert("greeted", true)?;
///         Ok::<_, tower_session_layer::SessionError>(Response::new(Body::new()))
///     }));
///
/// let response = service.ready().await?.call(Request::new(Body::new())).await?;
/// assert!(response.headers().contains_key(SET_COOKIE));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Failures
///
/// A request whose session cannot be loaded or saved is answered by the middleware:
/// [`SessionError::status`](crate::SessionError::status) has the statuses, and a gRPC client gets
/// one in the terms of its protocol. The answer has no body, and the
/// [`SessionErrorKind`](crate::SessionErrorKind) is among its extensions, so that a layer around
/// this one can make it a page:
///
/// ```
/// # #[cfg(feature = "memory")] tokio_test::block_on(async {
/// use http::Response;
/// use tower_session_layer::{MemoryStore, ResponseBody, SessionErrorKind, SessionLayer};
/// # use http::{Request, StatusCode};
/// # use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn, util::MapResponseLayer};
/// # use tower_session_layer::Session;
/// # type Body = Full<bytes::Bytes>;
/// # type Page = Response<UnsyncBoxBody<bytes::Bytes, BoxError>>;
///
/// fn with_page(response: Response<ResponseBody<Body>>) -> Page {
///     let page = match response.extensions().get() {
///         Some(SessionErrorKind::Store) => "We are having trouble, please try again.",
///         Some(_) => "Somebody was faster, please try again.",
///         None => return response.map(BodyExt::boxed_unsync),
///     };
///     response.map(|_| Body::from(page).map_err(Into::into).boxed_unsync())
/// }
///
/// let service = ServiceBuilder::new()
///     .layer(MapResponseLayer::new(with_page))
///     .layer(SessionLayer::new(MemoryStore::new()))
/// #   .service(service_fn(async |request: Request<Body>| {
/// #       let session: &Session = request.extensions().get().unwrap();
/// #       session.update("visits", |_: Option<u64>| 0)?;
/// #       Ok::<_, tower_session_layer::SessionError>(Response::new(Body::default()))
/// #   }));
/// # let response = service.oneshot(Request::new(Body::default())).await?;
/// # assert_eq!(response.status(), StatusCode::OK);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SessionLayer {
    settings: Arc<Settings>,
    mode: Mode,
}

/// When a session is loaded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// Before the service is called.
    Eager,
    /// When somebody asks for it.
    Lazy,
}

impl SessionLayer {
    /// A layer that keeps its sessions in `store`, with the defaults of each setter.
    pub fn new(store: impl SessionStore) -> Self {
        let settings = Arc::new(Settings {
            store: Arc::new(store),
            cookie: SessionCookie::default(),
            limits: Limits {
                lifetime: Lifetime::default(),
                max_len: 64 * 1024,
                max_entry_len: usize::MAX,
                max_sessions: None,
                rotate_every: None,
                grace: DEFAULT_GRACE,
            },
            clock: Arc::new(SystemTime::now),
            saves_failed_requests: false,
            passes_refused_responses: false,
            allows_cross_site_beginnings: false,
            passive_requests: None,
            store_failure: None,
            clear_site_data: ClearSiteData::default(),
            at_limit: AtLimit::EvictOldest,
            listener: None,
            background: TaskTracker::new(),
        });
        let mode = Mode::Eager;
        Self { settings, mode }
    }

    /// Loads a session when somebody asks for it, not before: requests get a
    /// [`LazySession`](crate::LazySession) in place of a [`Session`](crate::Session).
    ///
    /// Loading eagerly costs one command to the store for every request with a well-formed cookie,
    /// also where nobody looks at the session; in exchange nothing has to be awaited. Defaults to
    /// eager.
    #[must_use]
    pub fn lazy(self) -> Self {
        let mode = Mode::Lazy;
        Self { mode, ..self }
    }

    /// How the cookie looks. Defaults to [`SessionCookie::default`].
    ///
    /// Layers of different names around one service are different sessions, and the service finds that
    /// of the layer next to it; each needs a store or a key prefix of its own, or the cookie of one
    /// opens the other. Of several layers of one name the outermost counts, with its settings and its
    /// [mode](Self::lazy), and the others do nothing.
    #[must_use]
    pub fn with_cookie(self, cookie: SessionCookie) -> Self {
        self.with(|settings| settings.cookie = cookie)
    }

    /// How long a session lives unless it is given a lifetime of its own by
    /// [`Session::set_lifetime`](crate::Session::set_lifetime). It applies to sessions that begin
    /// from now on; every session keeps what it began with. Defaults to [`Lifetime::default`].
    #[must_use]
    pub fn with_lifetime(self, lifetime: Lifetime) -> Self {
        self.with(|settings| settings.limits.lifetime = lifetime)
    }

    /// How large a session may become, in bytes of its record in the store: 168, and for each
    /// entry 5, its key and its value as JSON. Defaults to 65,536 (64 KiB).
    #[must_use]
    pub fn with_max_size(self, bytes: usize) -> Self {
        self.with(|settings| settings.limits.max_len = bytes)
    }

    /// How large one entry of a session may become, in bytes: 5, its key and its value as JSON.
    /// Defaults to what [the session](Self::with_max_size) has room for.
    #[must_use]
    pub fn with_max_entry_size(self, bytes: usize) -> Self {
        self.with(|settings| settings.limits.max_entry_len = bytes)
    }

    /// Replaces the token of a session, when the session is used and its secret is older than
    /// `every`, as a matter of routine: a copy of the cookie that somebody took is worth nothing
    /// for long.
    ///
    /// The old token counts until the new one was first presented, and for `grace` after that, so
    /// requests that are under way and responses that get lost log nobody out. (A response that
    /// takes longer than that, and arrives after the next rotation, does.) Afterwards the old token
    /// is as good as none, and until the next rotation its use is an event in the log.
    ///
    /// A rotation waits until the last one has settled, so `every` should be much longer than
    /// `grace`; of a `grace` that is longer than half of `every` that half is taken. All servers
    /// of a site should agree on both. Defaults to no rotation, and a grace of a minute for
    /// [`Session::rotate`](crate::Session::rotate).
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use std::time::Duration;
    /// use tower_session_layer::{MemoryStore, SessionLayer};
    ///
    /// let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    /// let layer = SessionLayer::new(MemoryStore::new()).with_rotation(minutes(15), minutes(1));
    /// # }
    /// ```
    #[must_use]
    pub fn with_rotation(self, every: Duration, grace: Duration) -> Self {
        self.with(|settings| {
            settings.limits.rotate_every = Some(every);
            settings.limits.grace = grace.min(every / 2);
        })
    }

    /// Which requests leave the session idle, because no user is behind them: a page that polls
    /// would keep its session alive for ever. They see the session and may change it, and the idle
    /// limit goes on. A handler can say so as well, or overrule this, see
    /// [`Session::mark_passive`](crate::Session::mark_passive). Defaults to none.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use tower_session_layer::{MemoryStore, SessionLayer};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new())
    ///     .with_passive_requests(|request| request.uri.path().starts_with("/poll/"));
    /// # }
    /// ```
    #[must_use]
    pub fn with_passive_requests(
        self,
        are_passive: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.passive_requests = Some(Arc::new(are_passive)))
    }

    /// What becomes of a request whose session cannot be loaded because the store failed. It is told
    /// by the head of the request, so that routes can differ: what shows a page to anybody may go on
    /// without a session, what needs a user better says that it cannot tell. No cookie is issued or
    /// removed in either case, and a commit that fails is always answered as a failure. Defaults to
    /// [`StoreFailure::Reject`] for every request.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use tower_session_layer::{MemoryStore, SessionLayer, StoreFailure};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new()).with_store_failure(|request| {
    ///     match request.uri.path().starts_with("/account/") {
    ///         true => StoreFailure::Reject,
    ///         false => StoreFailure::Anonymous,
    ///     }
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn with_store_failure(
        self,
        policy: impl Fn(&Parts) -> StoreFailure + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.store_failure = Some(Arc::new(policy)))
    }

    /// What browsers are told to clear when a session was [destroyed](crate::Session::destroy), by
    /// `Clear-Site-Data` (ASVS 14.3.1). They do so on `https` alone, and take their time for the
    /// cache. A response that begins another session keeps the cookies. Defaults to nothing.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use tower_session_layer::{MemoryStore, SessionLayer, SiteData};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new())
    ///     .with_clear_site_data([SiteData::Cache, SiteData::Storage]);
    /// # }
    /// ```
    #[must_use]
    pub fn with_clear_site_data(self, what: impl AsRef<[SiteData]>) -> Self {
        self.with(|settings| settings.clear_site_data = ClearSiteData::new(what.as_ref()))
    }

    /// How many sessions one [owner](crate::Session::set_owner) may have at the same time, at least
    /// one, and what becomes of a sign-in beyond that (ASVS 7.1.2). There are never more, however many
    /// sign-ins race; but those that were there before this was set stay until the next sign-in.
    ///
    /// A sign-in that dies on its way to the store, with its server, can count for some seconds.
    /// Needs a store that keeps account of owners; with another one every sign-in fails. Defaults to
    /// any number.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use tower_session_layer::{AtLimit, MemoryStore, SessionLayer};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new())
    ///     .with_sessions_per_owner(3, AtLimit::EvictOldest);
    /// # }
    /// ```
    #[must_use]
    pub fn with_sessions_per_owner(self, most: usize, at_limit: AtLimit) -> Self {
        self.with(|settings| {
            settings.limits.max_sessions = NonZeroUsize::new(most.max(1));
            settings.at_limit = at_limit;
        })
    }

    /// Tells what happens to sessions: to count it, or for an audit. `listener` is called where it
    /// happens, once the store knows, so it has to be quick, must not use the session, and must not
    /// panic. What may have happened, but was answered as a failure of the store, is not told. Defaults
    /// to telling nobody.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use tower_session_layer::{MemoryStore, SessionEvent, SessionLayer};
    ///
    /// let layer = SessionLayer::new(MemoryStore::new()).with_events(|event| match event {
    ///     SessionEvent::ReusedToken { id } => println!("somebody has a copy of a cookie of {id}"),
    ///     _ => {}
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn with_events(self, listener: impl Fn(SessionEvent<'_>) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.listener = Some(Arc::new(listener)))
    }

    /// Saves what a request changed even if it is answered with a server error (HTTP 5xx, or a code
    /// of gRPC that blames the server), or if the service returns an error. Defaults to discarding
    /// it: the request failed as a whole.
    #[must_use]
    pub fn save_failed_requests(self) -> Self {
        self.with(|settings| settings.saves_failed_requests = true)
    }

    /// Lets the response go although its changes were refused because another request came first.
    /// This gives up that nobody is told "saved" who was not: the log says so, the client does not
    /// learn it. Defaults to a 409 (gRPC `ABORTED`) in its place.
    #[must_use]
    pub fn pass_refused_responses(self) -> Self {
        self.with(|settings| settings.passes_refused_responses = true)
    }

    /// Lets requests that another site made begin a session like any other.
    ///
    /// Browsers do not send a `SameSite` cookie with a form that another site submits. So such a
    /// request looks like a first visit, and the session that it begins would take the place of
    /// the one that the browser has: a hostile site could log a user out, or in as somebody else.
    /// Such requests are told by `Sec-Fetch-Site: cross-site`: on unsafe methods, on all of them if
    /// the cookie is [`SameSite::Strict`](crate::SameSite::Strict), on none if it is
    /// [`SameSite::None`](crate::SameSite::None).
    ///
    /// Defaults to letting them begin a session by [`sign_in`](crate::Session::sign_in) alone, and
    /// answering 403 (gRPC `PERMISSION_DENIED`) if something else was to be saved.
    #[must_use]
    pub fn insecure_cross_site_beginnings(self) -> Self {
        self.with(|settings| settings.allows_cross_site_beginnings = true)
    }

    /// The sessions of users, to list and to end them. Ask for it when everything else is set.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        Sessions::new(&self.settings)
    }

    /// Waits until no commit is under way in the background: those of clients that hung up, and of
    /// bodies that nobody read to their end. Call it when the server has shut down, before the
    /// process ends. It takes as long as the store does, at most its deadline and five seconds; longer
    /// if somebody's many sessions are being [revoked](crate::Sessions::revoke_all).
    ///
    /// Clones of a layer, and all services that it was put around, share what is waited for. Handles
    /// that are kept in web sockets or jobs are not waited for.
    ///
    /// ```
    /// # #[cfg(feature = "memory")] tokio_test::block_on(async {
    /// # use tower::{ServiceBuilder, service_fn};
    /// # use tower_session_layer::{MemoryStore, SessionLayer};
    /// let sessions = SessionLayer::new(MemoryStore::new());
    /// let service = ServiceBuilder::new().layer(sessions.clone()).service(service_fn(async |()| {
    ///     // …
    /// #   Ok::<_, std::convert::Infallible>(())
    /// }));
    /// // … serve until it is time to stop …
    /// # drop(service);
    /// sessions.drain().await;
    /// # });
    /// ```
    pub async fn drain(&self) {
        self.settings.background.close();
        self.settings.background.wait().await;
    }

    /// Where the time comes from, for tests that move it. Defaults to [`SystemTime::now`].
    ///
    /// ```
    /// # #[cfg(feature = "memory")] {
    /// use std::time::{Duration, SystemTime};
    /// use tower_session_layer::{MemoryStore, SessionLayer};
    ///
    /// let tomorrow = || SystemTime::now() + Duration::from_secs(86_400);
    /// let layer = SessionLayer::new(MemoryStore::new()).with_clock(tomorrow);
    /// # }
    /// ```
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService::new(inner, Arc::clone(&self.settings), self.mode)
    }
}

/// How long a commit may go on losing against other requests before it is a conflict.
pub(super) const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
