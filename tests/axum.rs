//! The extractors, behind both layers and behind none.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::Ordering;

use axum::{Router, routing::get};
use common::{log::Log, stores::Map};
use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::{LazySession, Session, SessionError, SessionLayer};

async fn count(session: Session) -> Result<String, SessionError> {
    let visits = session
        .update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1)
        .await?;
    Ok(visits.to_string())
}

async fn maybe(session: LazySession) -> Result<String, SessionError> {
    Ok(session.load().await?.is_new().to_string())
}

fn router() -> Router {
    Router::new()
        .route("/count", get(count))
        .route("/maybe", get(maybe))
        .route("/other", get(async || "nothing to do with sessions"))
        .route("/bad", get(async |session: Session| session.insert("", 1)))
}

#[tokio::test]
async fn handlers_take_a_session_in_both_modes() {
    for layer in [
        SessionLayer::new(Map::default()),
        SessionLayer::new(Map::default()).lazy(),
    ] {
        let browser = Browser::new(router().layer(layer));
        for visit in ["1", "2", "3"] {
            assert_eq!(browser.get("/count").await.text, visit);
        }
        let page = browser.get("/bad").await;
        assert_eq!(
            (page.status, &*page.text),
            (StatusCode::INTERNAL_SERVER_ERROR, "")
        );
    }
}

#[tokio::test]
async fn a_lazy_layer_asks_the_store_only_for_handlers_that_take_a_session() {
    let store = Map::default();
    let browser = Browser::new(router().layer(SessionLayer::new(store.clone()).lazy()));
    browser.get("/count").await;
    store.calls();
    let page = browser.get("/other").await;
    assert_eq!((store.calls(), page.header("vary")), ((0, 0), None));
    assert_eq!(browser.get("/maybe").await.text, "false");
    assert_eq!(store.calls(), (1, 0));
}

#[tokio::test]
async fn a_store_that_fails_is_503_in_both_modes() {
    for lazy in [false, true] {
        let store = Map::default();
        let layer = SessionLayer::new(store.clone());
        let layer = if lazy { layer.lazy() } else { layer };
        let browser = Browser::new(router().layer(layer));
        browser.get("/count").await;
        store.fails_to_load.store(true, Ordering::SeqCst);
        let page = browser.get("/count").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        store.fails_to_load.store(false, Ordering::SeqCst);
        assert_eq!(browser.get("/count").await.text, "2");
    }
}

#[tokio::test]
async fn without_a_layer_the_log_says_which_one_to_add_and_where() {
    let log = Log::start();
    let browser = Browser::new(router());
    for path in ["/count", "/maybe"] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
        let said = log.take();
        assert!(
            said.contains("add `.layer(SessionLayer::new(store))` to the router"),
            "{said}"
        );
    }
}
