//! Whose session it is, on every store.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{
    app::{app, said},
    stores::stores,
    visitor::{COOKIE, token},
};
use session_test_support::Browser;
use tower_session_layer::{SessionCookie, SessionErrorKind};

/// The same length, another secret.
fn forged(token: &str) -> String {
    let flipped = if token.ends_with('A') { 'B' } else { 'A' };
    format!("{}{flipped}", &token[..63])
}

/// Proves: asvs_7_2_1.
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

/// Proves: asvs_7_2_2, asvs_7_2_3, rfc6265bis_c1.
#[tokio::test]
async fn every_sign_in_has_an_id_and_a_secret_of_its_own() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        let (mut ids, mut secrets) = (HashSet::new(), HashSet::new());
        let mut ones = [0; 256];
        for _ in 0..1_000 {
            browser.jar().set(COOKIE, "");
            browser.get("/sign_in").await;
            let token = token(&browser);
            assert_eq!(token.len(), 64);
            let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            let secret = &bytes[16..];
            assert_eq!(8 * secret.len(), 256);
            for (bit, ones) in ones.iter_mut().enumerate() {
                *ones += u32::from(secret[bit / 8] >> (bit % 8) & 1);
            }
            assert!(ids.insert(bytes[..16].to_vec()), "{}", subject.name);
            assert!(secrets.insert(secret.to_vec()), "{}", subject.name);
        }
        // Of a thousand fair coins 500 show heads, give or take seven times the deviation.
        assert!(
            ones.iter().all(|ones| (390..610).contains(ones)),
            "{ones:?}"
        );
    }
}

/// Proves: asvs_7_2_4.
#[tokio::test]
async fn a_sign_in_kills_the_old_token_and_keeps_the_session() {
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

/// Proves: asvs_7_4_1, rfc6265bis_c5, http_h1.
#[tokio::test]
async fn a_destroyed_session_is_over_for_every_copy_of_its_cookie() {
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
