//! Commits on a cluster that wait for replicas.

use bb8::Pool;
use http::StatusCode;
use session_test_support::{Browser, Cluster, Redis};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Watched};

use crate::common::{
    app::app,
    connectors::{ENDLESS, on},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_waits_for_the_replicas_of_its_own_primary_and_no_others() {
    let cluster = Cluster::start(1, ENDLESS);
    let here = cluster.primary_of("{a}");
    let mut tags = ["{b}", "{c}", "{d}", "{e}", "{f}"].into_iter();
    let is_elsewhere = |tag: &&str| cluster.primary_of(tag).address() != here.address();
    let elsewhere = tags.find(is_elsewhere).unwrap();
    let line = format!("master_port:{}", here.address().port());
    let follows_another = |it: &&Redis| {
        let replication = it.cli(&["INFO", "replication"]);
        replication.contains("role:slave") && !replication.contains(&line)
    };
    cluster
        .nodes()
        .iter()
        .filter(follows_another)
        .for_each(Redis::kill);

    let waiting = Pool::builder().max_size(2);
    let waiting = waiting.build(Watched::cluster(on(&cluster, ""))).await;
    let store = RedisStore::connect_to(on(&cluster, "")).await.unwrap();
    let store = store.wait_for_replicas(1, waiting.unwrap());
    let rows = [
        ("{a}", StatusCode::OK),
        (elsewhere, StatusCode::SERVICE_UNAVAILABLE),
        ("{a}", StatusCode::OK),
    ];
    for (tag, status) in rows {
        let layer = SessionLayer::new(store.clone().with_prefix(tag));
        let page = Browser::new(app(&layer)).get("/insert:a:1").await;
        assert_eq!(page.status, status, "{tag}");
    }
}
