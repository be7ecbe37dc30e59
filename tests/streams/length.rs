//! Bodies whose end is known beforehand: by their length, or because there is none to send.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use http::{Method, Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, StreamBody};
use session_test_support::Host;
use tokio::sync::mpsc;
use tower::{Layer as _, service_fn};
use tower_session_layer::{Session, SessionError, SessionLayer};

use crate::{
    script::{Cues, Next, Script, assert_reads, next, rehearse, soon},
    site::{Site, WIRES},
};

/// A server of a download of six bytes.
async fn server(layer: &SessionLayer) -> (Host, Cues) {
    let (cues, script) = rehearse();
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        let response = Response::builder().header(CONTENT_LENGTH, 6);
        let body = StreamBody::new(download(&request, &script));
        async { Ok::<_, Infallible>(response.body(body).unwrap()) }
    });
    (Host::serve(layer.layer(service)).await, cues)
}

fn download(
    request: &Request<Full<Bytes>>,
    script: &Script,
) -> impl Stream<Item = Result<Frame<Bytes>, SessionError>> + Send + use<> {
    let session: &Session = request.extensions().get().unwrap();
    let said = script.play(session.clone());
    said.map_ok(|said| Frame::data(said.into()))
}

/// The cues of both halves, and what they make of them.
const PARTS: [(&str, &str); 2] = [
    ("insert:part:abc/get:part", "abc"),
    ("insert:part:def/get:part", "def"),
];

/// The client has all it was promised; that the stream goes on does not concern it.
#[tokio::test]
async fn who_has_received_the_last_byte_finds_everything_saved() {
    for wire in WIRES {
        let site = Site::open().await;
        let (host, cues) = server(&site.layer).await;
        let response = site.request(wire(&host), Method::GET, "/").await;
        assert_eq!(response.headers()[CONTENT_LENGTH], "6");
        let mut body = response.into_body();
        for (cue, part) in PARTS {
            cues.give(cue).await;
            assert_reads(&mut body, part).await;
        }
        assert_eq!(site.sees("/get:part").await, "def");
        drop(cues);
        assert_eq!(next(&mut body).await, Next::End);
    }
}

/// HTTP/2 has an end of its own, whatever length was announced.
#[tokio::test]
async fn over_http2_what_is_changed_after_the_last_byte_is_saved_before_the_end() {
    let site = Site::open().await;
    let (host, cues) = server(&site.layer).await;
    let wire = host.wire_of_http2();
    let response = site.request(wire, Method::GET, "/").await;
    let mut body = response.into_body();
    for (cue, part) in PARTS {
        cues.give(cue).await;
        assert_reads(&mut body, part).await;
    }
    cues.give("insert:a:2").await;
    drop(cues);
    assert_eq!(next(&mut body).await, Next::End);
    assert_eq!(site.sees("/get:a").await, "2");
}

#[tokio::test]
async fn the_last_byte_is_never_sent_if_the_changes_cannot_be_saved() {
    for wire in WIRES {
        let site = Site::open().await;
        let (host, cues) = server(&site.layer).await;
        let response = site.request(wire(&host), Method::GET, "/").await;
        let mut body = response.into_body();
        let [(first, part), (last, _)] = PARTS;
        cues.give(first).await;
        assert_reads(&mut body, part).await;
        site.lose_redis();
        cues.give(last).await;
        assert_eq!(next(&mut body).await, Next::Failure);
    }
}

/// A body that notes in the session if somebody reads it, and when it is dropped.
struct Unread {
    session: Session,
    dropped: mpsc::UnboundedSender<()>,
}

impl Body for Unread {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.session.insert("read", true).unwrap();
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(6)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.session.insert("dropped", true).unwrap();
        self.dropped.send(()).unwrap();
    }
}

#[tokio::test]
async fn what_a_body_changed_that_nobody_sends_is_saved_in_the_background() {
    for (method, status) in [
        (Method::HEAD, StatusCode::OK),
        (Method::GET, StatusCode::NO_CONTENT),
        (Method::GET, StatusCode::NOT_MODIFIED),
    ] {
        let site = Site::open().await;
        let (tell, mut dropped) = mpsc::unbounded_channel();
        let service = service_fn(move |request: Request<Full<Bytes>>| {
            let body = Unread {
                session: request.extensions().get::<Session>().cloned().unwrap(),
                dropped: tell.clone(),
            };
            let response = Response::builder().status(status).body(body);
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        let host = Host::serve(site.layer.layer(service)).await;
        let response = site.request(host.wire(), method, "/").await;
        assert_eq!(response.status(), status);
        assert_eq!(next(&mut response.into_body()).await, Next::End);
        assert_eq!(soon(dropped.recv()).await, Some(()));
        site.layer.drain().await;
        assert_eq!(site.sees("/get:dropped/get:read").await, "true none");
    }
}
