//! Requests whose clients hang up: what has begun is finished, what has not is forgotten.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    pin::pin,
    sync::{Arc, Mutex, atomic::Ordering},
};

use common::{
    app::{App, Gate, app, handled},
    log::Log,
    stores::Map,
    visitor::{COOKIE, token, visitor_of_map},
};
use futures::future::poll_immediate;
use http::{Method, StatusCode};
use session_test_support::Browser;
use tower::{Service as _, ServiceExt as _};
use tower_session_layer::{Session, SessionErrorKind, SessionLayer};

/// Requests `path` and hangs up once the request stands at its `wait`.
async fn hang_up_while_handling(browser: &Browser<App>, layer: &SessionLayer, path: &str) {
    let gate = Gate::closed();
    let mut request = browser.request(Method::POST, path);
    request.extensions_mut().insert(gate.clone());
    let mut response = app(layer).call(request);
    assert!(poll_immediate(&mut response).await.is_none());
    while poll_immediate(gate.arrival()).await.is_none() {
        assert!(poll_immediate(&mut response).await.is_none());
        tokio::task::yield_now().await;
    }
}

/// Requests `path` and hangs up once its commit is on its way.
async fn hang_up_while_committing(
    browser: &Browser<App>,
    store: &Map,
    layer: &SessionLayer,
    path: &str,
) {
    let gate = store.hold_commits();
    let mut response = app(layer).call(browser.request(Method::POST, path));
    while poll_immediate(gate.arrival()).await.is_none() {
        assert!(poll_immediate(&mut response).await.is_none());
        tokio::task::yield_now().await;
    }
    drop(response);
    for _ in 0..10 {
        gate.open();
    }
    layer.drain().await;
}

#[tokio::test]
async fn while_it_is_handled_a_request_that_is_given_up_changes_nothing_but_ends_what_it_ended() {
    for (path, seen, is_ended) in [
        ("/insert:a:2/wait", "1", false),
        ("/sign_in/insert:a:2/wait", "1", false),
        ("/insert:b:2/commit/insert:a:2/wait", "1", false),
        ("/destroy/wait", "none", true),
        ("/destroy/insert:a:2/wait", "none", true),
        ("/insert:a:2/commit/destroy/wait", "none", true),
    ] {
        let (browser, store, layer) = visitor_of_map().await;
        let old = token(&browser);
        hang_up_while_handling(&browser, &layer, path).await;
        layer.drain().await;
        browser.jar().set(COOKIE, &old);
        assert_eq!(browser.get("/get:a").await.text, seen, "{path}");
        assert_eq!(
            browser.get("/is_new").await.text,
            is_ended.to_string(),
            "{path}"
        );
        let records = store.records().len();
        assert_eq!(records, 1, "{path}: no session is begun for nobody");
    }
}

#[tokio::test]
async fn while_it_is_committed_a_request_that_is_given_up_is_finished() {
    for path in ["/insert:a:2", "/update:a", "/insert:b:1/insert:a:2"] {
        let (browser, store, layer) = visitor_of_map().await;
        browser.get("/number:a:1").await;
        hang_up_while_committing(&browser, &store, &layer, path).await;
        assert_eq!(
            Browser::at(&browser, app(&layer)).get("/get:a").await.text,
            "2",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_whose_client_hangs_up_happens_and_its_old_token_is_dead() {
    let (browser, store, layer) = visitor_of_map().await;
    hang_up_while_committing(&browser, &store, &layer, "/sign_in").await;
    assert_eq!(browser.get("/get:a/is_new").await.text, "none true");
    browser.get("/sign_in/insert:a:2").await;
    assert_eq!(browser.get("/get:a/is_authenticated").await.text, "2 true");
}

#[tokio::test]
async fn a_commit_by_hand_that_is_given_up_is_finished() {
    let (browser, store, layer) = visitor_of_map().await;
    let gate = store.hold_commits();
    let open = gate.clone();
    let handler = move |session: Session| {
        let gate = open.clone();
        async move {
            session.insert("a", 2).unwrap();
            {
                let mut commit = pin!(session.commit());
                assert!(poll_immediate(&mut commit).await.is_none());
            }
            gate.arrival().await;
            gate.open();
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    let page = browser.at(handled(&layer, handler)).get("/").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    layer.drain().await;
    assert_eq!(browser.get("/get:a").await.text, "2", "it had begun");
}

#[tokio::test]
async fn commits_by_hand_of_a_request_that_is_given_up_are_finished_and_nothing_else() {
    for path in [
        "/insert:a:2/commit/insert:b:3",
        "/insert:a:2/update_now:n/insert:b:3",
    ] {
        let (browser, store, layer) = visitor_of_map().await;
        hang_up_while_committing(&browser, &store, &layer, path).await;
        let browser = browser.at(app(&layer));
        assert_eq!(browser.get("/get:a/get:b").await.text, "2 none", "{path}");
    }
}

#[tokio::test]
async fn a_session_that_outlives_its_request_knows_that_nobody_waits_for_a_cookie() {
    let (browser, _, layer) = visitor_of_map().await;
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let handler = move |session: Session| {
        *keep.lock().unwrap() = Some(session);
        std::future::pending()
    };
    let mut service = handled(&layer, handler);
    let mut response = service
        .ready()
        .await
        .unwrap()
        .call(browser.request(Method::GET, "/"));
    while kept.lock().unwrap().is_none() {
        assert!(poll_immediate(&mut response).await.is_none());
    }
    drop(response);
    let session: Session = kept.lock().unwrap().take().unwrap();
    assert_eq!(
        session.sign_in().unwrap_err().kind(),
        SessionErrorKind::HeadSent
    );
    session.insert("a", 2).unwrap();
    session.commit().await.unwrap();
    assert_eq!(browser.get("/get:a").await.text, "2");
}

#[tokio::test]
async fn a_failure_in_the_background_is_an_event() {
    let log = Log::start();
    let (browser, store, layer) = visitor_of_map().await;
    store.fails_to_commit.store(true, Ordering::SeqCst);
    log.take();
    hang_up_while_handling(&browser, &layer, "/destroy/wait").await;
    layer.drain().await;
    let said = log.take();
    assert!(said.contains("session not saved"), "{said}");
}

#[tokio::test]
async fn drain_waits_for_what_is_under_way_and_can_be_called_again() {
    let (browser, store, layer) = visitor_of_map().await;
    layer.drain().await;
    let gate = store.hold_commits();
    let mut response = app(&layer).call(browser.request(Method::GET, "/insert:a:2"));
    while poll_immediate(gate.arrival()).await.is_none() {
        assert!(poll_immediate(&mut response).await.is_none());
        tokio::task::yield_now().await;
    }
    drop(response);
    let mut drain = pin!(layer.drain());
    for _ in 0..10 {
        assert!(
            poll_immediate(&mut drain).await.is_none(),
            "it is not saved yet"
        );
        tokio::task::yield_now().await;
    }
    gate.open();
    drain.await;
    assert_eq!(store.seen().len(), 2, "it was saved");
    layer.drain().await;
}

#[test]
fn without_a_runtime_nothing_goes_on_in_the_background_and_the_log_says_so() {
    let log = Log::start();
    futures::executor::block_on(async {
        let store = Map::default();
        let layer = SessionLayer::new(store.clone());
        let gate = store.hold_commits();
        let request = Browser::new(app(&layer)).request(Method::GET, "/insert:a:1");
        let mut response = app(&layer).call(request);
        while poll_immediate(gate.arrival()).await.is_none() {
            assert!(poll_immediate(&mut response).await.is_none());
        }
        drop(response);
    });
    let said = log.take();
    assert!(said.contains("no runtime"), "{said}");
}
