//! The response future: hydrating, handling, committing.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::middleware::{
    body::ResponseBody,
    committing::Committing,
    failure,
    handle::{Handle, Unanswered},
    head::{self, Head},
    hydrating::Hydrating,
};

pin_project! {
    /// The response future of a [`SessionService`](crate::SessionService).
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        stage: Stage<Hydrating<S, ReqBody>, S::Future, Committing<ResBody, S::Error>>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<H, F, C> {
        /// The store is asked for the record.
        Hydrating { hydrating: H },
        /// The inner service works. Dropped here, what it changed and did not commit is lost, and a
        /// session that it ended ends in the background.
        Handling { #[pin] response: F, handle: Unanswered },
        /// The inner service works, and its session is the matter of another layer.
        Passing { #[pin] response: F },
        /// The inner service is done, and its future dropped with all that it held.
        Answered,
        /// The store is told what changed.
        Committing { committing: C },
    }
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn handling(response: S::Future, handle: Handle) -> Self {
        let handle = Unanswered::new(handle);
        let stage = Stage::Handling { response, handle };
        Self { stage }
    }

    pub(super) fn hydrating(hydrating: Hydrating<S, ReqBody>) -> Self {
        let stage = Stage::Hydrating { hydrating };
        Self { stage }
    }

    pub(super) fn passing(response: S::Future) -> Self {
        let stage = Stage::Passing { response };
        Self { stage }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Hydrating { hydrating } => match ready!(hydrating.poll(cx)) {
                    Err(refusal) => return Poll::Ready(Ok(refusal)),
                    Ok((response, handle)) => Stage::Handling {
                        response,
                        handle: Unanswered::new(handle),
                    },
                },
                StageProjection::Handling { response, handle } => {
                    let result = ready!(response.poll(cx));
                    let handle = handle.answered();
                    stage.set(Stage::Answered);
                    match handle.try_finish() {
                        Ok(head) => return Poll::Ready(answered(result, head, handle)),
                        Err(session) => Stage::Committing {
                            committing: Committing::new(session, handle, result),
                        },
                    }
                }
                StageProjection::Passing { response } => {
                    let result = ready!(response.poll(cx));
                    stage.set(Stage::Answered);
                    return Poll::Ready(result.map(|it| it.map(ResponseBody::new)));
                }
                StageProjection::Answered => {
                    unreachable!("a future is not polled after it is done")
                }
                StageProjection::Committing { committing } => return committing.poll(cx),
            };
            stage.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Hydrating { .. } => "ResponseFuture(Hydrating)",
            Stage::Handling { .. } => "ResponseFuture(Handling)",
            Stage::Passing { .. } => "ResponseFuture(Passing)",
            Stage::Answered => "ResponseFuture(Answered)",
            Stage::Committing { .. } => "ResponseFuture(Committing)",
        })
    }
}

/// The service's own result, with what the session has to say.
pub(super) fn answered<B: Body, E>(
    result: Result<Response<B>, E>,
    head: Option<Head>,
    handle: Handle,
) -> Result<Response<ResponseBody<B>>, E> {
    let response = result?;
    let has_failed = failure::is_server_error(&response);
    let (mut parts, body) = response.into_parts();
    if let Some(head) = head {
        head.write(&mut parts.headers, handle.settings(), handle.strays());
    }
    if !has_failed {
        head::remove_others(handle.strays(), &mut parts.headers, handle.settings());
    }
    let body = match handle.lives_on() {
        true => ResponseBody::ending(body, &parts.headers, handle),
        false => ResponseBody::new(body),
    };
    Ok(Response::from_parts(parts, body))
}

pub(super) fn taken<T>(slot: &mut Option<T>) -> T {
    #[allow(clippy::expect_used)]
    slot.take()
        .expect("a future is not polled after it is done")
}
