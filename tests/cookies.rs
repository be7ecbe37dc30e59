//! What responses say about the session cookie, and what requests can do with theirs.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use common::{
    app::{App, app},
    log::Log,
    stores::Map,
    visitor::COOKIE,
};
use http::{HeaderMap, Method, header::SET_COOKIE};
use session_test_support::{Browser, Page};
use tower_session_layer::{Lifetime, SameSite, SessionCookie, SessionLayer, SiteData};

fn layer() -> SessionLayer {
    SessionLayer::new(Map::default())
}

fn visitor(layer: &SessionLayer) -> Browser<App> {
    Browser::new(app(layer))
}

fn cookies_of(page: &Page) -> Vec<&str> {
    let lines = page.headers.get_all(SET_COOKIE).iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

/// Proves: rfc6265bis_c4, http_h1.
#[tokio::test]
async fn what_the_service_says_about_the_session_cookie_gives_way_to_ours() {
    let log = Log::start();
    let browser = visitor(&layer());
    let page = browser
        .get(
            "/header:set-cookie:__Host-id=mine/header:set-cookie:a=b\
             /header:set-cookie:__Host-id+;Path=/header:set-cookie:__Host-id2=c\
             /header:cache-control:public/insert:a:1",
        )
        .await;
    let cookies = cookies_of(&page);
    assert_eq!(cookies[..2], ["a=b", "__Host-id2=c"]);
    assert_eq!(cookies.len(), 3);
    assert!(
        log.take()
            .contains("the service set the session cookie itself")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let browser_has = browser.jar().get(COOKIE).unwrap();
    assert!(cookies[2].starts_with(&format!("{COOKIE}={browser_has};")));
    assert_eq!(browser.get("/get:a").await.text, "1");
}

#[tokio::test]
async fn without_news_of_ours_the_service_says_what_it_likes() {
    let page = visitor(&layer())
        .get("/header:set-cookie:__Host-id=mine")
        .await;
    assert_eq!(cookies_of(&page), ["__Host-id=mine"]);
    assert_eq!(page.header("cache-control"), None);
}

/// Proves: http_h3.
#[tokio::test]
async fn vary_names_the_cookie_once_and_only_where_the_session_was_used() {
    let browser = visitor(&layer());
    browser.get("/insert:a:1").await;
    let rows = [
        ("/", ""),
        ("/header:vary:accept", "accept"),
        ("/get:a", "cookie"),
        ("/get:a/header:vary:accept", "accept, cookie"),
        ("/get:a/header:vary:Cookie", "Cookie"),
        ("/get:a/header:vary:accept,+COOKIE", "accept, COOKIE"),
        ("/get:a/header:vary:*", "*"),
        ("/get:a/header:vary:cookie-like", "cookie-like, cookie"),
        ("/insert:a:2", "cookie"),
    ];
    for (path, expected) in rows {
        assert_eq!(
            all(&browser.get(path).await.headers, "vary"),
            expected,
            "{path}"
        );
    }
}

fn all(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|it| it.to_str().unwrap())
        .collect();
    values.join(", ")
}

/// Proves: asvs_3_3_1, asvs_3_3_2, rfc6265bis_c5, chips_p1.
#[tokio::test]
async fn a_cookie_is_removed_with_every_attribute_that_it_was_issued_with() {
    let cookies = [
        SessionCookie::builder("__Secure-a")
            .domain("example.com")
            .path("/b"),
        SessionCookie::builder("__Host-a")
            .same_site(SameSite::None)
            .partitioned(),
        SessionCookie::builder("a")
            .insecure_plain_http()
            .same_site(SameSite::Strict),
    ];
    for cookie in cookies {
        let cookie = cookie.build().unwrap();
        let shape = cookie.to_string();
        let browser = visitor(&layer().with_cookie(cookie));
        let issued = browser.get("/insert:a:1").await;
        let (name, attributes) = shape.split_once('=').unwrap();
        let token = browser.jar().get(name).unwrap();
        assert_eq!(cookies_of(&issued), [format!("{name}={token}{attributes}")]);
        let removed = browser.get("/destroy").await;
        let removal = format!("{shape}; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(cookies_of(&removed), [removal]);
        assert_eq!(removed.header("cache-control"), Some("no-store"));
    }
}

/// Proves: rfc6265bis_c7.
#[tokio::test]
async fn a_persistent_cookie_lasts_as_long_as_the_session_and_400_days_at_most() {
    use std::time::Duration;
    let day = Duration::from_secs(86_400);
    for (absolute, max_age) in [
        (60 * day, 60 * 86_400),
        (1_000 * day, 400 * 86_400),
        (Duration::from_millis(300), 1),
    ] {
        // A clock that stands still.
        let lifetime = Lifetime::new(day, absolute).persistent();
        let now = std::time::SystemTime::now();
        let layer = layer().with_lifetime(lifetime).with_clock(move || now);
        let page = visitor(&layer).get("/insert:a:1").await;
        let line = page.set_cookie().unwrap();
        assert!(line.ends_with(&format!("; Max-Age={max_age}")), "{line}");
    }
}

/// Proves: asvs_14_2_1.
#[tokio::test]
async fn a_token_in_the_url_or_in_a_form_is_nothing() {
    let layer = layer();
    let browser = visitor(&layer);
    browser.get("/insert:a:1").await;
    let token = browser.jar().get(COOKIE).unwrap();
    let thief = visitor(&layer);
    let body = format!("{COOKIE}={token}");
    let mut request = thief.request(Method::POST, &format!("/get:a?{body}"));
    *request.body_mut() = Bytes::from(body.clone()).into();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
        .headers_mut()
        .insert("x-cookie", body.parse().unwrap());
    assert_eq!(thief.send(request).await.text, "none");
}

/// Proves: asvs_14_3_1.
#[tokio::test]
async fn the_end_of_a_session_clears_what_the_browser_keeps_if_that_is_wanted() {
    let all = [SiteData::Cache, SiteData::Cookies, SiteData::Storage];
    let plain = layer();
    let clearing = layer().with_clear_site_data(all);
    let cookies = layer().with_clear_site_data([SiteData::Cookies]);
    let (everything, but_cookies) = (r#""cache", "cookies", "storage""#, r#""cache", "storage""#);
    let rows = [
        (&plain, "/destroy", None),
        (&clearing, "/destroy", Some(everything)),
        (&clearing, "/insert:b:2/destroy", Some(everything)),
        (&clearing, "/destroy/insert:flash:bye", Some(but_cookies)),
        (
            &clearing,
            "/destroy/commit/insert:flash:bye/sign_in",
            Some(but_cookies),
        ),
        (&clearing, "/destroy/status:500", Some(everything)),
        (&cookies, "/destroy", Some(r#""cookies""#)),
        (&cookies, "/destroy/insert:flash:bye", None),
        (&clearing, "/get:a", None),
        (&clearing, "/sign_in", None),
        (&clearing, "/rotate", None),
    ];
    for (layer, path, expected) in rows {
        let browser = visitor(layer);
        browser.get("/insert:a:1").await;
        let page = browser.get(path).await;
        assert_eq!(page.header("clear-site-data"), expected, "{path}");
        let nobody = visitor(layer).get("/destroy").await;
        assert_eq!(
            nobody.header("clear-site-data"),
            None,
            "there was no session"
        );
    }
}

/// Proves: asvs_7_1_1.
#[test]
fn what_is_configured_can_be_printed() {
    let hour = std::time::Duration::from_secs(3_600);
    let layer = layer()
        .with_cookie(SessionCookie::builder("__Host-shop").build().unwrap())
        .with_lifetime(Lifetime::aal2())
        .with_rotation(hour, hour / 60)
        .with_max_size(1_000)
        .with_clear_site_data([SiteData::Cache])
        .save_failed_requests();
    let printed = format!("{layer:?}");
    for part in [
        "__Host-shop=; HttpOnly; SameSite=Lax; Secure; Path=/",
        "idle: 3600s, absolute: 86400s, persistent: false",
        "max_len: 1000",
        "rotate_every: Some(3600s), grace: 60s",
        "saves_failed_requests: true",
        "passes_refused_responses: false",
        "allows_cross_site_beginnings: false",
        "cache",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}
