//! The first stage of a request with a token: its session is loaded, then the service is called.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    cookie::Strays,
    middleware::{
        body::ResponseBody, failure, future::taken, handle::Handle, loading::Loading,
        settings::Settings,
    },
    session::error::SessionError,
};

pub(super) struct Hydrating<S, ReqBody> {
    settings: Arc<Settings>,
    loading: Loading,
    strays: Strays,
    service: S,
    request: Option<Request<ReqBody>>,
}

impl<S, ReqBody> Hydrating<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn new(
        settings: &Arc<Settings>,
        loading: Loading,
        strays: Strays,
        service: S,
        request: Request<ReqBody>,
    ) -> Self {
        Self {
            settings: Arc::clone(settings),
            loading,
            strays,
            service,
            request: Some(request),
        }
    }

    pub(super) fn poll<B: Body>(&mut self, cx: &mut Context<'_>) -> Poll<Hydrated<S::Future, B>> {
        let loaded = ready!(self.loading.poll(cx, &self.settings));
        let mut request = taken(&mut self.request);
        let session = match loaded {
            Ok(session) => session,
            Err(error) => return Poll::Ready(Err(refused(&error, &request))),
        };
        request.extensions_mut().insert(session.clone());
        let handle = Handle::new(session, std::mem::take(&mut self.strays));
        Poll::Ready(Ok((self.service.call(request), handle)))
    }
}

/// The service's response to come, and a handle of the session it was given; or the answer to a
/// request whose session cannot be loaded.
type Hydrated<F, B> = Result<(F, Handle), Response<ResponseBody<B>>>;

fn refused<A, B: Body>(error: &SessionError, request: &Request<A>) -> Response<ResponseBody<B>> {
    let cause = error as &dyn std::error::Error;
    tracing::error!(error = cause, "session not loaded");
    failure::response(error, request.headers())
}
