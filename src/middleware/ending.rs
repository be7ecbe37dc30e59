//! The end of a body whose session may still change: it is withheld until the changes are saved.

use std::{
    mem,
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
/// dropped before that, or never polled, the changes are saved in the background.
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
        matches!(self.phase, Phase::Done)
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
                    let frame = ready!(body.as_mut().poll_frame(cx));
                    let frame = frame.transpose().map_err(Into::into);
                    let last = match frame {
                        Ok(Some(frame)) if !self.is_last(&frame, body.is_end_stream()) => {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        Ok(last) => last,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    match self.commit_before(last.as_ref()) {
                        Some(commit) => self.phase = Phase::Saving(commit, last),
                        None => {
                            self.phase = Phase::Done;
                            return Poll::Ready(last.map(Ok));
                        }
                    }
                }
                Phase::Saving(commit, _) => {
                    // Dropped here, the commit is finished in the background.
                    let saved = ready!(Pin::new(commit).poll(cx));
                    return Poll::Ready(
                        match (saved, mem::replace(&mut self.phase, Phase::Done)) {
                            (Ok(_), Phase::Saving(_, held)) => held.map(Ok),
                            (Ok(_), _) => None,
                            (Err(error), _) => Some(self.failed(error)),
                        },
                    );
                }
                Phase::Done => return body.poll_frame(cx).map_err(Into::into),
            }
        }
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
    fn failed(&self, error: SessionError) -> Result<Frame<D>, BoxError> {
        let id = self
            .handle
            .unsaved()
            .and_then(|session| session.peek().id());
        failure::log(&error, id);
        match self.is_grpc {
            true => Ok(Frame::trailers(failure::trailers(&error))),
            false => Err(error.into()),
        }
    }
}

impl<D> Drop for Ending<D> {
    fn drop(&mut self) {
        if matches!(self.phase, Phase::Saving(..)) {
            return;
        }
        if let Some(session) = self.handle.unsaved() {
            Finishing::new(session, finish(session.clone(), End::Answered)).detach();
        }
    }
}
