//! What a session takes in Redis.
//!
//! `SESSIONS=20000 cargo test --all-features --test capacity -- --nocapture` prints the table of
//! `docs/operations.md`.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use common::visitor::visitor_on;
use session_test_support::{Browser, Redis};

use crate::common::app::App;

/// Bytes of entries, and at most how many bytes of Redis a session with them takes.
const TABLE: [(usize, u64); 4] = [(100, 520), (300, 730), (2_000, 3_000), (16_000, 18_500)];

#[tokio::test]
async fn a_session_takes_no_more_memory_than_documented() {
    let sessions = std::env::var("SESSIONS").map_or(1_000, |count| count.parse().unwrap());
    println!("| entries | bytes of Redis | sessions per GiB | `GET` | script |");
    println!("|---:|---:|---:|---:|---:|");
    for (entries, most) in TABLE {
        let redis = Redis::start();
        let browser = visitor_on(&redis).await;
        browser.get(&path(entries)).await;
        let before = used_memory(&redis);
        for _ in 0..sessions {
            let browser = Browser::new(browser.service().clone());
            assert_eq!(browser.get(&path(entries)).await.status, 200);
        }
        let each = (used_memory(&redis) - before) / sessions;
        let per_gib = (1 << 30) / each;
        let (get, script) = times(&redis, &browser).await;
        println!("| {entries} B | {each} | {per_gib} | {get} µs | {script} µs |");
        assert!(each <= most, "{entries} bytes of entries: {each}");
    }
}

/// Begins a session with one entry of this many bytes: its key, its value in quotes, two lengths.
fn path(entries: usize) -> String {
    format!("/insert:data:{}", "x".repeat(entries - 4 - 2 - 5))
}

fn used_memory(redis: &Redis) -> u64 {
    let memory = redis.cli(&["INFO", "memory"]);
    let line = memory
        .lines()
        .find_map(|it| it.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

/// What a load and a commit keep Redis busy for, in microseconds.
async fn times(redis: &Redis, browser: &Browser<App>) -> (String, String) {
    let time = async |path, command| {
        let _ = redis.cli(&["CONFIG", "RESETSTAT"]);
        for _ in 0..1_000 {
            browser.get(path).await;
        }
        redis.statistic(command, "usec_per_call").unwrap()
    };
    (
        time("/get:data", "get").await,
        time("/update:n", "evalsha").await,
    )
}
