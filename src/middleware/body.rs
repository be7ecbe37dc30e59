//! The body of a response: that of the service, or none.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::middleware::{ending::Ending, handle::Handle};

pin_project! {
    /// The response body of a [`SessionService`](crate::SessionService): that of the inner
    /// service, or an empty one if the middleware answered in its place.
    ///
    /// Where a handle of the session lives on, in a stream for instance, its end waits until what
    /// changed meanwhile is saved. Otherwise it passes untouched.
    ///
    /// Its error is that of the inner body, or a [`SessionError`](crate::SessionError) if the
    /// session could not be saved; a gRPC client gets trailers with a status in its place.
    pub struct ResponseBody<B>
    where
        B: Body,
    {
        #[pin]
        inner: Option<B>,
        ending: Option<Box<Ending<B::Data>>>,
    }
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn new(body: B) -> Self {
        let (inner, ending) = (Some(body), None);
        Self { inner, ending }
    }

    /// A body at whose end the session of `handle` is saved. `headers` are those of its response.
    pub(super) fn ending(body: B, headers: &HeaderMap, handle: Handle) -> Self {
        let ending = Some(Box::new(Ending::new(handle, headers, &body)));
        let inner = Some(body);
        Self { inner, ending }
    }

    pub(super) fn empty() -> Self {
        let (inner, ending) = (None, None);
        Self { inner, ending }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        match (this.inner.as_pin_mut(), this.ending) {
            (None, _) => Poll::Ready(None),
            (Some(body), None) => body.poll_frame(cx).map_err(Into::into),
            (Some(body), Some(ending)) => ending.poll_frame(body, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_reached = self
            .ending
            .as_ref()
            .is_none_or(|ending| ending.is_reached());
        is_reached && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let none = SizeHint::with_exact(0);
        self.inner.as_ref().map_or(none, Body::size_hint)
    }
}

impl<B: Body + fmt::Debug> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

pub(super) type BoxError = Box<dyn Error + Send + Sync>;
