//! The same races where Redis is more than one server, and an owner is on another than the session.
#![cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]

use std::time::Duration;

use session_test_support::Cluster;
use tower_session_layer::{AtLimit, RedisStore, SessionLayer};

use crate::{
    common::{
        connectors::{ENDLESS, on},
        duo::Duo,
        race::race_on,
        stores::Subject,
    },
    finality, limits, scale,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster_the_races_end_as_they_do_elsewhere() {
    let cluster = Cluster::start(0, ENDLESS);
    let duo = async |configure: fn(&SessionLayer) -> SessionLayer| {
        let subject = Subject::through("cluster", &on(&cluster, "")).await;
        vec![Duo::serve(subject, configure).await]
    };
    race_on(
        duo(SessionLayer::clone).await,
        "revocations",
        20,
        finality::racing_requests,
    )
    .await;
    let evicting = duo(|layer| {
        layer
            .clone()
            .with_sessions_per_owner(3, AtLimit::EvictOldest)
    });
    race_on(evicting.await, "evictions", 3, limits::evictions).await;
    let refusing = duo(|layer| layer.clone().with_sessions_per_owner(3, AtLimit::Refuse));
    race_on(refusing.await, "refusals", 3, limits::refusals).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster_lists_are_exact_among_many_and_very_many_end() {
    let cluster = Cluster::start(0, ENDLESS);
    let store = RedisStore::connect_to(on(&cluster, "")).await.unwrap();
    let layer = SessionLayer::new(store.with_deadline(Duration::from_secs(30)));
    scale::lists_and_revocation(&layer).await;
}
