//! Clients that hang up while their request is saved: it is finished without them.
#![cfg(feature = "redis")]

use std::time::Duration;

use session_test_support::Redis;
use tokio::time::timeout;

use crate::{
    common::{
        duo::{Duo, Visitor, hang_up},
        visitor::COOKIE,
    },
    gone::visitors,
};

/// Visits `path`, and hangs up once its commit is on its way to Redis, which does not answer. What
/// happens `meanwhile` happens after `path` and before its commit.
async fn dropped_while_saved(
    duo: &Duo,
    redis: &Redis,
    visitor: &Visitor,
    path: &str,
    meanwhile: impl Future<Output = ()>,
) {
    let is_saved = async {
        duo.slow().arrival().await;
        meanwhile.await;
        redis.pause();
        duo.slow().open();
        // From there the request goes on to its commit without waiting for anything.
        duo.places.gate("end").arrival().await;
    };
    let path = format!("{path}/gate:slow/tell:end");
    hang_up(visitor, &path, is_saved).await;
    duo.here.idle().await;
    redis.resume();
}

/// Asks until `path` says what is expected.
async fn assert_becomes(visitor: &Visitor, path: &str, expected: &str, after: &str) {
    let becomes = async { while visitor.get(path).await.text != expected {} };
    if timeout(Duration::from_secs(5), becomes).await.is_err() {
        let text = visitor.get(path).await.text;
        panic!("after {after}, {path} says {text:?} and never {expected:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_while_it_is_saved_is_saved_as_a_whole() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    let rows = [
        (
            "/insert:b:2/insert:c:3/remove:a",
            "/keys/is_new",
            "b,c false",
        ),
        ("/update:n/take:b", "/keys/get:n", "c,n 1"),
        ("/sign_in/insert:d:4", "/keys/is_new", " true"),
    ];
    for [here, there] in visitors(&duo).await {
        for (path, seen, expected) in rows {
            dropped_while_saved(&duo, &redis, &here, path, async {}).await;
            assert_becomes(&there, seen, expected, path).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_that_is_dropped_while_it_is_saved_happens() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        dropped_while_saved(&duo, &redis, &here, "/destroy", async {}).await;
        assert_becomes(&there, "/is_new", "true", "a log-out").await;
        assert!(
            there.jar().get(COOKIE).is_some(),
            "the browser was not told"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_meets_another_one_is_finished_without_its_client() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        let meanwhile = async {
            there.get("/update:n").await;
        };
        let path = "/update:n/insert:b:2";
        dropped_while_saved(&duo, &redis, &here, path, meanwhile).await;
        assert_becomes(&there, "/get:n/get:b", "2 2", "two increments").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_script_redis_forgot_is_finished_without_its_client() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        let meanwhile = async {
            let _ = redis.cli(&["SCRIPT", "FLUSH"]);
        };
        dropped_while_saved(&duo, &redis, &here, "/insert:b:2", meanwhile).await;
        assert_becomes(&there, "/keys", "a,b", "an insert").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_happens_though_its_client_hangs_up_while_it_is_handled() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        let path = "/destroy/insert:b:2/gate:slow";
        hang_up(&here, path, duo.slow().arrival()).await;
        assert_becomes(&there, "/keys/is_new", " true", "a log-out").await;
    }
}
