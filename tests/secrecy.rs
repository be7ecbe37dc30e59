//! Nothing that is said aloud has a secret in it, or a value of a session: no log, error, `Debug`,
//! panic, and no dump of Redis.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, atomic::Ordering},
};

use common::{
    app::{app, handled},
    log::Log,
    said::{Said, VALUE, visitor},
    stores::{Map, stores},
    visitor::{COOKIE, token, with_pause},
};
use futures::FutureExt as _;
use http::{Method, StatusCode};
use session_test_support::Browser;
#[cfg(feature = "redis")]
use session_test_support::assert_tells_no_secret;
use tower::{Layer as _, Service as _};
use tower_session_layer::{LazySession, Session, SessionError, SessionLayer};

/// What goes wrong in the hands of a handler.
async fn misuse(session: Session, said: Said) -> StatusCode {
    let unwritable = HashMap::from([((1, VALUE), VALUE)]);
    let tries: [(&str, Result<(), SessionError>); 8] = [
        ("InvalidKey", session.insert(&format!("@{VALUE}"), VALUE)),
        ("Encode", session.insert("b", &unwritable)),
        ("Decode", session.get::<u64>("a").map(drop)),
        ("Decode", session.take::<bool>("a").map(drop)),
        (
            "Decode",
            session.update("a", |number: Option<u64>| number.unwrap_or(0)),
        ),
        ("TooLarge", session.insert("b", VALUE.repeat(5_000))),
        (
            "NeedsRenewal",
            session.set_lifetime(tower_session_layer::Lifetime::remembered()),
        ),
        ("fine", session.insert("c", VALUE)),
    ];
    for (kind, result) in tries {
        match result {
            Ok(()) => assert_eq!(kind, "fine"),
            Err(error) => {
                assert_eq!(format!("{:?}", error.kind()), kind);
                said.note_error(&error);
            }
        }
    }
    said.note(&session);
    StatusCode::OK
}

/// What goes wrong because of others, by the paths of the app, the other's path, and what the log
/// says of it.
const LOST: [(&str, &str, &str); 5] = [
    ("/insert:b:V/wait", "/destroy", "the session ended while"),
    (
        "/insert:b:V/wait",
        "/renew",
        "the session was renewed while",
    ),
    (
        "/take:a/wait",
        "/insert:a:W",
        "another request changed the same key",
    ),
    (
        "/take:a/wait/commit",
        "/insert:a:W",
        "another request changed the same key",
    ),
    ("/rotate/wait", "/rotate", "not touched or rotated"),
];

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_requests_that_lose() {
    let log = Log::start();
    let said = Said::default();
    for subject in stores().await {
        for (path, meanwhile, event) in LOST {
            let browser = visitor(&subject.layer, &said).await;
            let elsewhere = browser.at(app(&subject.elsewhere));
            let path = path.replace('V', VALUE);
            let page = with_pause(&browser, &path, async || {
                elsewhere
                    .get(&meanwhile.replace('W', &format!("{VALUE}2")))
                    .await;
                said.keep(&elsewhere);
            });
            said.note(page.await.headers);
            let logged = log.take();
            assert!(logged.contains(event), "{}: {path}: {logged}", subject.name);
            said.note_text(&logged);
        }
        let browser = Browser::new(handled(&subject.layer, {
            let said = said.clone();
            move |session| misuse(session, said.clone())
        }));
        let signed_in = visitor(&subject.layer, &said).await;
        browser.jar().set(COOKIE, &token(&signed_in));
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
        said.note((&subject.layer, browser.service()));
    }
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_cookies_that_are_wrong() {
    let log = Log::start();
    let said = Said::default();
    for subject in stores().await {
        let (one, two) = (
            visitor(&subject.layer, &said).await,
            visitor(&subject.layer, &said).await,
        );
        let forged = format!("{}AAAA", &token(&one)[..60]);
        let both = format!("{COOKIE}={}; {COOKIE}={}", token(&one), token(&two));
        let made_up = (0..4).map(|it| format!("{both}; {COOKIE}={}{it}", &forged[..63]));
        let many = made_up.collect::<Vec<_>>().join("; ");
        for (lines, site) in [
            (both, "none"),
            (many, "none"),
            (format!("{COOKIE}={forged}"), "none"),
            (format!("{COOKIE}=x{}", token(&one)), "none"),
            (String::new(), "cross-site"),
        ] {
            let browser = Browser::new(app(&subject.layer));
            let mut request = browser.request(Method::POST, &format!("/insert:a:{VALUE}"));
            let headers = request.headers_mut();
            headers.insert("cookie", lines.parse().unwrap());
            headers.insert("sec-fetch-site", site.parse().unwrap());
            said.note(browser.send(request).await.status);
            said.keep(&browser);
        }
        one.get("/rotate").await;
        said.keep(&one);
    }
    said.note_events(
        &log,
        &[
            "begins no session without",
            "several session cookies counts cannot be told",
            "more than four different session cookies",
        ],
    );
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_stores_that_fail() {
    let log = Log::start();
    let said = Said::default();
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let browser = visitor(&layer, &said).await;
    store.fails_to_commit.store(true, Ordering::SeqCst);
    for path in [
        "/insert:a:V",
        "/insert:a:V/commit",
        "/touch",
        "/rotate",
        "/destroy",
        "/sign_in",
    ] {
        browser.get(&path.replace('V', VALUE)).await;
    }
    store.fails_to_commit.store(false, Ordering::SeqCst);
    store.fails_to_load.store(true, Ordering::SeqCst);
    browser.get("/").await;
    store.fails_to_load.store(false, Ordering::SeqCst);
    store.tamper(|record| record[0] = 2);
    browser.get("/").await;
    store.tamper(|record| record[0] = 1);
    store.tamper(|record| record.truncate(record.len() - 1));
    browser.get("/").await;
    said.note(store.seen());
    said.note_events(
        &log,
        &[
            "not saved",
            "not touched or rotated",
            "not loaded",
            "unreadable",
        ],
    );
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_handles_that_live_too_long_and_of_panics() {
    let log = Log::start();
    let said = Said::default();
    let layer = SessionLayer::new(Map::default());
    let kept: Arc<Mutex<Option<Session>>> = Arc::default();
    let keeping = handled(&layer, {
        let kept = Arc::clone(&kept);
        move |session| {
            *kept.lock().unwrap() = Some(session);
            async { StatusCode::INTERNAL_SERVER_ERROR }
        }
    });
    let browser = visitor(&layer, &said).await;
    browser.at(keeping).get("/").await;
    let session = kept.lock().unwrap().take().unwrap();
    session.insert("a", VALUE).unwrap();
    said.note_error(&session.sign_in().unwrap_err());
    drop(session);
    said.note_events(&log, &["changes lost"]);

    let panicking = handled(&layer, async |session: Session| {
        session.get::<u64>("a").unwrap();
        StatusCode::OK
    });
    let visit = browser.at(panicking);
    let panic = AssertUnwindSafe(visit.get("/"))
        .catch_unwind()
        .await
        .unwrap_err();
    let panic = panic.downcast_ref::<String>().unwrap();
    assert!(panic.contains("Decode"), "{panic}");
    said.note_text(panic);
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn of_everything_that_has_a_debug() {
    let log = Log::start();
    let said = Said::default();
    for subject in stores().await {
        let browser = visitor(&subject.layer, &said).await;
        let lazy = subject.layer.clone().lazy();
        let note = said.clone();
        let service = tower::service_fn(move |request: http::Request<common::app::Body>| {
            let note = note.clone();
            async move {
                let session: &LazySession = request.extensions().get().unwrap();
                note.note(session);
                note.note(session.load().await);
                note.note(session);
                let mut response = http::Response::new(common::app::Body::default());
                response.extensions_mut().insert(session.clone());
                Ok::<_, SessionError>(response)
            }
        });
        let service = lazy.layer(service);
        let future = service.clone().call(browser.request(Method::GET, "/"));
        said.note((&lazy, &service, &future));
        let response = future.await.unwrap();
        said.note(response.headers());
        said.note(response.body());
        let page = browser.get("/renew").await;
        said.keep(&browser);
        said.note(&page.headers);
    }
    said.tells_no_secret_and_no_value(&log);
}

/// Proves: asvs_16_2_5.
#[cfg(feature = "redis")]
#[tokio::test]
async fn of_a_redis_that_refuses_and_of_its_dump() {
    use common::visitor::visitor_on;
    let log = Log::start();
    let said = Said::default();
    let redis = session_test_support::Redis::start();
    let browser = visitor_on(&redis).await;
    for path in ["/sign_in/insert:a:V", "/rotate", "/renew", "/insert:b:V"] {
        browser.get(&path.replace('V', VALUE)).await;
        said.keep(&browser);
        // Values stand there in the clear, secrets do not.
        assert_tells_no_secret(&redis.dump(), &said.tokens.lock().unwrap());
    }
    let id = browser.get("/id").await.text;
    let write = format!("/insert:c:{VALUE}");
    let orders: [(&[&str], &str, &str); 4] = [
        (&["CONFIG", "SET", "maxmemory", "1"], &write, "not saved"),
        (&["CONFIG", "SET", "maxmemory", "0"], &write, ""),
        (
            &["ACL", "SETUSER", "default", "-get"],
            "/get:a",
            "not loaded",
        ),
        (
            &["ACL", "SETUSER", "default", "+get", "-time"],
            &write,
            "not saved",
        ),
    ];
    for (order, path, event) in orders {
        let _ = redis.cli(order);
        browser.get(path).await;
        let logged = log.take();
        assert!(logged.contains(event), "{order:?}: {logged}");
        said.note_text(&logged);
    }
    let _ = redis.cli(&["ACL", "SETUSER", "default", "+@all"]);
    let _ = redis.cli(&["DEL", &format!("session:{id}")]);
    let _ = redis.cli(&["RPUSH", &format!("session:{id}"), VALUE]);
    browser.get("/get:a").await;
    said.note_events(&log, &["unreadable session record"]);
    said.tells_no_secret_and_no_value(&log);
}
