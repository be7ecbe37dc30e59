//! The response path: hydrating, handling, committing.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    middleware::{
        body::ResponseBody,
        commit::{End, finish, try_finish},
        failure,
        head::Head,
        lazy::LazySession,
        session::Session,
        settings::Settings,
    },
    session::{
        error::{SessionError, SessionErrorKind},
        state::Announcement,
        token::Token,
    },
    store::{BoxFuture, StoreError},
};

pin_project! {
    /// The response future of a [`SessionService`](crate::SessionService).
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        stage: Stage<S, ReqBody, ResBody, S::Future, S::Error>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, ReqBody, ResBody, F, E> {
        /// The store is asked for the record. Dropped here, nothing has happened.
        Hydrating {
            load: Load,
            service: S,
            request: Option<Request<ReqBody>>,
        },
        /// The inner service works. Dropped here, what it changed and did not commit is lost.
        Handling {
            #[pin]
            response: F,
            handle: Handle,
        },
        /// The store is told. Dropped here, the commit may or may not happen; the browser learns
        /// nothing of it.
        Committing {
            commit: BoxFuture<'static, Result<Head, SessionError>>,
            session: Session,
            result: Option<Result<Response<ResBody>, E>>,
        },
    }
}

/// A load on its way.
struct Load {
    settings: Arc<Settings>,
    token: Token,
    record: BoxFuture<'static, Result<Option<Bytes>, StoreError>>,
}

/// What the request was given.
pub(super) enum Handle {
    Eager(Session),
    Lazy(LazySession),
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn handling(response: S::Future, handle: Handle) -> Self {
        let stage = Stage::Handling { response, handle };
        Self { stage }
    }

    pub(super) fn hydrating(
        settings: &Arc<Settings>,
        token: Token,
        service: S,
        request: Request<ReqBody>,
    ) -> Self {
        let load = Load {
            record: Arc::clone(&settings.store).load(token.id()),
            settings: Arc::clone(settings),
            token,
        };
        let request = Some(request);
        let stage = Stage::Hydrating {
            load,
            service,
            request,
        };
        Self { stage }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Hydrating {
                    load,
                    service,
                    request,
                } => {
                    let hydrated = ready!(load.poll(cx));
                    let mut request = taken(request);
                    match hydrated {
                        Err(error) => return Poll::Ready(Ok(refused(&error, &request))),
                        Ok(session) => {
                            request.extensions_mut().insert(session.clone());
                            let response = service.call(request);
                            Stage::Handling {
                                response,
                                handle: session.into(),
                            }
                        }
                    }
                }
                StageProjection::Handling { response, handle } => {
                    let result = ready!(response.poll(cx));
                    match handle.try_finish(end_of(&result)) {
                        Ok(head) => return Poll::Ready(answered(result, head, handle.settings())),
                        Err(session) => Stage::Committing {
                            commit: Box::pin(finish(session.clone(), end_of(&result))),
                            session,
                            result: Some(result),
                        },
                    }
                }
                StageProjection::Committing {
                    commit,
                    session,
                    result,
                } => {
                    let head = ready!(commit.as_mut().poll(cx));
                    let result = taken(result);
                    return Poll::Ready(match head {
                        Ok(head) => answered(result, Some(head), session.settings()),
                        Err(error) => result.map(|response| replaced(&error, &response, session)),
                    });
                }
            };
            stage.set(next);
        }
    }
}

impl Load {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Session, SessionError>> {
        let loaded = ready!(self.record.as_mut().poll(cx));
        let session = Session::hydrate(&self.settings, &self.token, loaded);
        let failed = |error| SessionError::with_source(SessionErrorKind::Store, error);
        Poll::Ready(session.map_err(failed))
    }
}

impl Handle {
    /// Lets the head go, if there is nothing to save first; else gives the session to be saved.
    /// `None` if nobody asked for a session.
    fn try_finish(&self, end: End) -> Result<Option<Head>, Session> {
        let session = match self {
            Self::Eager(session) => session,
            Self::Lazy(lazy) => match lazy.loaded() {
                Some(session) => session,
                None => {
                    return Ok(lazy.was_asked().then_some(Head {
                        announcement: Announcement::Nothing,
                        was_used: true,
                    }));
                }
            },
        };
        let head = try_finish(session, end);
        head.map(Some).ok_or_else(|| session.clone())
    }

    fn settings(&self) -> &Settings {
        match self {
            Self::Eager(session) => session.settings(),
            Self::Lazy(lazy) => lazy.settings(),
        }
    }
}

impl From<Session> for Handle {
    fn from(session: Session) -> Self {
        Self::Eager(session)
    }
}

impl From<LazySession> for Handle {
    fn from(session: LazySession) -> Self {
        Self::Lazy(session)
    }
}

fn end_of<B, E>(result: &Result<Response<B>, E>) -> End {
    match result {
        Ok(response) if !failure::is_server_error(response) => End::Answered,
        _ => End::Failed,
    }
}

/// The service's own result, with what the session has to say.
fn answered<B, E>(
    result: Result<Response<B>, E>,
    head: Option<Head>,
    settings: &Settings,
) -> Result<Response<ResponseBody<B>>, E> {
    let mut response = result?.map(ResponseBody::new);
    if let Some(head) = head {
        head.write(response.headers_mut(), settings);
    }
    Ok(response)
}

/// The answer to a request whose session could not be loaded.
fn refused<A, B>(error: &SessionError, request: &Request<A>) -> Response<ResponseBody<B>> {
    let cause = error as &dyn std::error::Error;
    tracing::error!(error = cause, "session not loaded");
    failure::response(error, request.headers())
}

/// The answer in place of one that would say "saved" when it is not.
fn replaced<B>(
    error: &SessionError,
    response: &Response<B>,
    session: &Session,
) -> Response<ResponseBody<B>> {
    let cause = error as &dyn std::error::Error;
    tracing::error!(error = cause, ?session, "session not saved");
    failure::response(error, response.headers())
}

fn taken<T>(slot: &mut Option<T>) -> T {
    #[allow(clippy::expect_used)]
    slot.take()
        .expect("a future is not polled after it is done")
}
