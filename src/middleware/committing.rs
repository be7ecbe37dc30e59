//! The last stage of a request that changed its session: the store is told, then the head goes.

use std::task::{Context, Poll, ready};

use http::Response;

use crate::{
    middleware::{
        body::ResponseBody,
        commit::{End, finish},
        failure,
        future::{answered, taken},
        head::Head,
        session::Session,
    },
    session::error::SessionError,
    store::BoxFuture,
};

pub(super) struct Committing<ResBody, E> {
    commit: BoxFuture<'static, Result<Head, SessionError>>,
    session: Session,
    result: Option<Result<Response<ResBody>, E>>,
}

impl<ResBody, E> Committing<ResBody, E> {
    pub(super) fn new(session: Session, end: End, result: Result<Response<ResBody>, E>) -> Self {
        Self {
            commit: Box::pin(finish(session.clone(), end)),
            session,
            result: Some(result),
        }
    }

    /// The service's result, if everything is saved; else a failure in place of its response.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResponseBody<ResBody>>, E>> {
        // Dropped here, the commit may or may not happen; the browser learns nothing of it.
        let head = ready!(self.commit.as_mut().poll(cx));
        let result = taken(&mut self.result);
        Poll::Ready(match head {
            Ok(head) => answered(result, Some(head), self.session.settings()),
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(error = cause, session = ?self.session, "session not saved");
                result.map(|response| failure::response(&error, response.headers()))
            }
        })
    }
}
