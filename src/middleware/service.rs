//! The request path: from the cookie to the session in the request's extensions.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, header::COOKIE};
use http_body::Body;
use tower_service::Service;

use crate::{
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

    fn token_of<B>(&self, request: &Request<B>) -> Option<Token> {
        let lines = request.headers().get_all(COOKIE);
        self.settings.token_in(lines.iter())
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
        if let Mode::Lazy = self.mode {
            let session = LazySession::new(&self.settings, request.method(), request.headers());
            request.extensions_mut().insert(session.clone());
            return ResponseFuture::handling(self.inner.call(request), session);
        }
        let Some(token) = self.token_of(&request) else {
            let standing = self.settings.standing(request.method(), request.headers());
            let session = Session::empty(&self.settings, standing);
            request.extensions_mut().insert(session.clone());
            return ResponseFuture::handling(self.inner.call(request), session);
        };
        // The service that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::hydrating(&self.settings, token, ready, request)
    }
}
