//! Clients that hang up before there is anything to save: nothing happened.
#![cfg(feature = "redis")]

use session_test_support::{Browser, Redis};

use crate::common::duo::{Duo, Visitor, hang_up};

/// Visitors with a session in which `a` is 1, here by either version of HTTP, and there.
pub(super) async fn visitors(duo: &Duo) -> Vec<[Visitor; 2]> {
    let mut visitors = Vec::new();
    for wire in [duo.here.wire(), duo.here.wire_of_http2()] {
        let here = Browser::new(wire);
        here.get("/insert:a:1").await;
        let there = here.at(duo.there.wire());
        visitors.push([here, there]);
    }
    visitors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_while_its_session_is_loaded_never_happens() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        for path in ["/insert:b:2", "/sign_in", "/destroy", "/update_now:n"] {
            let before = redis.dump();
            redis.pause();
            hang_up(&here, path, duo.here.busy()).await;
            duo.here.idle().await;
            redis.resume();
            assert_eq!(there.get("/keys").await.text, "a", "{path}");
            assert!(redis.dump() == before, "{path} changed something");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_while_it_is_handled_saves_nothing() {
    let redis = Redis::start();
    let duo = Duo::on(&redis).await;
    for [here, there] in visitors(&duo).await {
        for path in [
            "/insert:b:2",
            "/sign_in/renew",
            "/update:n/take:a",
            "/clear",
        ] {
            let before = redis.dump();
            let slow = format!("{path}/gate:slow");
            hang_up(&here, &slow, duo.slow().arrival()).await;
            duo.here.idle().await;
            assert_eq!(there.get("/keys").await.text, "a", "{path}");
            assert!(redis.dump() == before, "{path} changed something");
        }
        let path = "/insert:b:2/commit/insert:c:3/gate:slow";
        hang_up(&here, path, duo.slow().arrival()).await;
        duo.here.idle().await;
        let keys = there.get("/keys").await.text;
        assert_eq!(keys, "a,b", "what was committed stays");
    }
}
