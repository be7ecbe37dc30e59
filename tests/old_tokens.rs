//! Tokens that were replaced, sessions that ended, and forms of other sites.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{
    app::{App, app},
    log::Log,
    stores::{Map, stores},
    visitor::{COOKIE, token},
};
use http::{Method, StatusCode};
use session_test_support::{Browser, Clock, Page};
use tower_session_layer::SessionLayer;

/// A visitor in whose session `a` is 1, after `deed`; and one with the cookie from before it.
async fn with_copy(layer: &SessionLayer, deed: &str) -> (Browser<App>, Browser<App>) {
    let browser = Browser::new(app(layer));
    browser.get("/sign_in/insert:a:1").await;
    let copy = Browser::new(app(layer));
    copy.jar().set(COOKIE, &token(&browser));
    let page = browser.get(deed).await;
    assert!(page.set_cookie().is_some(), "{deed} is told to the browser");
    (browser, copy)
}

fn on_clock(layer: &SessionLayer) -> (SessionLayer, Clock) {
    let clock = Clock::new();
    let now = clock.clone();
    (layer.clone().with_clock(move || now.now()), clock)
}

/// Proves: asvs_7_2_4, asvs_7_4_1.
#[tokio::test]
async fn a_request_from_the_past_sees_nothing_saves_nothing_and_sets_no_cookie() {
    for subject in stores().await {
        for deed in ["/sign_in", "/renew", "/destroy"] {
            let (layer, clock) = on_clock(&subject.layer);
            let (browser, past) = with_copy(&layer, deed).await;
            let page = past.get("/get:a/is_new").await;
            let context = format!("{}: {deed}", subject.name);
            assert_eq!(
                (&*page.text, page.set_cookie()),
                ("none true", None),
                "{context}"
            );
            let page = past.get("/insert:a:2").await;
            let refused = (StatusCode::CONFLICT, None);
            assert_eq!((page.status, page.set_cookie()), refused, "{context}");
            clock.pass(59);
            assert_eq!(
                past.get("/insert:a:2").await.status,
                StatusCode::CONFLICT,
                "{context}"
            );
            clock.pass(1);
            let page = past.get("/insert:a:2").await;
            assert_eq!(
                page.status,
                StatusCode::OK,
                "{context}: forgotten after a minute"
            );
            if deed != "/destroy" {
                assert_eq!(browser.get("/get:a").await.text, "1", "{context}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_from_the_past_may_sign_in_again_and_both_sessions_work() {
    for subject in stores().await {
        for deed in ["/sign_in/insert:a:1", "/destroy"] {
            let (browser, past) = with_copy(&subject.layer, deed).await;
            let page = past.get("/sign_in/insert:b:2").await;
            assert_eq!(page.status, StatusCode::OK, "{}: {deed}", subject.name);
            assert_eq!(past.get("/keys/is_authenticated").await.text, "b true");
            if deed != "/destroy" {
                assert_eq!(browser.get("/keys/is_authenticated").await.text, "a true");
            }
        }
    }
}

#[tokio::test]
async fn a_request_from_the_past_may_log_out_if_its_token_was_ever_good() {
    for subject in stores().await {
        let (browser, past) = with_copy(&subject.layer, "/renew").await;
        let stranger = Browser::new(app(&subject.layer));
        stranger
            .jar()
            .set(COOKIE, &with_other_secret(&token(&past)));
        let page = stranger.get("/destroy").await;
        assert_eq!(page.set_cookie(), None, "{}: a wrong secret", subject.name);
        assert_eq!(browser.get("/get:a").await.text, "1", "{}", subject.name);
        past.get("/destroy/insert:a:2").await;
        assert_eq!(browser.get("/get:a").await.text, "none", "{}", subject.name);
        assert_eq!(past.get("/get:a").await.text, "2", "a session of its own");
    }
}

/// The same id, and another secret.
fn with_other_secret(token: &str) -> String {
    let (id, secret) = token.split_at(24);
    format!("{id}{}", secret.chars().rev().collect::<String>())
}

#[tokio::test]
async fn a_sign_in_that_meets_another_one_begins_a_session_of_its_own() {
    for subject in stores().await {
        let handler = {
            let layer = subject.layer.clone();
            move |session: tower_session_layer::Session| {
                let layer = layer.clone();
                async move {
                    let other = Browser::new(app(&layer));
                    let copied = session.get::<String>("copy").unwrap().unwrap();
                    other.jar().set(COOKIE, &copied);
                    other.get("/sign_in/insert:who:other").await;
                    session.sign_in().unwrap();
                    session.insert("who", "me").unwrap();
                    StatusCode::OK
                }
            }
        };
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        browser
            .get(&format!("/insert:copy:{}", token(&browser)))
            .await;
        let slow = browser.at(common::app::handled(&subject.layer, handler));
        let page = slow.get("/").await;
        assert_eq!(page.status, StatusCode::OK, "{}", subject.name);
        assert_eq!(
            browser.get("/keys/get:who").await.text,
            "who me",
            "{}",
            subject.name
        );
    }
}

/// Visits a page that says `text`, and issues a cookie or does not.
async fn visit(browser: &Browser<App>, path: &str, text: &str, is_issued: bool, context: &str) {
    let page = browser.get(path).await;
    let seen = (&*page.text, page.set_cookie().is_some());
    assert_eq!(seen, (text, is_issued), "{path}: {context}");
}

#[tokio::test]
async fn a_rotation_is_handed_out_again_until_it_arrived_and_then_the_old_token_ends() {
    for subject in stores().await {
        let seconds = Duration::from_secs;
        let (layer, clock) = on_clock(&subject.layer);
        let browser = Browser::new(app(&layer.with_rotation(seconds(600), seconds(60))));
        visit(&browser, "/insert:a:1", "", true, subject.name).await;
        let old = token(&browser);
        clock.pass(599);
        visit(&browser, "/get:a", "1", false, "not yet").await;
        clock.pass(1);
        visit(&browser, "/get:a", "1", true, "now").await;
        let new = token(&browser);
        assert_ne!(new, old, "{}", subject.name);

        browser.jar().set(COOKIE, &old);
        clock.pass(1);
        visit(&browser, "/get:a", "1", false, "it may be on its way").await;
        clock.pass(119);
        visit(&browser, "/get:a/insert:b:2", "1", true, "it was lost").await;
        assert_eq!(token(&browser), new, "{}: the same one", subject.name);
        visit(&browser, "/get:b", "2", false, "it is presented").await;

        browser.jar().set(COOKIE, &old);
        clock.pass(59);
        visit(&browser, "/get:a", "1", false, "the grace is open").await;
        clock.pass(1);
        let log = Log::start();
        visit(&browser, "/get:a", "none", false, "it is over").await;
        let said = log.take();
        assert!(said.contains("reuse of a token"), "{said}");
    }
}

#[tokio::test]
async fn a_rotation_that_fails_fails_nobody() {
    let store = Map::default();
    let browser = Browser::new(app(&SessionLayer::new(store.clone())));
    browser.get("/insert:a:1").await;
    store
        .fails_to_commit
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let page = browser.get("/rotate/get:a").await;
    assert_eq!((page.status, &*page.text), (StatusCode::OK, "1"));
    assert_eq!(page.set_cookie(), None);
}

async fn from(site: &str, browser: &Browser<App>, method: Method, path: &str) -> Page {
    let mut request = browser.request(method, path);
    let headers = request.headers_mut();
    headers.insert("sec-fetch-site", site.parse().unwrap());
    browser.send(request).await
}

#[tokio::test]
async fn a_form_of_another_site_begins_no_session_without_a_sign_in() {
    for subject in stores().await {
        for layer in [subject.layer.clone(), subject.layer.clone().lazy()] {
            let load = if format!("{layer:?}").contains("Lazy") {
                "/load"
            } else {
                ""
            };
            let begin = format!("{load}/insert:a:1");
            let sign_in = format!("{load}/sign_in/insert:a:1");
            for (site, method, path, status) in [
                ("cross-site", Method::POST, &begin, 403),
                ("cross-site", Method::DELETE, &begin, 403),
                ("cross-site", Method::GET, &begin, 200),
                ("cross-site", Method::POST, &sign_in, 200),
                ("same-site", Method::POST, &begin, 200),
                ("same-origin", Method::POST, &begin, 200),
                ("none", Method::POST, &begin, 200),
            ] {
                let browser = Browser::new(app(&layer));
                let page = from(site, &browser, method, path).await;
                assert_eq!(page.status, status, "{}: {site} {path}", subject.name);
                assert_eq!(page.set_cookie().is_some(), status == 200);
            }
            let browser = Browser::new(app(&layer));
            browser.get(&begin).await;
            let page = from("cross-site", &browser, Method::POST, &begin).await;
            assert_eq!(page.status, 200, "a cookie that came along is good");
            let open = layer.clone().insecure_cross_site_beginnings();
            let browser = Browser::new(app(&open));
            let page = from("cross-site", &browser, Method::POST, &begin).await;
            assert!(page.set_cookie().is_some());
        }
    }
}

#[tokio::test]
async fn a_refused_response_can_be_let_through_and_a_failed_request_saved() {
    let log = Log::start();
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let passing = layer.clone().pass_refused_responses();
    let (_, past) = with_copy(&layer, "/renew").await;
    let page = past.at(app(&passing)).get("/insert:a:2/get:a").await;
    assert_eq!((page.status, &*page.text), (StatusCode::OK, "2"));
    assert_eq!(page.set_cookie(), None);
    assert!(log.take().contains("session not saved"));
    store
        .fails_to_commit
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let page = Browser::new(app(&passing)).get("/insert:a:2").await;
    assert_eq!(
        page.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "that is no refusal"
    );
    store
        .fails_to_commit
        .store(false, std::sync::atomic::Ordering::SeqCst);

    let browser = Browser::new(app(&layer.save_failed_requests()));
    let page = browser.get("/insert:a:1/status:500").await;
    assert!(page.set_cookie().is_some());
    browser.get("/insert:a:2/header:grpc-status:13").await;
    assert_eq!(browser.get("/get:a").await.text, "2");
}
