//! What a visitor sees, on every store.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::app,
    stores::stores,
    visitor::{COOKIE, token},
};
use http::{Method, StatusCode};
use session_test_support::Browser;

/// Proves: asvs_7_6_2, http_h3.
#[tokio::test]
async fn looking_does_not_begin_a_session() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        let page = browser.get("/").await;
        assert_eq!((page.set_cookie(), page.header("vary")), (None, None));
        for look in [
            "get:a", "is_empty", "remove:a", "clear", "touch", "renew", "destroy", "commit",
        ] {
            let page = browser.get(&format!("/{look}")).await;
            assert_eq!(page.set_cookie(), None, "{}: {look}", subject.name);
            assert_eq!(
                page.header("vary"),
                Some("cookie"),
                "{}: {look}",
                subject.name
            );
            assert_eq!(page.header("cache-control"), None);
        }
    }
}

#[tokio::test]
async fn what_is_inserted_is_there_at_the_next_request() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        let page = browser.get("/insert:a:1/number:b:2/keys/is_new/id").await;
        assert_eq!(page.text, "a,b true none");
        let cookie = format!(
            "{COOKIE}={}; HttpOnly; SameSite=Lax; Secure; Path=/",
            token(&browser)
        );
        assert_eq!(page.set_cookie(), Some(&*cookie), "{}", subject.name);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let page = browser
            .get("/get:a/get:b/get:c/contains:a/is_empty/is_new")
            .await;
        assert_eq!(page.text, "1 2 none true false false", "{}", subject.name);
        assert_eq!(page.set_cookie(), None, "a token is sent once");
        let page = browser
            .get("/remove:a/remove:a/take:b/take:b/is_empty")
            .await;
        assert_eq!(page.text, "true false 2 none true");
        assert_eq!(
            browser.get("/keys/is_new").await.text,
            " false",
            "the session goes on"
        );
    }
}

#[tokio::test]
async fn a_failed_request_changes_nothing_but_ends_what_it_destroyed() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let old = token(&browser);
        let page = browser.get("/sign_in/insert:a:2/status:500").await;
        assert_eq!(
            (page.status, page.set_cookie()),
            (StatusCode::INTERNAL_SERVER_ERROR, None)
        );
        let grpc = browser.get("/insert:a:2/header:grpc-status:13").await;
        assert_eq!(grpc.set_cookie(), None);
        assert_eq!(browser.get("/get:a").await.text, "1", "{}", subject.name);
        browser.get("/insert:a:3/status:404").await;
        browser.get("/insert:b:3/header:grpc-status:5").await;
        assert_eq!(
            browser.get("/get:a/get:b").await.text,
            "3 3",
            "these are answers, not failures"
        );

        let stranger = Browser::new(app(&subject.layer));
        let page = stranger.get("/insert:a:1/status:503").await;
        assert_eq!(
            page.set_cookie(),
            None,
            "{}: not even created",
            subject.name
        );
        stranger
            .get("/insert:a:1/commit/insert:a:2/status:500")
            .await;
        assert_eq!(
            stranger.get("/get:a").await.text,
            "1",
            "what was committed stays"
        );

        let page = browser.get("/insert:a:4/destroy/status:500").await;
        assert!(page.set_cookie().is_some());
        browser.jar().set(COOKIE, &old);
        assert_eq!(browser.get("/get:a").await.text, "none", "{}", subject.name);
    }
}

#[tokio::test]
async fn an_error_of_the_service_passes_unchanged_and_discards() {
    use tower::ServiceExt as _;
    for subject in stores().await {
        let service = app(&subject.layer);
        let browser = Browser::new(service.clone());
        browser.get("/insert:a:1").await;
        for path in ["/insert:a:2/err", "/destroy/err"] {
            let request = browser.request(Method::GET, path);
            let error = service
                .clone()
                .oneshot(request)
                .await
                .map(|_| ())
                .unwrap_err();
            assert_eq!(error.to_string(), "the service failed");
            let seen = if path.contains("destroy") {
                "none"
            } else {
                "1"
            };
            assert_eq!(
                browser.get("/get:a").await.text,
                seen,
                "{}: {path}",
                subject.name
            );
        }
    }
}

#[tokio::test]
async fn a_lazy_session_tells_the_same_story() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer.clone().lazy()));
        let page = browser.get("/").await;
        assert_eq!((page.set_cookie(), page.header("vary")), (None, None));
        let page = browser.get("/load").await;
        assert_eq!(
            (page.set_cookie(), page.header("vary")),
            (None, Some("cookie"))
        );
        browser.get("/load/insert:a:1").await;
        let old = token(&browser);
        assert_eq!(
            browser.get("/load/get:a").await.text,
            "1",
            "{}",
            subject.name
        );
        assert_eq!(browser.get("/").await.header("vary"), None);
        browser.get("/load/sign_in").await;
        assert_ne!(token(&browser), old);
        browser.get("/load/destroy").await;
        assert_eq!(browser.jar().get(COOKIE), None);
    }
}
