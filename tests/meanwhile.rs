//! What happens while a commit is on its way, in the same request or in another one.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{
    app::{Body, app, handled},
    stores::Map,
    visitor::{visitor_of_map, with_pause},
};
use futures::future::{join, poll_immediate};
use http::{Request, Response, StatusCode, header::SET_COOKIE};
use session_test_support::{Browser, Clock};
use tokio::{sync::Notify, task::yield_now};
use tower::{BoxError, Layer as _, Service as _, service_fn};
use tower_session_layer::{LazySession, Lifetime, Session, SessionErrorKind, SessionLayer};

/// Or its cookie would wait in a slow handler, and replace that of a sign-in meanwhile.
#[tokio::test]
async fn a_rotation_waits_for_the_head() {
    let clock = Clock::new();
    let now = clock.clone();
    let seconds = Duration::from_secs;
    let layer = SessionLayer::new(Map::default()).with_clock(move || now.now());
    let browser = Browser::new(app(&layer.with_rotation(seconds(600), seconds(60))));
    for path in [
        "/commit/wait",
        "/insert:b:1/commit/wait",
        "/update_now:n/wait",
    ] {
        browser.get("/sign_in/insert:user:ann").await;
        clock.pass(700);
        let sign_in = async || drop(browser.get("/sign_in/insert:user:bob").await);
        let page = with_pause(&browser, path, sign_in).await;
        assert_eq!(page.set_cookie(), None, "{path}");
        assert_eq!(browser.get("/get:user").await.text, "bob", "{path}");
    }
}

#[tokio::test]
async fn a_session_that_is_loaded_during_the_commit_leaves_the_cookie_to_the_head() {
    let store = Map::default();
    let layer = SessionLayer::new(store.clone()).lazy();
    let (go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, tell) = (Arc::clone(&go), Arc::clone(&done));
    let service = service_fn(move |request: Request<Body>| {
        let lazy = request.extensions().get::<LazySession>().cloned().unwrap();
        let (told, tell) = (Arc::clone(&told), Arc::clone(&tell));
        async move {
            let session = lazy.load().await.unwrap();
            session.sign_in().unwrap();
            tokio::spawn(async move {
                told.notified().await;
                lazy.load().await.unwrap();
                tell.notify_one();
            });
            Ok::<_, BoxError>(Response::new(Body::default()))
        }
    });
    let gate = store.hold_commits();
    let mut service = layer.layer(service);
    let response = service.call(Request::new(Body::default()));
    let meanwhile = async {
        gate.arrival().await;
        go.notify_one();
        done.notified().await;
        gate.open();
    };
    let response = join(response, meanwhile).await.0.unwrap();
    assert!(
        response.headers().contains_key(SET_COOKIE),
        "it was signed in"
    );
}

#[tokio::test]
async fn a_renewal_does_not_undo_a_sign_in_that_is_on_its_way() {
    let (browser, _, layer) = visitor_of_map().await;
    let other = browser.clone();
    let handler = move |session: Session| {
        let other = other.clone();
        async move {
            session.sign_in().unwrap();
            other.get("/renew").await;
            let mut commit = pin!(session.commit());
            assert!(poll_immediate(&mut commit).await.is_none());
            yield_now().await;
            session.renew().unwrap();
            commit.await.unwrap();
            StatusCode::OK
        }
    };
    let late = Browser::new(handled(&layer, handler));
    late.jar()
        .set("__Host-id", &browser.jar().get("__Host-id").unwrap());
    let page = late.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        late.at(app(&layer)).get("/is_authenticated").await.text,
        "true"
    );
}

#[tokio::test]
async fn a_log_out_during_a_commit_that_loses_still_happens() {
    let (browser, store, layer) = visitor_of_map().await;
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let handler = move |session: Session| {
        session.take::<String>("a").unwrap();
        *keep.lock().unwrap() = Some(session);
        std::future::ready(StatusCode::OK)
    };
    let gate = store.hold_commits();
    let slow = browser.at(handled(&layer, handler));
    let meanwhile = async {
        gate.arrival().await;
        // The value is no longer what it was.
        store.tamper(|record| record[169 + 6] = b'9');
        let session: Session = kept.lock().unwrap().take().unwrap();
        session.destroy();
        gate.open();
        gate.open();
    };
    let page = join(slow.get("/"), meanwhile).await.0;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "what was refused went with the session"
    );
    gate.open();
    assert_eq!(browser.jar().get("__Host-id"), None);
}

#[tokio::test]
async fn a_lifetime_that_the_cookie_on_its_way_does_not_fit_is_refused() {
    let told = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&told);
    let handler = move |session: Session| {
        let tell = Arc::clone(&tell);
        async move {
            session.insert("a", 1).unwrap();
            let mut commit = pin!(session.commit());
            assert!(poll_immediate(&mut commit).await.is_none());
            yield_now().await;
            let refused = session.set_lifetime(Lifetime::remembered());
            *tell.lock().unwrap() = refused.err().map(|error| error.kind());
            commit.await.unwrap();
            StatusCode::OK
        }
    };
    let page = Browser::new(handled(&SessionLayer::new(Map::default()), handler))
        .get("/")
        .await;
    assert!(!page.set_cookie().unwrap().contains("Max-Age"));
    assert_eq!(*told.lock().unwrap(), Some(SessionErrorKind::NeedsRenewal));
}
