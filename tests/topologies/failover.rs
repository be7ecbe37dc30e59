//! The primary dies under load: service returns by itself, and nothing happens twice.
//!
//! Redis promises to keep what it acknowledged only as long as its primary lives: how many writes
//! are lost with it is counted, and nothing else is said about it.

use std::{
    env,
    time::{Duration, Instant},
};

use bb8::Pool;
use session_test_support::{Cluster, Redis, Sentinels, wait_until};
use tower_session_layer::{
    RedisStore, SessionLayer,
    store::redis::{Connector, Watched},
};

use crate::{
    common::connectors::{on, through},
    load::{Load, Report, tell},
};

/// What happens to the primary.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It is killed.
    Killed,
    /// It loses its replicas, takes orders for a while, and is killed.
    CutOffAndKilled,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_returns_by_itself_when_sentinels_replace_a_primary_that_was_killed() {
    for_each_round("sentinel", async |replicas, fate| {
        let sentinels = Sentinels::start(SOON);
        let primary = sentinels.primary();
        let connector = through(&sentinels);
        let watched = Watched::new(connector.clone());
        let store = store(connector, replicas, watched).await;
        let report = under_load(store, primary, fate).await;
        wait_until("there is another primary", || {
            sentinels.primary().address() != primary.address()
        });
        report
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_returns_by_itself_when_a_primary_of_a_cluster_was_killed() {
    for_each_round("cluster", async |replicas, fate| {
        let cluster = Cluster::start(replicas_of_a_primary(replicas), SOON);
        let connector = on(&cluster, "");
        let watched = Watched::cluster(connector.clone());
        let store = store(connector, replicas, watched).await;
        let report = under_load(store, cluster.primary_of("session:"), fate).await;
        cluster.settle();
        report
    })
    .await;
}

/// Kills a primary whose commits wait for so many replicas; with `FAILOVERS` in the environment as
/// often as it says, in each way there is, which prints a table as well.
async fn for_each_round(name: &str, round: impl AsyncFn(u32, Fate) -> Report) {
    let rounds = env::var("FAILOVERS").ok().map(|it| it.parse().unwrap());
    let rows = match rounds {
        None => &[(0, Fate::Killed), (1, Fate::CutOffAndKilled)][..],
        Some(_) => &[
            (0, Fate::Killed),
            (1, Fate::Killed),
            (0, Fate::CutOffAndKilled),
            (1, Fate::CutOffAndKilled),
        ],
    };
    for (replicas, fate) in rows {
        for number in 0..rounds.unwrap_or(1) {
            let report = round(*replicas, *fate).await;
            tell(
                &format!("{name} | {fate:?} | {replicas} | {number}"),
                &report,
            );
            assert!(report.longest < HUNG, "nothing hangs: {report:?}");
            if *replicas > 0 {
                assert_eq!(report.lost, 0, "a replica has what was saved: {report:?}");
            }
        }
    }
}

/// A store whose commits wait for so many replicas.
async fn store(connector: Connector, replicas: u32, watched: Watched<Connector>) -> RedisStore {
    let store = RedisStore::connect_to(connector).await.unwrap();
    if replicas == 0 {
        return store;
    }
    let waiting = Pool::builder().max_size(16).build(watched).await;
    store.wait_for_replicas(replicas, waiting.unwrap())
}

/// After a primary was lost there has to be one to wait for beside the one that took over.
fn replicas_of_a_primary(waited_for: u32) -> usize {
    1 + usize::try_from(waited_for).unwrap()
}

async fn under_load(store: RedisStore, primary: &Redis, fate: Fate) -> Report {
    let load = Load::begin(&SessionLayer::new(store)).await;
    load.succeeds().await;
    if matches!(fate, Fate::CutOffAndKilled) {
        primary.cut_off_replicas();
        load.goes_on(100).await;
    }
    primary.kill();
    let killed = Instant::now();
    load.succeeds().await;
    load.end(killed).await
}

/// How long a primary may be silent.
const SOON: Duration = Duration::from_millis(500);

/// Many times the deadline of the store.
const HUNG: Duration = Duration::from_secs(10);
