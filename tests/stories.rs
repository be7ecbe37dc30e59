//! What a visitor sees, on every store.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{app, said},
    stores::stores,
    visitor::{COOKIE, token},
};
use http::{Method, StatusCode};
use session_test_support::{Browser, Clock};
use tower_session_layer::{Lifetime, SessionErrorKind};

#[tokio::test]
async fn asvs_7_6_2_looking_does_not_begin_a_session() {
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
async fn asvs_7_3_1_and_7_3_2_idle_and_absolute_limits_are_enforced_from_the_record() {
    for subject in stores().await {
        let clock = Clock::new();
        let now = clock.clone();
        let seconds = std::time::Duration::from_secs;
        let layer = subject.layer.clone().with_clock(move || now.now());
        let layer = layer.with_lifetime(Lifetime::new(seconds(100), seconds(1000)));
        let browser = Browser::new(app(&layer));
        browser.get("/insert:a:1").await;
        clock.pass(99);
        assert_eq!(browser.get("/get:a").await.text, "1");
        clock.pass(99);
        assert_eq!(
            browser.get("/get:a").await.text,
            "1",
            "{}: touched",
            subject.name
        );
        clock.pass(9);
        browser.get("/").await;
        clock.pass(91);
        assert_eq!(
            browser.get("/get:a").await.text,
            "none",
            "{}: touches are throttled",
            subject.name
        );

        browser.get("/insert:a:1").await;
        for _ in 0..11 {
            clock.pass(90);
            assert_eq!(browser.get("/get:a").await.text, "1");
        }
        clock.pass(10);
        assert_eq!(
            browser.get("/get:a").await.text,
            "none",
            "{}: absolute",
            subject.name
        );
    }
}

#[tokio::test]
async fn keys_and_values_are_checked() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer.clone().with_max_size(1024)));
        browser.get("/insert:a:text/number:n:7").await;
        let long_key = format!("/insert:{}:1", "k".repeat(256));
        let large = format!("/insert:b:{}", "x".repeat(1024));
        let rows = [
            ("/get_number:a", SessionErrorKind::Decode),
            ("/update:a", SessionErrorKind::Decode),
            ("/insert::1", SessionErrorKind::InvalidKey),
            ("/insert:@owner:1", SessionErrorKind::InvalidKey),
            (&long_key, SessionErrorKind::InvalidKey),
            (&large, SessionErrorKind::TooLarge),
        ];
        for (path, kind) in rows {
            assert_eq!(
                browser.get(path).await.text,
                said(kind),
                "{}: {path}",
                subject.name
            );
        }
        let page = browser
            .get("/get:a/get_number:n/get:@owner/contains:")
            .await;
        assert_eq!(
            page.text, "text Some(7) none false",
            "{}: nothing was lost",
            subject.name
        );
    }
}

#[tokio::test]
async fn vary_is_merged_with_what_the_handler_set() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        let rows = [
            ("/get:a/header:vary:accept", vec!["accept", "cookie"]),
            ("/get:a/header:vary:accept,+Cookie", vec!["accept, Cookie"]),
            ("/get:a/header:vary:*", vec!["*"]),
            ("/header:vary:accept", vec!["accept"]),
        ];
        for (path, expected) in rows {
            let page = browser.get(path).await;
            let lines = page.headers.get_all("vary").iter();
            let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
            assert_eq!(lines, expected, "{path}");
        }
        let page = browser.get("/insert:a:1/header:cache-control:public").await;
        assert_eq!(page.header("cache-control"), Some("no-store"));
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

#[tokio::test]
async fn a_lifetime_of_nothing_is_over_at_once() {
    for subject in stores().await {
        let nothing = std::time::Duration::ZERO;
        let layer = subject
            .layer
            .clone()
            .with_lifetime(Lifetime::new(nothing, nothing));
        let browser = Browser::new(app(&layer));
        assert_eq!(browser.get("/insert:a:1").await.status, StatusCode::OK);
        assert_eq!(browser.get("/get:a").await.text, "none", "{}", subject.name);
    }
}
