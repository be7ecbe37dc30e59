//! Redis that lacks a command, as some providers of it do, or forgot the script.

use std::error::Error as _;

use http::StatusCode;
use session_test_support::{Redis, Setup};
use tower_session_layer::RedisStore;

use crate::{
    common::{log::Log, visitor::COOKIE},
    site::{tell, visitor_at},
};

#[tokio::test]
async fn a_missing_command_is_told_by_an_event_and_harms_no_cookie() {
    let redis = Setup::new().with(&["--rename-command", "GET", ""]).start();
    let browser = visitor_at(&redis.url()).await;
    let some_token = format!("AAAAAAAAQACAAAAAAAAAAAAA{}", "A".repeat(40));
    browser.jar().set(COOKIE, &some_token);
    let log = Log::start();
    let page = browser.get("/get:a").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.set_cookie(), None);
    let said = log.take();
    assert!(said.contains("ERR unknown command"), "{said}");
}

#[tokio::test]
async fn a_redis_without_scripts_is_refused_at_the_start() {
    for command in ["EVAL", "EVALSHA"] {
        let redis = Setup::new()
            .with(&["--rename-command", command, ""])
            .start();
        let error = RedisStore::connect(&redis.url()).await.unwrap_err();
        let cause = error.source().unwrap();
        assert_eq!(cause.to_string(), "redis answered ERR unknown command");
    }
}

#[tokio::test]
async fn the_script_is_sent_again_when_redis_forgot_it() {
    let redis = Redis::start();
    let browser = visitor_at(&redis.url()).await;
    browser.get("/insert:a:1").await;
    tell(&redis, "SCRIPT FLUSH");
    assert_eq!(browser.get("/update_now:n").await.text, "1");
    assert_eq!(browser.get("/update_now:n/get:a").await.text, "2 1");
    assert_eq!(
        redis.calls("eval"),
        2,
        "once at first, once after the flush"
    );
}
