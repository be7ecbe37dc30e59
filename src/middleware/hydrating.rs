//! The first stage of a request with a token: its session is loaded, then the service is called.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    middleware::{
        body::ResponseBody, failure, future::taken, session::Session, settings::Settings,
    },
    session::{error::SessionError, token::Token},
    store::{BoxFuture, StoreError},
};

pub(super) struct Hydrating<S, ReqBody> {
    settings: Arc<Settings>,
    token: Token,
    load: BoxFuture<'static, Result<Option<Bytes>, StoreError>>,
    service: S,
    request: Option<Request<ReqBody>>,
}

impl<S, ReqBody> Hydrating<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn new(
        settings: &Arc<Settings>,
        token: Token,
        service: S,
        request: Request<ReqBody>,
    ) -> Self {
        Self {
            settings: Arc::clone(settings),
            load: Arc::clone(&settings.store).load(token.id()),
            token,
            service,
            request: Some(request),
        }
    }

    pub(super) fn poll<B: Body>(&mut self, cx: &mut Context<'_>) -> Poll<Hydrated<S::Future, B>> {
        // Dropped here, nothing has happened.
        let loaded = ready!(self.load.as_mut().poll(cx));
        let mut request = taken(&mut self.request);
        let session = match Session::hydrate(&self.settings, &self.token, loaded) {
            Ok(session) => session,
            Err(error) => return Poll::Ready(Err(refused(&error, &request))),
        };
        request.extensions_mut().insert(session.clone());
        Poll::Ready(Ok((self.service.call(request), session)))
    }
}

/// The service's response to come, and the session it was given; or the answer to a request whose
/// session cannot be loaded.
type Hydrated<F, B> = Result<(F, Session), Response<ResponseBody<B>>>;

fn refused<A, B: Body>(error: &SessionError, request: &Request<A>) -> Response<ResponseBody<B>> {
    let cause = error as &dyn std::error::Error;
    tracing::error!(error = cause, "session not loaded");
    failure::response(error, request.headers())
}
