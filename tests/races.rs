//! What overlapping requests do to each other, on every store.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{App, Gate, app, said},
    stores::stores,
};
use futures::future::join;
use http::{Method, StatusCode, header::CONTENT_TYPE};
use session_test_support::{Browser, Clock, Page};
use tower_session_layer::SessionErrorKind;

/// Runs `path` up to its `wait`, then `meanwhile`, then the rest of `path`.
async fn overlap(
    browser: &Browser<App>,
    path: &str,
    content_type: Option<&str>,
    meanwhile: &str,
) -> Page {
    let gate = Gate::closed();
    let mut request = browser.request(Method::POST, path);
    request.extensions_mut().insert(gate.clone());
    if let Some(content_type) = content_type {
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    }
    let slow = browser.send(request);
    let quick = async {
        gate.arrival().await;
        browser.get(meanwhile).await;
        gate.open();
    };
    join(slow, quick).await.0
}

#[tokio::test]
async fn who_comes_too_late_is_never_told_that_it_was_saved() {
    for subject in stores().await {
        for meanwhile in ["/destroy", "/sign_in", "/renew", "/take:a"] {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            let page = overlap(&browser, "/take:a/wait", None, meanwhile).await;
            assert_eq!(
                page.status,
                StatusCode::CONFLICT,
                "{}: {meanwhile}",
                subject.name
            );
            assert_eq!((&*page.text, page.set_cookie()), ("", None));
        }
    }
}

#[tokio::test]
async fn a_handler_that_commits_learns_why_it_came_too_late() {
    for subject in stores().await {
        for (meanwhile, kind) in [
            ("/destroy", SessionErrorKind::Gone),
            ("/sign_in", SessionErrorKind::Superseded),
            ("/take:a", SessionErrorKind::Conflict),
        ] {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            // A server error is let through, or a 409 would take the place of what was said.
            let path = "/status:500/take:a/wait/commit";
            let page = overlap(&browser, path, None, meanwhile).await;
            assert_eq!(page.text, format!("1 {}", said(kind)), "{}", subject.name);
        }
    }
}

#[tokio::test]
async fn a_touch_that_comes_too_late_is_given_up() {
    for subject in stores().await {
        for meanwhile in ["/destroy", "/sign_in", "/renew"] {
            let clock = Clock::new();
            let now = clock.clone();
            let layer = subject.layer.clone().with_clock(move || now.now());
            let browser = Browser::new(app(&layer));
            browser.get("/insert:a:1").await;
            clock.pass(600);
            let page = overlap(&browser, "/get:a/wait", None, meanwhile).await;
            let seen = (page.status, &*page.text);
            assert_eq!(seen, (StatusCode::OK, "1"), "{}: {meanwhile}", subject.name);
        }
    }
}

#[tokio::test]
async fn a_grpc_caller_is_told_in_its_own_terms() {
    for subject in stores().await {
        for (content_type, is_grpc) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;x=y", true),
            ("application/grpc-web+proto", true),
            ("application/grpc-web-text", true),
            ("application/grpcx", false),
            ("text/plain", false),
        ] {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            let page = overlap(&browser, "/take:a/wait", Some(content_type), "/take:a").await;
            let status = if is_grpc {
                StatusCode::OK
            } else {
                StatusCode::CONFLICT
            };
            assert_eq!(page.status, status, "{}: {content_type}", subject.name);
            assert_eq!(page.header("grpc-status"), is_grpc.then_some("10"));
            assert_eq!(page.header("content-type"), is_grpc.then_some(content_type));
        }
    }
}
