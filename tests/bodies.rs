//! Sessions that change while the body streams.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;
use common::{app::app, log::Log, visitor::visitor_of_map};
use futures::future::poll_immediate;
use http::{
    HeaderMap, Method, Request, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use session_test_support::Browser;
use tower::{BoxError, Layer as _, ServiceExt as _, service_fn};
use tower_session_layer::{LazySession, ResponseBody, Session, SessionErrorKind, SessionLayer};

/// A body that does as its fields say.
#[derive(Clone, Default)]
struct Scripted {
    /// `None` stands for trailers.
    frames: VecDeque<Option<&'static str>>,
    trailers: HeaderMap,
    tells_its_end: bool,
    length: Option<u64>,
}

impl Scripted {
    fn of(frames: &[Option<&'static str>]) -> Self {
        let frames = frames.iter().copied().collect();
        Self {
            frames,
            ..Self::default()
        }
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.frames.pop_front().map(|frame| match frame {
            Some("error") => Err("the stream broke".into()),
            Some(data) => Ok(Frame::data(Bytes::from_static(data.as_bytes()))),
            None => Ok(Frame::trailers(self.trailers.clone())),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.tells_its_end && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or(SizeHint::new(), SizeHint::with_exact)
    }
}

/// The response to a visitor, and the session that its handler keeps.
async fn stream(
    browser: &Browser<common::app::App>,
    layer: &SessionLayer,
    head: &[(&'static str, &'static str)],
    body: Scripted,
) -> (Response<ResponseBody<Scripted>>, Session) {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = request.extensions().get::<Session>().cloned();
        let mut response = Response::new(body.clone());
        for (name, value) in head {
            response.headers_mut().append(*name, value.parse().unwrap());
        }
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let request = browser.request(Method::GET, "/");
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let session = kept.lock().unwrap().take().unwrap();
    (response, session)
}

#[tokio::test]
async fn the_end_of_a_body_waits_until_what_changed_is_saved() {
    let data = Scripted::of(&[Some("one"), Some("two")]);
    let told = Scripted {
        tells_its_end: true,
        ..data.clone()
    };
    let sized = Scripted {
        length: Some(6),
        ..data.clone()
    };
    let length: &[_] = &[("content-length", "6")];
    let trailed = Scripted::of(&[Some("one"), None]);
    let rows = [
        ("chunked", &[][..], Scripted::of(&[Some("one")])),
        ("says that it is over", &[][..], told),
        ("knows its length", &[][..], sized),
        ("announced its length", length, data),
        ("has trailers", &[][..], trailed),
    ];
    for (name, head, body) in rows {
        let (browser, store, layer) = visitor_of_map().await;
        let (response, session) = stream(&browser, &layer, head, body).await;
        let mut body = response.into_body();
        let first = poll_immediate(body.frame()).await.unwrap();
        assert_eq!(
            first.unwrap().unwrap().into_data().unwrap(),
            "one",
            "{name}"
        );
        session.insert("b", 2).unwrap();
        let gate = store.hold_commits();
        assert!(
            poll_immediate(body.frame()).await.is_none(),
            "{name}: withheld"
        );
        assert!(!body.is_end_stream(), "{name}: not over");
        assert_eq!(browser.get("/get:b").await.text, "none");
        gate.open();
        let last = body.frame().await.transpose().unwrap();
        assert_eq!(last.is_none(), name == "chunked", "{name}: nothing is lost");
        assert_eq!(browser.get("/get:b").await.text, "2", "{name}");
        assert!(body.frame().await.is_none(), "{name}: over");
    }
}

#[tokio::test]
async fn a_body_passes_untouched_where_nobody_holds_the_session() {
    let (browser, store, layer) = visitor_of_map().await;
    let body = Scripted {
        tells_its_end: true,
        ..Scripted::default()
    };
    let (response, session) = stream(&browser, &layer, &[], body.clone()).await;
    assert!(!response.body().is_end_stream(), "its end is watched over");
    drop((response, session));
    let service = service_fn(move |_: Request<Full<Bytes>>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body.clone())))
    });
    for layer in [layer.clone(), layer.lazy()] {
        let request = browser.request(Method::GET, "/");
        let response = layer.layer(service.clone()).oneshot(request).await.unwrap();
        assert!(response.body().is_end_stream());
    }
    assert_eq!(store.calls().1, 0);
}

#[tokio::test]
async fn a_body_that_nobody_reads_to_its_end_leaves_the_changes_to_the_background() {
    for (frames, seen) in [
        (&[][..], "2"),
        (&[Some("one"), Some("two")], "2"),
        // A body that fails discards what it changed, as a service that fails.
        (&[Some("error")], "none"),
    ] {
        let (browser, _, layer) = visitor_of_map().await;
        let (response, session) = stream(&browser, &layer, &[], Scripted::of(frames)).await;
        let mut body = response.into_body();
        session.insert("b", 2).unwrap();
        if !frames.is_empty() {
            let _ = body.frame().await;
        }
        drop(body);
        layer.drain().await;
        assert_eq!(browser.get("/get:b").await.text, seen, "{frames:?}");
    }
}

#[tokio::test]
async fn a_lazy_session_may_be_loaded_and_changed_while_the_body_streams() {
    let (browser, _, layer) = visitor_of_map().await;
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = request.extensions().get::<LazySession>().cloned();
        std::future::ready(Ok::<_, Infallible>(Response::new(Scripted::of(&[]))))
    });
    let request = browser.request(Method::GET, "/");
    let response = layer.lazy().layer(service).oneshot(request).await.unwrap();
    let lazy: LazySession = kept.lock().unwrap().take().unwrap();
    let session = lazy.load().await.unwrap();
    session.insert("b", 2).unwrap();
    assert!(response.into_body().frame().await.is_none());
    assert_eq!(browser.get("/get:b").await.text, "2");
}

#[tokio::test]
async fn what_cannot_be_saved_ends_the_body_with_an_error() {
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let grpc = Scripted {
        trailers,
        ..Scripted::of(&[None])
    };
    for (content_type, is_grpc) in [
        ("application/grpc+proto", true),
        ("application/grpc-web+proto", false),
        ("text/event-stream", false),
    ] {
        for (is_down, status, kind) in [
            (true, "14", SessionErrorKind::Store),
            (false, "10", SessionErrorKind::Conflict),
        ] {
            let (browser, store, layer) = visitor_of_map().await;
            let head = [("content-type", content_type)];
            let (response, session) = stream(&browser, &layer, &head, grpc.clone()).await;
            assert_eq!(response.headers()[CONTENT_TYPE], content_type);
            assert_eq!(session.take::<String>("a").unwrap().as_deref(), Some("1"));
            browser.get("/insert:a:2").await;
            store.fails_to_commit.store(is_down, Ordering::SeqCst);
            let end = response.into_body().frame().await.unwrap();
            if is_grpc {
                let trailers = end.unwrap().into_trailers().unwrap();
                assert_eq!(trailers["grpc-status"], status, "{content_type}");
            } else {
                let error = end.unwrap_err();
                let error = error.downcast_ref::<tower_session_layer::SessionError>();
                assert_eq!(error.unwrap().kind(), kind, "{content_type}");
            }
        }
    }
}

#[tokio::test]
async fn a_grpc_stream_that_fails_discards_what_it_changed() {
    for (status, seen) in [("0", "2"), ("5", "2"), ("13", "none"), ("14", "none")] {
        let (browser, _, layer) = visitor_of_map().await;
        let trailers =
            HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())]);
        let body = Scripted {
            trailers,
            ..Scripted::of(&[None])
        };
        let (response, session) = stream(&browser, &layer, &[], body).await;
        session.insert("b", 2).unwrap();
        let end = response.into_body().frame().await.unwrap().unwrap();
        assert_eq!(end.into_trailers().unwrap()["grpc-status"], status);
        assert_eq!(browser.get("/get:b").await.text, seen, "{status}");
    }
}

#[tokio::test]
async fn what_needs_a_cookie_is_an_error_once_the_head_is_out() {
    let (browser, _, layer) = visitor_of_map().await;
    let stranger = Browser::new(app(&layer));
    let (response, session) = stream(&browser, &layer, &[], Scripted::of(&[])).await;
    let (other_response, no_session) = stream(&stranger, &layer, &[], Scripted::of(&[])).await;
    let one_more = |n: Option<u32>| n.unwrap_or(0) + 1;
    for (name, refused) in [
        ("sign_in", session.sign_in()),
        ("renew", session.renew()),
        ("rotate", session.rotate()),
        ("insert", no_session.insert("b", 2)),
        ("update", no_session.update("b", one_more)),
        ("sign_in without a session", no_session.sign_in()),
    ] {
        let kind = refused.unwrap_err().kind();
        assert_eq!(kind, SessionErrorKind::HeadSent, "{name}");
    }
    session.destroy();
    drop((response, other_response));
    layer.drain().await;
    assert_eq!(
        browser.get("/get:a").await.text,
        "none",
        "it ended all the same"
    );
}

#[tokio::test]
async fn what_changes_after_the_end_is_an_event_unless_it_is_committed() {
    let log = Log::start();
    let (browser, _, layer) = visitor_of_map().await;
    let (response, session) = stream(&browser, &layer, &[], Scripted::of(&[])).await;
    assert!(response.into_body().frame().await.is_none());
    session.insert("b", 2).unwrap();
    session.commit().await.unwrap();
    session.insert("c", 3).unwrap();
    log.take();
    drop(session);
    assert!(log.take().contains("changes lost"));
    assert_eq!(browser.get("/get:b/get:c").await.text, "2 none");
}

#[tokio::test]
async fn a_length_that_is_announced_wrongly_withholds_no_more_than_the_end() {
    let (browser, _, layer) = visitor_of_map().await;
    let head = [(CONTENT_LENGTH.as_str(), "not a number")];
    let body = Scripted::of(&[Some("one"), Some("two")]);
    let (response, session) = stream(&browser, &layer, &head, body).await;
    session.insert("b", 2).unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, "onetwo");
    assert_eq!(browser.get("/get:b").await.text, "2");
}
