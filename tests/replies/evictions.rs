//! A Redis that is full, and may remove what it likes.

use futures::future::join_all;
use http::StatusCode;
use session_test_support::{Browser, Redis, Setup};

use crate::{
    common::app::{App, app},
    site::layer_at,
};

#[tokio::test]
async fn whose_session_redis_evicted_is_a_stranger_who_can_sign_in_and_nothing_fails() {
    let redis = Setup::new()
        .with(&["--maxmemory-policy", "allkeys-lru"])
        .start();
    let layer = layer_at(&redis.url()).await;
    let visitor = || Browser::new(app(&layer));
    let here = join_all((0..50).map(|_| signed_in(visitor()))).await;
    // Room for about half of them.
    let limit = memory(&redis) - 50 * FILLER / 2;
    assert_eq!(
        redis.cli(&["CONFIG", "SET", "maxmemory", &limit.to_string()]),
        "OK"
    );
    let later = join_all((0..10).map(|_| signed_in(visitor()))).await;

    let mut evicted = 0;
    for (browser, id) in here.iter().chain(&later) {
        let page = browser.get("/is_new/get:who").await;
        assert_eq!(page.status, StatusCode::OK);
        if page.text != "false ann" {
            assert_eq!(page.text, "true none");
            let key = format!("session:{id}");
            assert_eq!(redis.cli(&["EXISTS", &key]), "0", "it was evicted");
            evicted += 1;
            let page = browser.get("/sign_in/insert:who:bob/commit/get:who").await;
            assert_eq!((page.status, &*page.text), (StatusCode::OK, "bob"));
        }
    }
    assert!(
        0 < evicted && evicted < here.len() + later.len(),
        "{evicted}"
    );
}

/// Somebody whose session takes some room, and its id.
async fn signed_in(browser: Browser<App>) -> (Browser<App>, String) {
    let filler = "x".repeat(FILLER);
    let page = browser
        .get(&format!(
            "/sign_in/insert:who:ann/insert:filler:{filler}/commit/id"
        ))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    (browser, page.text)
}

fn memory(redis: &Redis) -> usize {
    let memory = redis.cli(&["INFO", "memory"]);
    let mut lines = memory.lines();
    let used = lines.find_map(|it| it.trim_end().strip_prefix("used_memory:"));
    used.unwrap().parse().unwrap()
}

/// In bytes.
const FILLER: usize = 8_000;
