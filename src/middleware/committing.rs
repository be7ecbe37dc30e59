//! The last stage of a request that changed its session: the store is told, then the head goes.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Response, StatusCode};
use http_body::Body;

use crate::{
    middleware::{
        background::Finishing,
        body::ResponseBody,
        commit::{End, finish},
        failure,
        future::{answered, taken},
        handle::Handle,
        head::Head,
        session::Session,
    },
    session::error::SessionError,
};

pub(super) struct Committing<ResBody, E> {
    commit: Finishing<Head>,
    handle: Option<Handle>,
    result: Option<Result<Response<ResBody>, E>>,
}

impl<ResBody: Body, E> Committing<ResBody, E> {
    pub(super) fn new(
        session: Session,
        handle: Handle,
        result: Result<Response<ResBody>, E>,
    ) -> Self {
        let has_failed = result.as_ref().map_or(true, failure::is_server_error);
        let end = End::of(has_failed, session.settings());
        Self {
            commit: Finishing::new(&session, finish(session.clone(), end)),
            handle: Some(handle),
            result: Some(result),
        }
    }

    /// The service's result, if everything is saved; else a failure in place of its response.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<ResponseBody<ResBody>>, E>> {
        // Dropped here, the commit is finished in the background; the browser learns nothing of it.
        let head = ready!(Pin::new(&mut self.commit).poll(cx));
        let (handle, result) = (taken(&mut self.handle), taken(&mut self.result));
        Poll::Ready(match head {
            Ok(head) => answered(result, Some(head), handle),
            Err(error) => failed(&error, result, handle),
        })
    }
}

fn failed<B: Body, E>(
    error: &SessionError,
    result: Result<Response<B>, E>,
    handle: Handle,
) -> Result<Response<ResponseBody<B>>, E> {
    failure::note(error, handle.id(), handle.settings());
    // A cookie that an earlier commit issued goes out all the same: no other one counts.
    let head = handle.send_head();
    let came_too_late = error.status() == StatusCode::CONFLICT;
    if came_too_late && handle.settings().passes_refused_responses {
        return answered(result, head, handle);
    }
    result.map(|response| {
        let mut failure = failure::response(error, response.headers());
        if let Some(head) = head {
            head.write(failure.headers_mut(), handle.settings(), handle.strays());
        }
        failure
    })
}
