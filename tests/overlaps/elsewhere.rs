//! The same races where Redis is more than one server.
#![cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]

use futures::future::{FutureExt as _, LocalBoxFuture, join_all};
use session_test_support::{Cluster, Sentinels};
use tower_session_layer::SessionLayer;

use crate::{
    at_once,
    common::{
        connectors::{ENDLESS, on, through},
        duo::Duo,
        race::race_on,
        stores::Subject,
    },
    log_outs, sign_ins, writers,
};

/// Two servers behind Sentinels, and two on a cluster.
struct Elsewhere {
    sentinels: Sentinels,
    cluster: Cluster,
}

impl Elsewhere {
    /// The requests of each race wait for each other at places of their own.
    async fn duos(&self) -> Vec<Duo> {
        let subjects = [
            Subject::through("sentinel", &through(&self.sentinels)).await,
            Subject::through("cluster", &on(&self.cluster, "")).await,
        ];
        let serve = |subject| Duo::serve(subject, SessionLayer::clone);
        join_all(subjects.map(serve)).await
    }

    fn race<'a>(
        &'a self,
        name: &'static str,
        rounds: usize,
        round: impl AsyncFn(&Duo, usize) + 'a,
    ) -> LocalBoxFuture<'a, ()> {
        async move { race_on(self.duos().await, name, rounds, round).await }.boxed_local()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_and_on_a_cluster_the_races_end_as_they_do_elsewhere() {
    let elsewhere = Elsewhere {
        sentinels: Sentinels::start(ENDLESS),
        cluster: Cluster::start(0, ENDLESS),
    };
    let races = [
        elsewhere.race("different keys", 20, writers::different_keys),
        elsewhere.race("increments", 10, writers::fifty_increments),
        elsewhere.race("slow requests and log-outs", 2, log_outs::slow_requests),
        elsewhere.race("requests and log-outs", 20, log_outs::racing_requests),
        elsewhere.race("slow log-outs", 2, log_outs::slow_log_outs),
        elsewhere.race("sign-ins at once", 5, at_once::sign_ins),
        elsewhere.race("late requests", 2, at_once::late_requests),
        elsewhere.race("late log-outs", 2, at_once::late_log_outs),
        elsewhere.race("slow requests and sign-ins", 2, sign_ins::slow_requests),
        elsewhere.race("sign-out and sign-in", 2, sign_ins::switches),
    ];
    join_all(races).await;
}
