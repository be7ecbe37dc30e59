//! Slots move under load, and nobody notices.

use std::time::{Duration, Instant};

use session_test_support::{Cluster, Redis};
use tower_session_layer::{RedisStore, SessionLayer};

use crate::{
    common::connectors::{ENDLESS, on},
    load::{Load, tell},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_while_its_slot_moves_from_node_to_node() {
    let cluster = Cluster::start(0, ENDLESS);
    let store = RedisStore::connect_to(on(&cluster, "")).await.unwrap();
    // All sessions are in one slot: the one that moves.
    let store = store
        .with_prefix("session:{moved}:")
        .with_deadline(PATIENCE);
    let load = Load::begin(&SessionLayer::new(store)).await;
    let begun = Instant::now();
    for _ in 0..MOVES {
        load.succeeds().await;
        cluster.move_slot_of("{moved}");
    }
    load.succeeds().await;
    let report = load.end(begun).await;
    tell("a slot moves", &report);
    let harm = (report.failed_reads, report.failed_writes, report.lost);
    assert_eq!(harm, (0, 0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_no_slot_yet_is_waited_for_by_who_moves_there_and_nobody_else() {
    let mut cluster = Cluster::start(0, ENDLESS);
    let store = RedisStore::connect_to(on(&cluster, "")).await.unwrap();
    let moved = ["{moved}", "{too}"];
    let stays = ["{a}", "{b}", "{c}", "{d}"].into_iter();
    let is_elsewhere =
        |it: &&str| cluster.primary_of(it).address() != cluster.primary_of(moved[0]).address();
    let stays = stays.clone().find(is_elsewhere).unwrap();
    let on = async |tag: &str, deadline| {
        let store = store.clone().with_prefix(format!("session:{tag}:"));
        Load::begin(&SessionLayer::new(store.with_deadline(deadline))).await
    };
    let moving = [on(moved[0], PATIENCE).await, on(moved[1], PATIENCE).await];
    let staying = on(stays, DEADLINE).await;
    let begun = Instant::now();
    let _ = cluster.grow();
    let new = cluster.nodes().last().unwrap();
    for (tag, load) in moved.into_iter().zip(&moving) {
        let on_its_way = cluster.begin_to_move(tag, new);
        // Half of the visitors.
        for _ in 0..20 {
            assert!(on_its_way.move_a_key());
        }
        let before = connections(cluster.primary_of(stays));
        staying.goes_on(100).await;
        let since = connections(cluster.primary_of(stays)) - before;
        assert!(
            since < 10,
            "{since}: nobody connects anew while it is waited"
        );
        on_its_way.end();
        load.succeeds().await;
    }
    for (name, load) in ["first", "second", "elsewhere"]
        .into_iter()
        .zip(moving.into_iter().chain([staying]))
    {
        let report = load.end(begun).await;
        tell(&format!("to a new node | {name}"), &report);
        let harm = (report.failed_reads, report.failed_writes, report.lost);
        assert_eq!(harm, (0, 0, 0), "{name}: {report:?}");
    }
}

/// How many connections it was asked for so far, our own ones included.
fn connections(redis: &Redis) -> u64 {
    let stats = redis.cli(&["INFO", "stats"]);
    let mut lines = stats.lines();
    let count = lines.find_map(|it| it.trim_end().strip_prefix("total_connections_received:"));
    count.unwrap().parse().unwrap()
}

/// Once around, and further.
const MOVES: usize = 6;

/// A busy machine is no fault of the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// That of the store.
const DEADLINE: Duration = Duration::from_secs(1);
