//! How long a session lives, and what counts as a use of it.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{
    app::{App, app},
    stores::stores,
    visitor::{COOKIE, token},
};
use http::StatusCode;
use session_test_support::{Browser, Clock};
use tower_session_layer::{Lifetime, SessionLayer};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The layer, with a clock that the test moves.
fn clocked(layer: SessionLayer) -> (Clock, SessionLayer) {
    let clock = Clock::new();
    let now = clock.clone();
    let layer = layer.with_clock(move || now.now());
    (clock, layer)
}

fn visitor(layer: &SessionLayer) -> Browser<App> {
    Browser::new(app(layer))
}

/// Proves: asvs_7_3_1, asvs_7_3_2, nist_expiry.
#[tokio::test]
async fn idle_and_absolute_limits_are_enforced_from_the_record() {
    for subject in stores().await {
        let (clock, layer) = clocked(subject.layer.clone());
        let layer = layer.with_lifetime(Lifetime::new(seconds(100), seconds(1000)));
        let browser = visitor(&layer);
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

/// Proves: asvs_7_3_1, asvs_7_3_2, nist_presets.
#[tokio::test]
async fn each_preset_holds_both_limits() {
    let hour = 3_600;
    let rows = [
        (Lifetime::default(), hour / 2, 12 * hour),
        (Lifetime::aal1(), 30 * 24 * hour, 30 * 24 * hour),
        (Lifetime::aal2(), hour, 24 * hour),
        (Lifetime::aal3(), hour / 4, 12 * hour),
        (Lifetime::remembered(), 14 * 24 * hour, 60 * 24 * hour),
    ];
    for subject in stores().await {
        for (lifetime, idle, absolute) in rows {
            assert_eq!(lifetime.idle(), seconds(idle));
            assert_eq!(lifetime.absolute(), seconds(absolute));
            let (clock, layer) = clocked(subject.layer.clone());
            let layer = layer.with_lifetime(lifetime);
            let browser = visitor(&layer);
            browser.get("/insert:a:1").await;
            clock.pass(idle);
            assert_eq!(browser.get("/get:a").await.text, "none", "{lifetime:?}");

            // In use all the time, it ends all the same.
            let browser = visitor(&layer);
            browser.get("/insert:a:1").await;
            let mut left = absolute;
            while left > idle / 2 {
                clock.pass(idle / 2);
                left -= idle / 2;
                let page = browser.get("/get:a/touch").await;
                assert_eq!(page.text, "1", "{}: {lifetime:?}", subject.name);
            }
            clock.pass(left);
            assert_eq!(browser.get("/get:a").await.text, "none", "{lifetime:?}");
        }
    }
}

/// Proves: nist_expiry.
#[tokio::test]
async fn a_cookie_that_outlives_its_session_is_worth_nothing() {
    for subject in stores().await {
        let (clock, layer) = clocked(subject.layer.clone());
        let browser = visitor(&layer);
        browser.get("/sign_in/remember/insert:a:1").await;
        let kept = token(&browser);
        clock.pass(60 * 24 * 3_600);
        browser.jar().set(COOKIE, &kept);
        assert_eq!(
            browser.get("/get:a/is_new").await.text,
            "none true",
            "{}",
            subject.name
        );
    }
}

/// Proves: nist_activity.
#[tokio::test]
async fn a_sign_in_starts_both_limits_anew_and_a_renewal_neither_the_absolute_one() {
    for subject in stores().await {
        for (renewal, seen) in [("sign_in", "1"), ("renew", "none"), ("rotate", "none")] {
            let (clock, layer) = clocked(subject.layer.clone());
            let layer = layer.with_lifetime(Lifetime::new(seconds(100), seconds(150)));
            let browser = visitor(&layer);
            browser.get("/insert:a:1").await;
            clock.pass(90);
            browser.get(&format!("/{renewal}")).await;
            clock.pass(90);
            let page = browser.get("/get:a").await;
            assert_eq!(page.text, seen, "{}: {renewal}", subject.name);
        }
    }
}

/// Proves: asvs_7_5_1, asvs_7_5_3.
#[tokio::test]
async fn the_age_of_an_authentication_can_be_asked() {
    for subject in stores().await {
        let (clock, layer) = clocked(subject.layer.clone());
        let browser = visitor(&layer);
        browser.get("/insert:a:1").await;
        assert_eq!(browser.get("/age").await.text, "None");
        assert_eq!(browser.get("/sign_in/age").await.text, "Some(0ns)");
        clock.pass(300);
        assert_eq!(browser.get("/renew/age").await.text, "Some(300s)");
        clock.pass(60);
        assert_eq!(
            browser.get("/age").await.text,
            "Some(360s)",
            "{}",
            subject.name
        );
        assert_eq!(browser.get("/sign_in/age").await.text, "Some(0ns)");
        assert_eq!(browser.get("/destroy/age").await.text, "None");
    }
}

/// Proves: cookie_remaining.
#[tokio::test]
async fn a_cookie_that_is_sent_later_lasts_for_what_is_left() {
    let day = 86_400;
    for subject in stores().await {
        for (deed, days) in [("renew", 50), ("rotate", 50), ("sign_in", 60)] {
            let (clock, layer) = clocked(subject.layer.clone());
            let browser = visitor(&layer);
            browser.get("/sign_in/remember").await;
            clock.pass(10 * day);
            let page = browser.get(&format!("/{deed}")).await;
            let line = page.set_cookie().unwrap();
            let max_age = format!("; Max-Age={}", days * day);
            assert!(line.ends_with(&max_age), "{}: {deed}: {line}", subject.name);
        }
    }
}

/// But for a rotation, which may be handed out again.
///
/// Proves: cookie_once.
#[tokio::test]
async fn a_token_is_sent_in_one_response_and_never_again() {
    for subject in stores().await {
        let (clock, layer) = clocked(subject.layer.clone());
        let layer = layer.with_lifetime(Lifetime::remembered());
        let browser = visitor(&layer);
        let mut sent = std::collections::HashSet::new();
        let deeds = [
            "insert:a:1",
            "get:a",
            "update:n",
            "renew",
            "touch",
            "remove:a",
            "clear",
            "sign_in",
        ];
        for round in 0..40_u64 {
            let path = format!(
                "/{}/{}",
                deeds[round as usize % 8],
                deeds[round as usize / 5]
            );
            let page = browser.get(&path).await;
            let is_news = page
                .set_cookie()
                .is_none_or(|_| sent.insert(token(&browser)));
            assert!(is_news, "{}: {path}", subject.name);
            let is_due = path.contains("renew") || path.contains("sign_in") || round == 0;
            assert_eq!(
                page.set_cookie().is_some(),
                is_due,
                "{}: {path}",
                subject.name
            );
            clock.pass(round * 3_600);
        }
    }
}

mod passive_requests {
    use super::*;

    /// Every minute one of these, and after 20 minutes the idle limit ends the session.
    async fn ends_under(layer: SessionLayer, polls: [&str; 2]) -> bool {
        let (clock, layer) = clocked(layer);
        let layer = layer
            .with_lifetime(Lifetime::new(seconds(600), seconds(86_400)))
            .with_rotation(seconds(180), seconds(60));
        let browser = visitor(&layer);
        browser.get("/insert:a:1").await;
        for minute in 0..9 {
            clock.pass(60);
            let page = browser.get(polls[minute % 2]).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            assert!(page.text.starts_with('1'), "minute {minute}: {}", page.text);
        }
        clock.pass(60);
        browser.get("/get:a").await.text == "none"
    }

    /// Proves: asvs_7_3_1.
    #[tokio::test]
    async fn leave_the_session_idle_also_where_they_write_and_rotate() {
        let rows = [
            (["/get:a", "/get:a"], false),
            (["/get:a/insert:b:2", "/get:a"], false),
            (["/get:a/mark_passive", "/get:a/mark_passive"], true),
            (
                [
                    "/get:a/mark_passive/insert:b:2",
                    "/get:a/mark_passive/update:n",
                ],
                true,
            ),
            (
                [
                    "/get:a/mark_passive/insert:b:2/commit",
                    "/get:a/mark_passive/clear/insert:a:1",
                ],
                true,
            ),
            (["/get:a/mark_passive/touch", "/get:a/mark_passive"], false),
            (["/get:a/touch/mark_passive", "/get:a/mark_passive"], true),
            (
                ["/get:a/mark_passive/sign_in", "/get:a/mark_passive"],
                false,
            ),
            (["/get:a/mark_passive/renew", "/get:a/mark_passive"], true),
        ];
        for subject in stores().await {
            for (polls, ends) in rows {
                let layer = subject.layer.clone();
                let has_ended = ends_under(layer, polls).await;
                assert_eq!(has_ended, ends, "{}: {polls:?}", subject.name);
            }
        }
    }

    #[tokio::test]
    async fn are_told_by_a_predicate_of_the_layer_and_the_handler_has_the_last_word() {
        let rows = [
            (["/get:a", "/get:a"], true),
            (["/get:a/insert:b:2", "/get:a"], true),
            (["/get:a/touch", "/get:a"], false),
            (["/get:a/keys", "/get:a"], false),
        ];
        for subject in stores().await {
            for (polls, ends) in rows {
                let layer = subject.layer.clone();
                let layer =
                    layer.with_passive_requests(|request| !request.uri.path().ends_with("keys"));
                let has_ended = ends_under(layer, polls).await;
                assert_eq!(has_ended, ends, "{}: {polls:?}", subject.name);
            }
        }
    }

    #[tokio::test]
    async fn are_told_of_lazy_sessions_too() {
        for subject in stores().await {
            for (is_idle, ends) in [(true, true), (false, false)] {
                let layer = subject.layer.clone().lazy();
                let layer = layer.with_passive_requests(move |_| is_idle);
                let (clock, layer) = clocked(layer);
                let browser = visitor(&layer);
                browser.get("/load/insert:a:1").await;
                for _ in 0..2 {
                    clock.pass(15 * 60);
                    browser.get("/load/insert:b:1").await;
                }
                let is_over = browser.get("/load/get:a").await.text == "none";
                assert_eq!(is_over, ends, "{}", subject.name);
            }
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
