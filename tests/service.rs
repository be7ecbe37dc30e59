//! The contract of a tower service: readiness, bounds, bodies.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use common::stores::Map;
use http::{HeaderMap, Request, Response, header::COOKIE};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use session_test_support::Browser;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_session_layer::{Session, SessionLayer};
use tower_test::mock;

/// A token that is well-formed, and unknown.
const TOKEN: &str = "__Host-id=AAAAAAAAQACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn request(cookie: bool) -> Request<()> {
    let request = Request::new(());
    if !cookie {
        return request;
    }
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(COOKIE, TOKEN.parse().unwrap());
    Request::from_parts(parts, body)
}

/// A service that insists on `poll_ready` before each `call`, and counts its clones.
struct Strict {
    is_ready: bool,
    clones: Rc<Cell<usize>>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        self.clones.set(self.clones.get() + 1);
        let clones = Rc::clone(&self.clones);
        Self {
            is_ready: false,
            clones,
        }
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.is_ready),
            "the ready service is the one to call"
        );
        assert!(request.extensions().get::<Session>().is_some());
        ready(Ok(Response::new(Full::default())))
    }
}

/// Neither `Send` nor `Sync` is asked of the service and its future.
#[tokio::test]
async fn the_service_that_was_polled_ready_is_the_one_that_is_called() {
    let clones = Rc::new(Cell::new(0));
    let strict = Strict {
        is_ready: false,
        clones: Rc::clone(&clones),
    };
    let mut service = SessionLayer::new(Map::default()).layer(strict);
    for (cookie, expected) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
        service
            .ready()
            .await
            .unwrap()
            .call(request(cookie))
            .await
            .unwrap();
        assert_eq!(
            clones.get(),
            expected,
            "a request without a cookie clones nothing"
        );
    }
}

#[tokio::test]
async fn readiness_is_the_inner_service_s() {
    let (mock, mut handle) = mock::pair::<Request<()>, Response<Full<Bytes>>>();
    let service = SessionLayer::new(Map::default()).layer(mock);
    let mut service = mock::Spawn::new(service);
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let answer = tokio::spawn(service.call(request(true)));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_response(Response::new(Full::from("hello")));
    let body = answer.await.unwrap().unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    handle.allow(0);
    assert!(service.poll_ready().is_pending(), "one permit, one call");
}

#[tokio::test]
async fn an_error_of_readiness_passes_unchanged() {
    let (mock, mut handle) = mock::pair::<Request<()>, Response<Full<Bytes>>>();
    let mut service = SessionLayer::new(Map::default()).layer(mock);
    handle.send_error("broken");
    let error = service.ready().await.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "broken");
}

/// Data, then trailers; it says how long it is and when it is over.
struct Telling {
    frames: Vec<Frame<Bytes>>,
}

impl Body for Telling {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(Some(self.frames.pop().ok_or("over")))
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(4)
    }
}

#[tokio::test]
async fn a_body_passes_frame_by_frame() {
    let service = service_fn(async |_: Request<()>| {
        let trailers = HeaderMap::from_iter([(COOKIE, "x".parse().unwrap())]);
        let data = |text: &'static str| Frame::data(Bytes::from_static(text.as_bytes()));
        let frames = vec![Frame::trailers(trailers), data("lo"), data("hel")];
        Ok::<_, Infallible>(Response::new(Telling { frames }))
    });
    let service = SessionLayer::new(Map::default()).layer(service);
    let mut body = service.oneshot(request(true)).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(4));
    for text in ["hel", "lo"] {
        assert!(!body.is_end_stream());
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }
    let trailers = body
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(trailers[COOKIE], "x");
    assert!(body.is_end_stream());
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "over");
}

#[tokio::test]
async fn two_requests_of_one_connection_overlap() {
    let service = SessionLayer::new(Map::default()).layer(service_fn(
        async |request: Request<Full<Bytes>>| {
            let session: &Session = request.extensions().get().unwrap();
            let visits = session
                .update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1)
                .await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(
                visits.unwrap().to_string(),
            )))
        },
    ));
    let browser = Browser::new(service);
    browser.get("/").await;
    let (one, two) = tokio::join!(browser.get("/"), browser.get("/"));
    let mut counts = [one.text, two.text];
    counts.sort();
    assert_eq!(counts, ["2", "3"]);
}
