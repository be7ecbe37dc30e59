//! The response future: hydrating, handling, committing.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    middleware::{
        body::ResponseBody, commit::End, committing::Committing, failure, handle::Handle,
        head::Head, hydrating::Hydrating, settings::Settings,
    },
    session::token::Token,
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
        /// The inner service works. Dropped here, what it changed and did not commit is lost.
        Handling { #[pin] response: F, handle: Handle },
        /// The store is told what changed.
        Committing { committing: C },
    }
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
        let hydrating = Hydrating::new(settings, token, service, request);
        let stage = Stage::Hydrating { hydrating };
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
                StageProjection::Hydrating { hydrating } => match ready!(hydrating.poll(cx)) {
                    Err(refusal) => return Poll::Ready(Ok(refusal)),
                    Ok((response, session)) => Stage::Handling {
                        response,
                        handle: session.into(),
                    },
                },
                StageProjection::Handling { response, handle } => {
                    let result = ready!(response.poll(cx));
                    match handle.try_finish() {
                        Ok(head) => return Poll::Ready(answered(result, head, handle.settings())),
                        Err(session) => Stage::Committing {
                            committing: Committing::new(session, end_of(&result), result),
                        },
                    }
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
            Stage::Committing { .. } => "ResponseFuture(Committing)",
        })
    }
}

fn end_of<B, E>(result: &Result<Response<B>, E>) -> End {
    match result {
        Ok(response) if !failure::is_server_error(response) => End::Answered,
        _ => End::Failed,
    }
}

/// The service's own result, with what the session has to say.
pub(super) fn answered<B, E>(
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

pub(super) fn taken<T>(slot: &mut Option<T>) -> T {
    #[allow(clippy::expect_used)]
    slot.take()
        .expect("a future is not polled after it is done")
}
