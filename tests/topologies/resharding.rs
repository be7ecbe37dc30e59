//! Slots move under load, and nobody notices.

use std::time::{Duration, Instant};

use session_test_support::Cluster;
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

/// Once around, and further.
const MOVES: usize = 6;

/// A busy machine is no fault of the store.
const PATIENCE: Duration = Duration::from_secs(10);
