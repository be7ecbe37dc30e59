//! What a session has room for.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{app, said},
    stores::stores,
    visitor::with_pause,
};
use http::StatusCode;
use session_test_support::Browser;
use tower_session_layer::SessionErrorKind;

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

/// The numbers are those of the docs of `with_max_size` and `with_max_entry_size`.
#[tokio::test]
async fn what_fits_to_the_byte_fits() {
    // Five, the key, the value and its quotes.
    let entry = |key: &str, len: usize| format!("/insert:{key}:{}", "x".repeat(len - 8));
    for subject in stores().await {
        let default = subject.layer.clone();
        let rows = [
            (default.clone(), entry("a", 65_536 - 177), true),
            (default.clone(), entry("a", 65_536 - 176), false),
            (
                default.clone().with_max_size(1_000),
                entry("a", 1_000 - 177),
                true,
            ),
            (
                default.clone().with_max_size(1_000),
                entry("a", 1_000 - 176),
                false,
            ),
            (
                default.clone().with_max_entry_size(100),
                entry("a", 100),
                true,
            ),
            (
                default.clone().with_max_entry_size(100),
                entry("a", 101),
                false,
            ),
            (
                default.with_max_entry_size(100),
                entry("a", 100) + &entry("b", 100),
                true,
            ),
        ];
        for (layer, path, fits) in rows {
            let browser = Browser::new(app(&layer));
            let page = browser.get(&format!("/insert:z:1{path}")).await;
            let text = if fits {
                String::new()
            } else {
                said(SessionErrorKind::TooLarge)
            };
            assert_eq!(page.text, text, "{}: {layer:?}", subject.name);
            assert_eq!(browser.get("/get:z").await.text, "1", "nothing is lost");
            assert_eq!(browser.get("/contains:a").await.text, fits.to_string());
        }
    }
}

#[tokio::test]
async fn a_session_over_its_limits_shrinks_and_does_not_grow() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser.get(&format!("/insert:a:{}", "x".repeat(500))).await;
        let long = |len: usize| format!("/insert:a:{}/insert:b:1", "x".repeat(len));
        for layer in [
            subject.layer.clone().with_max_size(400),
            subject.layer.clone().with_max_entry_size(400),
        ] {
            let browser = browser.at(app(&layer));
            assert_eq!(
                browser.get(&long(501)).await.text,
                said(SessionErrorKind::TooLarge)
            );
            let page = browser.get(&long(499)[..509]).await;
            assert_eq!(
                (page.status, &*page.text),
                (StatusCode::OK, ""),
                "{}",
                subject.name
            );
            browser.get(&format!("/insert:a:{}", "x".repeat(499))).await;
            browser
                .at(app(&subject.layer))
                .get(&format!("/insert:a:{}", "x".repeat(500)))
                .await;
        }
    }
}

#[tokio::test]
async fn an_entry_may_shrink_beside_an_update_that_is_made_again() {
    for subject in stores().await {
        let browser = Browser::new(app(&subject.layer));
        browser
            .get(&format!("/insert:a:{}/number:n:1", "x".repeat(500)))
            .await;
        let limited = browser.at(app(&subject.layer.clone().with_max_entry_size(400)));
        let elsewhere = browser.at(app(&subject.elsewhere));
        let path = format!("/insert:a:{}/update:n/wait", "x".repeat(450));
        let page = with_pause(&limited, &path, async || {
            elsewhere.get("/number:n:5").await;
        });
        assert_eq!(page.await.status, StatusCode::OK, "{}", subject.name);
        assert_eq!(browser.get("/get_number:n").await.text, "Some(6)");
    }
}

/// An update that is made again on the value of another request may then be too large.
#[tokio::test]
async fn an_update_that_outgrows_its_entry_when_made_again_is_a_conflict() {
    for subject in stores().await {
        let layer = subject
            .layer
            .clone()
            .with_max_entry_size(5 + "n".len() + "10".len());
        let browser = Browser::new(app(&layer));
        let elsewhere = browser.at(app(&subject.elsewhere));
        browser.get("/number:n:8").await;
        let page = with_pause(&browser, "/update:n/number:b:1/wait", async || {
            elsewhere.get("/number:n:99").await;
        });
        assert_eq!(page.await.status, StatusCode::CONFLICT, "{}", subject.name);
        let seen = elsewhere.get("/get_number:n/get_number:b").await.text;
        assert_eq!(seen, "Some(99) None", "{}: nothing is lost", subject.name);
        assert_eq!(elsewhere.get("/number:n:8").await.status, StatusCode::OK);
        let page = with_pause(&browser, "/update:n/wait", async || {
            elsewhere.get("/number:n:9").await;
        });
        assert_eq!(page.await.status, StatusCode::OK, "ten fits");
    }
}
