//! What a visitor sees, on every store.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{App, Gate, app, said},
    stores::stores,
};
use futures::future::{join, join_all};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use session_test_support::{Browser, Clock, Page};
use tower_session_layer::{Lifetime, SessionCookie, SessionErrorKind};

const COOKIE: &str = "__Host-id";

fn token(browser: &Browser<App>) -> String {
    browser.jar().get(COOKIE).unwrap()
}

/// The same length, another secret.
fn forged(token: &str) -> String {
    let flipped = if token.ends_with('A') { 'B' } else { 'A' };
    format!("{}{flipped}", &token[..63])
}

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
async fn a_client_never_chooses_an_identity() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let right = token(&browser);
        let id = browser.get("/id").await.text;
        let unknown = format!("AAAAAAAAQACAAAAAAAAAAAAA{}", &right[24..]);
        for wrong in [
            forged(&right),
            unknown,
            right[1..].to_owned(),
            String::new(),
        ] {
            browser.jar().set(COOKIE, &wrong);
            let page = browser.get("/get:a/id").await;
            assert_eq!(page.text, "none none", "{}: {wrong}", subject.name);
            assert_eq!(page.set_cookie(), None, "a wrong token is left alone");
            browser.get("/destroy").await;
            browser.get("/insert:a:mine").await;
            assert_ne!(token(&browser), wrong, "{}", subject.name);
            assert_ne!(browser.get("/id").await.text, id, "{}", subject.name);
        }
        browser.jar().set(COOKIE, &right);
        assert_eq!(
            browser.get("/get:a/id").await.text,
            format!("1 {id}"),
            "no harm was done"
        );
    }
}

#[tokio::test]
async fn asvs_15_3_7_different_session_cookies_make_a_request_anonymous() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let mut request = browser.request(Method::GET, "/get:a");
        let other = format!("{COOKIE}={}", forged(&token(&browser)));
        request
            .headers_mut()
            .append("cookie", other.parse().unwrap());
        let page = browser.send(request).await;
        assert_eq!(
            (&*page.text, page.set_cookie()),
            ("none", None),
            "{}",
            subject.name
        );
    }
}

#[tokio::test]
async fn asvs_7_2_4_a_sign_in_kills_the_old_token_and_keeps_the_session() {
    for subject in stores().await {
        for renewal in ["sign_in", "renew"] {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            let (old, id) = (token(&browser), browser.get("/id").await.text);
            let page = browser.get(&format!("/{renewal}/insert:b:2")).await;
            assert!(page.set_cookie().is_some(), "{}: {renewal}", subject.name);
            assert_ne!(token(&browser), old);
            let authenticated = renewal == "sign_in";
            let expected = format!("1 2 {id} {authenticated}");
            assert_eq!(
                browser.get("/get:a/get:b/id/is_authenticated").await.text,
                expected
            );
            browser.jar().set(COOKIE, &old);
            assert_eq!(
                browser.get("/get:a/is_new").await.text,
                "none true",
                "{}",
                subject.name
            );
        }
    }
}

#[tokio::test]
async fn asvs_7_4_1_a_destroyed_session_is_over_for_every_copy_of_its_cookie() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/sign_in/insert:a:1").await;
        let old = token(&browser);
        let page = browser.get("/insert:b:2/destroy/is_new").await;
        assert_eq!(page.text, "true");
        let removal = "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; \
                       Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(page.set_cookie(), Some(removal), "{}", subject.name);
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(browser.jar().get(COOKIE), None);
        browser.jar().set(COOKIE, &old);
        assert_eq!(
            browser.get("/get:a/is_authenticated").await.text,
            "none false"
        );
    }
}

#[tokio::test]
async fn what_follows_a_destroy_belongs_to_a_new_session() {
    for subject in stores().await {
        let rows = [
            ("/destroy/insert:b:2", "none 2"),
            ("/destroy/sign_in", "none none"),
            ("/commit/destroy/commit/insert:b:2/commit", "none 2"),
            (
                "/insert:b:1/commit/destroy/insert:b:2/destroy/insert:b:3",
                "none 3",
            ),
        ];
        for (path, seen) in rows {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            let (old, id) = (token(&browser), browser.get("/id").await.text);
            let page = browser.get(path).await;
            assert!(page.set_cookie().is_some(), "{}: {path}", subject.name);
            assert_eq!(
                browser.get("/get:a/get:b").await.text,
                seen,
                "{}: {path}",
                subject.name
            );
            assert_ne!(browser.get("/id").await.text, id);
            browser.jar().set(COOKIE, &old);
            assert_eq!(
                browser.get("/id").await.text,
                "none",
                "{}: {path}",
                subject.name
            );
        }
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
async fn a_remembered_session_has_a_cookie_that_outlives_the_browser() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let page = browser.get("/remember").await;
        assert_eq!(page.text, said(SessionErrorKind::NeedsRenewal));
        let page = browser.get("/sign_in/remember").await;
        let max_age = page.set_cookie().unwrap().split("Max-Age=").nth(1).unwrap();
        let max_age: u64 = max_age.parse().unwrap();
        let sixty_days = 60 * 24 * 60 * 60;
        assert!(
            (sixty_days - 5..=sixty_days).contains(&max_age),
            "{}: {max_age}",
            subject.name
        );
        let page = Browser::new(app(&subject.layer))
            .get("/remember/insert:a:1")
            .await;
        assert!(page.set_cookie().unwrap().contains("Max-Age="));
    }
}

#[tokio::test]
async fn fifty_overlapping_increments_make_fifty() {
    for subject in stores().await {
        let (one, two) = (app(&subject.layer), app(&subject.layer));
        let browser = Browser::new(one);
        browser.get("/insert:a:1").await;
        for (path, total) in [("/update:n", 50), ("/update_now:n", 100)] {
            let browsers = [browser.clone(), browser.at(two.clone())];
            let visits = (0..50).map(|visit| browsers[visit % 2].get(path));
            let pages = join_all(visits).await;
            assert!(
                pages.iter().all(|page| page.status == StatusCode::OK),
                "{}",
                subject.name
            );
            assert_eq!(
                browser.get("/get:n").await.text,
                total.to_string(),
                "{}",
                subject.name
            );
            if path.contains("now") {
                let mut counts: Vec<u64> = pages
                    .iter()
                    .map(|page| page.text.parse().unwrap())
                    .collect();
                counts.sort_unstable();
                assert_eq!(
                    counts,
                    Vec::from_iter(51..=100),
                    "each count is returned once"
                );
            }
        }
    }
}

#[tokio::test]
async fn overlapping_writers_of_different_keys_all_survive() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let paths: Vec<_> = ('a'..='z')
            .map(|key| format!("/insert:{key}:{key}"))
            .collect();
        join_all(paths.iter().map(|path| browser.get(path))).await;
        let keys = browser.get("/keys").await.text;
        assert_eq!(
            keys,
            Vec::from_iter(('a'..='z').map(String::from)).join(","),
            "{}",
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
async fn plain_http_gets_a_cookie_without_secure_only_where_asked_for() {
    for subject in stores().await {
        let layer = subject
            .layer
            .clone()
            .with_cookie(SessionCookie::insecure_plain_http());
        let browser = Browser::new(app(&layer));
        let page = browser.get("/insert:a:1").await;
        assert!(!page.set_cookie().unwrap().contains("Secure"));
        assert!(browser.jar().get("id").is_some());
        assert_eq!(browser.get("/get:a").await.text, "1");
    }
}

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

#[tokio::test]
async fn a_log_out_wins_against_a_slow_writer() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/sign_in/insert:a:1").await;
        let old = token(&browser);
        let page = overlap(&browser, "/insert:b:2/wait", None, "/destroy").await;
        assert_eq!(
            (page.status, page.set_cookie()),
            (StatusCode::CONFLICT, None)
        );
        browser.jar().set(COOKIE, &old);
        assert_eq!(
            browser.get("/keys/is_new").await.text,
            " true",
            "{}",
            subject.name
        );
    }
}

#[tokio::test]
async fn a_late_response_does_not_undo_a_sign_in() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get("/insert:a:1").await;
        let page = overlap(&browser, "/get:a/wait", None, "/sign_in").await;
        assert_eq!((page.status, page.set_cookie()), (StatusCode::OK, None));
        assert_eq!(
            browser.get("/is_authenticated").await.text,
            "true",
            "{}",
            subject.name
        );
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
