//! The request path: from the cookie to the session in the request's extensions.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, header::COOKIE};
use http_body::Body;
use tower_service::Service;

use crate::{
    cookie::Strays,
    middleware::{
        body::ResponseBody, future::ResponseFuture, handle::Handle, hydrating::Hydrating,
        layer::Mode, lazy::LazySession, loading::Start, nesting::is_inside_its_like,
        settings::Settings, terms::Terms,
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

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let settings = &self.settings;
        if is_inside_its_like(request.extensions_mut(), settings) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let terms = Terms::of(&mut request, settings);
        let headers = request.headers();
        let strays = Strays::of(headers, &settings.cookie);
        if let Mode::Lazy = self.mode {
            let session = LazySession::new(headers, terms, settings);
            request.extensions_mut().insert(session.clone());
            let handle = Handle::new(session, strays);
            return ResponseFuture::handling(self.inner.call(request), handle);
        }
        let presented = settings.cookie.read(headers.get_all(COOKIE).iter());
        match Start::of(presented, terms, settings) {
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
