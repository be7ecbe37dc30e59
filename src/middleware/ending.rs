//! The end of a body whose session may still change: it is withheld until the changes are saved.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Body, Frame};

use crate::{
    middleware::{
        background::Finishing,
        body::BoxError,
        commit::{End, finish},
        failure,
        handle::Handle,
        head::Head,
    },
    session::error::SessionError,
};

/// Watches over the end of a body.
///
/// Servers do not ask for the end where they can tell it: after trailers, after a frame at which
/// the body says that it ends, after as many bytes as `Content-Length` announced. So the end is the
/// first of these, and the frame that makes it is held until the changes are saved. Where a body is
/// dropped before that, or never polled, the changes are saved in the background. A body that fails
/// discards them.
pub(super) struct Ending<D> {
    handle: Handle,
    /// How many bytes are missing to what `Content-Length` announced.
    missing: Option<u64>,
    is_grpc: bool,
    phase: Phase<D>,
}

enum Phase<D> {
    Streaming,
    /// The changes are on their way; the last frame waits for them.
    Saving(Finishing<Head>, Option<Frame<D>>),
    Done,
    /// The body failed, and with it the request as a whole.
    Failed,
}

impl<D: Buf> Ending<D> {
    pub(super) fn new(handle: Handle, headers: &HeaderMap, body: &impl Body) -> Self {
        let announced = headers.get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            handle,
            missing: announced.or_else(|| body.size_hint().exact()),
            is_grpc: failure::is_grpc(headers),
            phase: Phase::Streaming,
        }
    }

    pub(super) fn is_reached(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Failed)
    }

    pub(super) fn poll_frame<B>(
        &mut self,
        mut body: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<D>, BoxError>>>
    where
        B: Body<Data = D, Error: Into<BoxError>>,
    {
        loop {
            match &mut self.phase {
                Phase::Streaming => {
                    let frame = ready!(body.as_mut().poll_frame(cx)).transpose();
                    let last = match frame {
                        Ok(Some(frame)) if !self.is_last(&frame, body.is_end_stream()) => {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        Ok(last) => last,
                        Err(error) => {
                            self.phase = Phase::Failed;
                            return Poll::Ready(Some(Err(error.into())));
                        }
                    };
                    match self.commit_before(last.as_ref()) {
                        Some(commit) => self.phase = Phase::Saving(commit, last),
                        None => return Poll::Ready(self.pass(last, body.is_end_stream())),
                    }
                }
                Phase::Saving(commit, last) => {
                    // Dropped here, the commit is finished in the background.
                    let saved = ready!(Pin::new(commit).poll(cx));
                    let last = last.take();
                    return Poll::Ready(match saved {
                        Ok(_) => self.pass(last, body.is_end_stream()),
                        Err(error) => Some(self.failed(error)),
                    });
                }
                Phase::Done | Phase::Failed => return body.poll_frame(cx).map_err(Into::into),
            }
        }
    }

    /// Lets the last frame go. After the last one that was announced HTTP/2 goes on to the end of
    /// the body.
    fn pass(
        &mut self,
        last: Option<Frame<D>>,
        is_body_over: bool,
    ) -> Option<Result<Frame<D>, BoxError>> {
        let goes_on = last.as_ref().is_some_and(Frame::is_data) && !is_body_over;
        self.phase = match goes_on {
            true => Phase::Streaming,
            false => Phase::Done,
        };
        last.map(Ok)
    }

    fn is_last(&mut self, frame: &Frame<D>, is_body_over: bool) -> bool {
        let Some(data) = frame.data_ref() else {
            return frame.is_trailers();
        };
        let len = data.remaining() as u64;
        self.missing = self.missing.map(|missing| missing.saturating_sub(len));
        is_body_over || self.missing == Some(0)
    }

    fn commit_before(&self, last: Option<&Frame<D>>) -> Option<Finishing<Head>> {
        let session = self.handle.unsaved()?;
        let trailers = last.and_then(Frame::trailers_ref);
        let has_failed = trailers.is_some_and(failure::is_grpc_failure);
        let end = End::of(has_failed, session.settings());
        Some(Finishing::new(session, finish(session.clone(), end)))
    }

    /// The end of a body whose session could not be saved.
    fn failed(&mut self, error: SessionError) -> Result<Frame<D>, BoxError> {
        self.phase = Phase::Done;
        failure::note(&error, self.handle.id(), self.handle.settings());
        match self.is_grpc {
            true => Ok(Frame::trailers(failure::trailers(&error))),
            false => Err(error.into()),
        }
    }
}

impl<D> Drop for Ending<D> {
    fn drop(&mut self) {
        let has_failed = match self.phase {
            Phase::Saving(..) => return,
            Phase::Streaming | Phase::Done => false,
            Phase::Failed => true,
        };
        if let Some(session) = self.handle.unsaved() {
            let end = End::of(has_failed, session.settings());
            Finishing::new(session, finish(session.clone(), end)).detach();
        }
    }
}
