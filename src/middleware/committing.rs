//! The last stage of a request that changed its session: the store is told, then the head goes.

use std::task::{Context, Poll, ready};

use http::Response;

use crate::{
    middleware::{
        body::ResponseBody,
        commit::{End, finish, send_head},
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
                failure::log(&error, &self.session);
                // A cookie that an earlier commit issued goes out all the same: no other one counts.
                let head = send_head(&self.session);
                result.map(|response| {
                    let mut failure = failure::response(&error, response.headers());
                    head.write(failure.headers_mut(), self.session.settings());
                    failure
                })
            }
        })
    }
}
