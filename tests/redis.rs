//! The Redis store on a real server: commands, keys, secrets.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bb8_redis::RedisConnectionManager;
use common::{
    app::app,
    visitor::{COOKIE, layer_on, visitor_on},
};
use session_test_support::{Browser, Redis};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Watched};

#[tokio::test]
async fn a_read_is_one_command_and_a_write_one_more() {
    const REQUESTS: u64 = 1000;
    let redis = Redis::start();
    let (stranger, eager) = (visitor_on(&redis).await, visitor_on(&redis).await);
    let lazy = eager.at(app(&layer_on(&redis).await.lazy()));
    let malformed = visitor_on(&redis).await;
    malformed.jar().set(COOKIE, "malformed");
    eager.get("/insert:a:1").await;
    let rows = [
        ("no cookie", &stranger, "/get:a", 0, 0),
        ("malformed", &malformed, "/get:a", 0, 0),
        ("untouched", &eager, "/", REQUESTS, 0),
        ("read", &eager, "/get:a", REQUESTS, 0),
        ("lazy, untouched", &lazy, "/", 0, 0),
        ("lazy, read", &lazy, "/load/get:a", REQUESTS, 0),
        ("write", &eager, "/insert:a:2", REQUESTS, REQUESTS),
        ("update", &eager, "/update:n", REQUESTS, REQUESTS),
    ];
    for (name, browser, path, loads, commits) in rows {
        let _ = redis.cli(&["CONFIG", "RESETSTAT"]);
        for _ in 0..REQUESTS {
            browser.get(path).await;
        }
        // A script's own GET and SET are counted as well.
        let gets = redis.calls("get") - redis.calls("evalsha");
        let sets = redis.calls("set");
        assert_eq!(
            (gets, redis.calls("evalsha"), sets),
            (loads, commits, commits),
            "{name}"
        );
        let needless = redis.calls("ping") + redis.calls("eval") + redis.calls("expire");
        assert_eq!(needless, 0, "{name}");
    }
}

/// Proves: asvs_16_2_5.
#[tokio::test]
async fn redis_holds_no_secret() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/sign_in/insert:a:1").await;
    let first = browser.jar().get(COOKIE).unwrap();
    browser.get("/renew/insert:b:2").await;
    let second = browser.jar().get(COOKIE).unwrap();
    let key = redis.cli(&["KEYS", "*"]);
    assert_eq!(key, format!("session:{}", browser.get("/id").await.text));
    let dump = redis.cli(&["--no-raw", "GET", &key]);
    assert!(
        dump.contains("\\x01a\\x00\\x00\\x00\\x03\\\"1\\\""),
        "the dump is readable: {dump}"
    );
    for token in [first, second] {
        let secret = &URL_SAFE_NO_PAD.decode(&token).unwrap()[16..];
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let escaped: String = secret.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let raw: String = secret.escape_ascii().to_string();
        for form in [&token[24..], &hex, &escaped, &raw] {
            assert!(!dump.contains(form));
        }
    }
}

/// Proves: asvs_7_4_1.
#[tokio::test]
async fn a_record_is_forgotten_when_nobody_can_use_it_any_more() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/insert:a:1").await;
    let key = redis.cli(&["KEYS", "*"]);
    let time_to_live = || redis.cli(&["PTTL", &key]).parse::<i64>().unwrap();
    let minutes = |minutes: i64| minutes * 60_000 - 10_000..=minutes * 60_000;
    assert!(
        minutes(31).contains(&time_to_live()),
        "idle limit and slack"
    );
    browser.get("/insert:a:2").await;
    assert!(minutes(31).contains(&time_to_live()));
    browser.get("/sign_in/remember").await;
    assert!(minutes(14 * 24 * 60 + 1).contains(&time_to_live()));
    browser.get("/destroy").await;
    assert!(minutes(1).contains(&time_to_live()), "a tombstone");
    assert_eq!(redis.cli(&["STRLEN", &key]), "168");
}

#[tokio::test]
async fn two_servers_and_two_prefixes_on_one_redis() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/insert:a:1").await;
    let other = browser.at(app(&layer_on(&redis).await));
    assert_eq!(other.get("/get:a").await.text, "1");
    let store = RedisStore::connect(&redis.url())
        .await
        .unwrap()
        .with_prefix("other:");
    let elsewhere = browser.at(app(&SessionLayer::new(store)));
    assert_eq!(elsewhere.get("/get:a").await.text, "none");
}

#[tokio::test]
async fn a_pool_of_the_users_own_serves_as_well() {
    let redis = Redis::start();
    let manager = || RedisConnectionManager::new(redis.url()).unwrap();
    let plain = bb8::Pool::builder()
        .max_size(1)
        .build(manager())
        .await
        .unwrap();
    let watched = bb8::Pool::builder()
        .max_size(1)
        .build(Watched::new(manager()))
        .await
        .unwrap();
    let browser = Browser::new(app(&SessionLayer::new(RedisStore::new(plain))));
    browser.get("/insert:a:1").await;
    let other = browser.at(app(&SessionLayer::new(RedisStore::new(watched))));
    assert_eq!(other.get("/get:a").await.text, "1");
}

#[tokio::test]
async fn an_unusable_url_is_an_error_that_says_so() {
    let address = session_test_support::free_address();
    let rows = [
        ("", "this is not a url that redis can be reached at"),
        (
            "http://localhost",
            "this is not a url that redis can be reached at",
        ),
        (
            "localhost:6379",
            "this is not a url that redis can be reached at",
        ),
        (&format!("redis://{address}"), "redis cannot be reached"),
        ("unix:///nonexistent/socket", "redis cannot be reached"),
    ];
    for (url, expected) in rows {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{url}");
        assert!(std::error::Error::source(&error).is_some(), "{url}");
    }
}
