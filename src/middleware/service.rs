//! The request path: from the cookie to the session in the request's extensions.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use crate::{
    cookie::Presented,
    middleware::{
        body::ResponseBody, future::ResponseFuture, layer::Mode, lazy::LazySession,
        session::Session, settings::Settings,
    },
    session::token::Token,
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

    /// The one token that the request shows. Of several different ones none is to be trusted.
    fn token_of<B>(&self, request: &Request<B>) -> Option<Token> {
        match self.settings.cookie.read(request.headers()) {
            Presented::Nothing => None,
            Presented::Token(token) => Some(token),
            Presented::Ambiguous => {
                tracing::warn!("several different session cookies in one request");
                None
            }
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SessionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match (self.mode, self.token_of(&request)) {
            (Mode::Lazy, token) => {
                let session = LazySession::new(&self.settings, token);
                request.extensions_mut().insert(session.clone());
                ResponseFuture::handling(self.inner.call(request), session.into())
            }
            (Mode::Eager, None) => {
                let session = Session::empty(&self.settings);
                request.extensions_mut().insert(session.clone());
                ResponseFuture::handling(self.inner.call(request), session.into())
            }
            (Mode::Eager, Some(token)) => {
                // The service that was polled ready is the one to call; its clone takes its place.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::hydrating(&self.settings, token, ready, request)
            }
        }
    }
}
