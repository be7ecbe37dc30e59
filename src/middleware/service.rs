//! The request path: from the cookie to the session in the request's extensions.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response, header::COOKIE};
use http_body::Body;
use tower_service::Service;

use crate::{
    cookie::Strays,
    middleware::{
        body::ResponseBody, future::ResponseFuture, handle::Handle, hydrating::Hydrating,
        layer::Mode, lazy::LazySession, loading::Start, session::Session, settings::Settings,
    },
};

/// A service whose requests have a session. See [`SessionLayer`](crate::SessionLayer).
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    settings: Arc<Settings>,
    mode: Mode,
}

impl<S> SessionService<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>, mode: Mode) -> Self {
        Self {
            inner,
            settings,
            mode,
        }
    }

    /// Whether a layer around this one has given the request the session of the same cookie.
    fn is_inside_its_like(&self, extensions: &Extensions) -> bool {
        let outer = extensions.get::<Session>().map(Session::settings);
        let outer = outer.or_else(|| extensions.get().map(LazySession::settings));
        let outer = outer.filter(|outer| outer.cookie.name() == self.settings.cookie.name());
        if outer.is_some_and(|outer| !Arc::ptr_eq(outer, &self.settings)) {
            tracing::warn!("two session layers of one cookie name: the inner one does nothing");
        }
        outer.is_some()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.is_inside_its_like(request.extensions()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let (activity, mut request) = self.settings.activity(request);
        let (settings, headers) = (&self.settings, request.headers());
        let strays = Strays::of(headers, &settings.cookie);
        if let Mode::Lazy = self.mode {
            let session = LazySession::new(&request, activity, settings);
            request.extensions_mut().insert(session.clone());
            let handle = Handle::new(session, strays);
            return ResponseFuture::handling(self.inner.call(request), handle);
        }
        let presented = settings.cookie.read(headers.get_all(COOKIE).iter());
        let standing = || settings.standing(request.method(), headers);
        match Start::of(presented, standing, activity, settings) {
            Start::Ready(session) => {
                request.extensions_mut().insert(session.clone());
                let handle = Handle::new(session, strays);
                ResponseFuture::handling(self.inner.call(request), handle)
            }
            Start::Loading(loading) => {
                // The service that was polled ready is the one to call; its clone takes its place.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                let settings = &self.settings;
                let hydrating = Hydrating::new(settings, loading, strays, ready, request);
                ResponseFuture::hydrating(hydrating)
            }
        }
    }
}
