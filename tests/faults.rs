//! A store that fails, and records that are not what they should be.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, atomic::Ordering},
};

use bytes::Bytes;
use common::{
    app::{App, app, said},
    log::Log,
    stores::Map,
};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use session_test_support::Browser;
use tower::{Layer as _, service_fn};
use tower_session_layer::{LazySession, Session, SessionErrorKind, SessionLayer};

fn visitor(store: &Map) -> Browser<App> {
    Browser::new(app(&SessionLayer::new(store.clone())))
}

#[tokio::test]
async fn the_store_is_asked_no_more_than_needed() {
    let store = Map::default();
    let eager = visitor(&store);
    let lazy = eager.at(app(&SessionLayer::new(store.clone()).lazy()));
    let rows = [
        (&eager, "/get:a/insert:a:1", (0, 1)),
        (&eager, "/", (1, 0)),
        (&eager, "/get:a/keys", (1, 0)),
        (&eager, "/remove:b/take:b/renew/insert:b:1", (1, 1)),
        (&eager, "/update_now:n/update:n", (1, 2)),
        (&lazy, "/", (0, 0)),
        (&lazy, "/load/load/get:a", (1, 0)),
        (&lazy, "/load/insert:a:2", (1, 1)),
        (&eager, "/destroy", (1, 1)),
        (&eager, "/", (0, 0)),
    ];
    for (browser, path, calls) in rows {
        browser.get(path).await;
        assert_eq!(store.calls(), calls, "{path}");
    }
    for malformed in ["x", "", "a b", &"A".repeat(64), &"A".repeat(10_000)] {
        eager.jar().set("__Host-id", malformed);
        let page = eager.get("/").await;
        assert_eq!(
            (store.calls(), page.set_cookie()),
            ((0, 0), None),
            "{malformed}"
        );
    }
}

/// Proves: asvs_7_2_1.
#[tokio::test]
async fn a_failing_load_is_an_outage_not_a_stranger() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1").await;
    store.fails_to_load.store(true, Ordering::SeqCst);
    let page = browser.get("/destroy/insert:a:2").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), Some("1"));
    assert_eq!((&*page.text, page.set_cookie()), ("", None));
    assert_eq!(
        Browser::new(app(&SessionLayer::new(store.clone())))
            .get("/")
            .await
            .status,
        200
    );
    let lazy = browser.at(app(&SessionLayer::new(store.clone()).lazy()));
    let page = lazy.get("/load").await;
    assert_eq!(page.text, said(SessionErrorKind::Store));
    assert_eq!(page.header("vary"), Some("cookie"), "asked in vain");
    store.fails_to_load.store(false, Ordering::SeqCst);
    assert_eq!(
        browser.get("/get:a").await.text,
        "1",
        "service returns by itself"
    );
}

#[tokio::test]
async fn a_failing_commit_is_never_shown_as_success() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1").await;
    store.fails_to_commit.store(true, Ordering::SeqCst);
    for path in [
        "/insert:a:2",
        "/insert:a:2/commit",
        "/sign_in",
        "/destroy",
        "/destroy/status:500",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(page.set_cookie(), None, "{path}");
    }
    let mut grpc = browser.request(Method::POST, "/insert:a:2");
    let headers = grpc.headers_mut();
    headers.insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
    let page = browser.send(grpc).await;
    assert_eq!(
        (page.status, page.header("grpc-status")),
        (StatusCode::OK, Some("14"))
    );
    let page = browser.get("/touch/get:a").await;
    assert_eq!(
        (page.status, &*page.text),
        (StatusCode::OK, "1"),
        "a touch fails nobody"
    );
    store.fails_to_commit.store(false, Ordering::SeqCst);
    assert_eq!(browser.get("/get:a").await.text, "1");
}

/// Where the first entry's key begins in a record.
const FIRST_KEY: usize = 169;

#[tokio::test]
async fn an_unreadable_record_is_a_stranger_who_can_sign_in() {
    let store = Map::default();
    let tampers: [fn(&mut Vec<u8>); 5] = [
        |record| record.truncate(100),
        |record| record.truncate(record.len() - 1),
        |record| record.push(0),
        |record| record[1] = 9,
        Vec::clear,
    ];
    for tamper in tampers {
        let browser = visitor(&store);
        browser.get("/insert:a:1").await;
        store.tamper(tamper);
        let page = browser.get("/get:a/is_new").await;
        assert_eq!((page.status, &*page.text), (StatusCode::OK, "none true"));
        browser.get("/sign_in/insert:a:2").await;
        assert_eq!(browser.get("/get:a").await.text, "2");
    }
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_an_outage() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1").await;
    store.tamper(|record| record[0] = 2);
    let page = browser.get("/get:a").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.set_cookie(), None);
    store.tamper(|record| record[0] = 1);
    assert_eq!(browser.get("/get:a").await.text, "1", "and harms nothing");
}

#[tokio::test]
async fn a_poisoned_value_harms_its_key_alone() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1/insert:b:2").await;
    // The value follows the key `a` and the four bytes of its length.
    store.tamper(|record| record[FIRST_KEY + 5] = b'?');
    for path in ["/get:a", "/take:a", "/update:a"] {
        assert_eq!(
            browser.get(path).await.text,
            said(SessionErrorKind::Decode),
            "{path}"
        );
    }
    assert_eq!(
        browser.get("/get:b/keys/contains:a").await.text,
        "2 a,b true"
    );
    browser.get("/insert:b:3").await;
    assert_eq!(browser.get("/get:b").await.text, "3");
    assert_eq!(browser.get("/remove:a/keys").await.text, "true b");
}

/// A later release keeps entries of its own beside those of the application.
#[tokio::test]
async fn reserved_entries_are_out_of_reach_and_stay() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1").await;
    let owner = b"\x06@owner\x00\x00\x00\x02\"\"";
    store.tamper(|record| record.extend(owner));
    let page = browser
        .get("/get:@owner/take:@owner/remove:@owner/contains:@owner/keys")
        .await;
    assert_eq!(page.text, "none none false false a");
    browser.get("/clear/insert:b:2").await;
    assert_eq!(browser.get("/keys").await.text, "b");
    assert!(contains(&store.records()[0], owner));
}

#[tokio::test]
async fn a_lazy_session_that_is_loaded_after_the_head_knows_it() {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = request.extensions().get::<LazySession>().cloned();
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    Browser::new(SessionLayer::new(Map::default()).lazy().layer(service))
        .get("/")
        .await;
    let lazy: LazySession = kept.lock().unwrap().take().unwrap();
    let session = lazy.load().await.unwrap();
    assert_eq!(
        session.insert("a", 1).unwrap_err().kind(),
        SessionErrorKind::HeadSent
    );
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn the_store_holds_no_secret() {
    let store = Map::default();
    let browser = visitor(&store);
    browser.get("/insert:a:1").await;
    let token = browser.jar().get("__Host-id").unwrap();
    let records = store.records();
    for part in [&token[..], &token[24..]] {
        assert!(
            !records
                .iter()
                .any(|record| contains(record, part.as_bytes()))
        );
    }
}

#[tokio::test]
async fn a_change_that_nobody_will_save_is_an_event() {
    let log = Log::start();
    let store = Map::default();
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        let session = request.extensions().get::<Session>().cloned().unwrap();
        session.insert("a", 1).unwrap();
        *keep.lock().unwrap() = Some(session);
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let browser = Browser::new(SessionLayer::new(store.clone()).layer(service));

    browser.get("/").await;
    let session: Session = kept.lock().unwrap().take().unwrap();
    session.insert("a", 2).unwrap();
    session.commit().await.unwrap();
    drop(session);
    assert_eq!(log.take(), "", "it was saved");

    browser.get("/").await;
    let session: Session = kept.lock().unwrap().take().unwrap();
    assert_eq!(session.get("a").unwrap(), Some(1));
    session.insert("a", 3).unwrap();
    assert_eq!(
        session.sign_in().unwrap_err().kind(),
        SessionErrorKind::HeadSent
    );
    drop(session);
    let said = log.take();
    assert!(
        said.contains("ERROR") && said.contains("changes lost"),
        "{said}"
    );
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
