//! Nothing has a secret in it, or a value of a session, that is said when the handler is done, in the
//! log of others, or while the store is away.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, atomic::Ordering},
};

use common::{
    app::{App, Body, Gate, app, handled},
    log::Log,
    said::{Said, VALUE, visitor},
    stores::Map,
    visitor::COOKIE,
};
use futures::future::poll_immediate;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use session_test_support::{Browser, Clock};
use tower::{Layer as _, Service as _, ServiceExt as _, service_fn};
use tower_session_layer::{Session, SessionErrorKind, SessionLayer};

/// Where a handler leaves its session.
type Kept = Arc<Mutex<Option<Session>>>;

/// A handler that leaves its session behind, changed.
fn leaving(layer: &SessionLayer, kept: &Kept, status: StatusCode) -> App {
    let kept = Arc::clone(kept);
    handled(layer, move |session| {
        session.insert("b", VALUE).unwrap();
        *kept.lock().unwrap() = Some(session);
        async move { status }
    })
}

async fn hang_up_while_handling(browser: &Browser<App>, path: &str) {
    let gate = Gate::closed();
    let mut request = browser.request(Method::POST, path);
    request.extensions_mut().insert(gate.clone());
    let mut response = browser.service().clone().call(request);
    while poll_immediate(gate.arrival()).await.is_none() {
        assert!(poll_immediate(&mut response).await.is_none());
        tokio::task::yield_now().await;
    }
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_what_fails_when_nobody_waits_any_more() {
    let (log, said, store) = (Log::start(), Said::default(), Map::default());
    let layer = SessionLayer::new(store.clone());
    let browser = visitor(&layer, &said).await;
    let kept = Kept::default();
    let failing = leaving(&layer, &kept, StatusCode::INTERNAL_SERVER_ERROR);
    browser.at(failing).get("/").await;
    let session = kept.lock().unwrap().take().unwrap();
    let error = session.commit().await.unwrap_err();
    assert_eq!(error.kind(), SessionErrorKind::Discarded);
    said.note_error(&error);

    store.fails_to_commit.store(true, Ordering::SeqCst);
    log.take();
    let path = format!("/insert:b:{VALUE}/destroy/wait");
    hang_up_while_handling(&browser, &path).await;
    layer.drain().await;
    said.note_events(&log, &["session not saved"]);
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[test]
fn of_a_commit_that_no_runtime_can_finish() {
    let (log, said, store) = (Log::start(), Said::default(), Map::default());
    futures::executor::block_on(async {
        let layer = SessionLayer::new(store.clone());
        let browser = visitor(&layer, &said).await;
        let gate = store.hold_commits();
        let request = browser.request(Method::GET, &format!("/insert:b:{VALUE}"));
        let mut response = app(&layer).call(request);
        while poll_immediate(gate.arrival()).await.is_none() {
            assert!(poll_immediate(&mut response).await.is_none());
        }
        drop(response);
    });
    said.note_events(&log, &["no runtime"]);
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_what_fails_at_the_end_of_a_body() {
    let (log, said, store) = (Log::start(), Said::default(), Map::default());
    let layer = SessionLayer::new(store.clone());
    let browser = visitor(&layer, &said).await;
    for content_type in ["text/plain", "application/grpc"] {
        let kept = Kept::default();
        let keep = Arc::clone(&kept);
        let service = layer.layer(service_fn(move |request: Request<Body>| {
            *keep.lock().unwrap() = request.extensions().get().cloned();
            let response = Response::builder().header("content-type", content_type);
            let response = response.body(Body::from("the end"));
            std::future::ready(Ok::<_, Infallible>(response.unwrap()))
        }));
        let response = service.oneshot(browser.request(Method::GET, "/"));
        let response = response.await.unwrap();
        let session = kept.lock().unwrap().take().unwrap();
        session.insert("b", VALUE).unwrap();
        store.fails_to_commit.store(true, Ordering::SeqCst);
        match response.into_body().collect().await {
            Ok(body) => said.note(body.trailers()),
            Err(error) => said.note_error(&*error),
        }
        store.fails_to_commit.store(false, Ordering::SeqCst);
        said.note_events(&log, &["session not saved"]);
    }
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_a_token_that_was_rotated_away() {
    let (log, said, clock) = (Log::start(), Said::default(), Clock::new());
    let now = clock.clone();
    let layer = SessionLayer::new(Map::default()).with_clock(move || now.now());
    let browser = visitor(&layer, &said).await;
    let thief = browser.jar().get(COOKIE).unwrap();
    // A sign-in has to settle first, and so has a rotation.
    clock.pass(61);
    browser.get("/rotate").await;
    said.keep(&browser);
    browser.get("/get:a").await;
    clock.pass(61);
    browser.jar().set(COOKIE, &thief);
    assert_eq!(browser.get("/get:a").await.text, "none");
    said.note_events(&log, &["reuse of a token"]);
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_layers_in_layers_and_of_a_service_that_sets_the_cookie_itself() {
    let (log, said) = (Log::start(), Said::default());
    let layer = SessionLayer::new(Map::default());
    let own = format!("/sign_in/insert:a:{VALUE}/header:set-cookie:{COOKIE}={VALUE}");
    let browser = Browser::new(app(&layer));
    browser.get(&own).await;
    said.keep(&browser);
    said.note_events(&log, &["the service set the session cookie itself"]);
    let around = SessionLayer::new(Map::default());
    let nested = Browser::new(around.layer(app(&layer)));
    nested.get(&format!("/insert:a:{VALUE}")).await;
    said.note_events(&log, &["two session layers of one cookie name"]);
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[cfg(feature = "redis")]
#[tokio::test]
async fn of_an_outage() {
    use std::time::Duration;

    use tower_session_layer::{RedisStore, StoreFailure};

    let (log, said) = (Log::start(), Said::default());
    let redis = session_test_support::Redis::start();
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    let layer = SessionLayer::new(store.with_deadline(Duration::from_millis(200)));
    let browser = visitor(&layer, &said).await;
    let anonymous = layer.clone();
    let anonymous = anonymous.with_store_failure(|_| StoreFailure::Anonymous);
    let goes_on = browser.at(app(&anonymous));
    drop(redis);
    let path = format!("/insert:b:{VALUE}");
    for _ in 0..4 {
        browser.get(&path).await;
        goes_on.get(&path).await;
    }
    said.note_events(
        &log,
        &[
            "session not loaded",
            "the request goes on without one",
            "redis is down",
            "redis connection failed",
            "and was not asked",
        ],
    );
    said.tells_no_secret_and_no_value(&log);
}
