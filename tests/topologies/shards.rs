//! A shard whose primary is out of reach, before another one has taken over: the others go on.

use std::time::{Duration, Instant};

use http::StatusCode;
use session_test_support::{Browser, Fault, Proxy, Redis};
use tower_session_layer::SessionLayer;

use crate::{
    common::app::app,
    load::{Load, tell},
    site::Site,
};

/// What happens to it.
type Fate = (&'static str, fn(&Redis, &Proxy));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_out_of_reach_is_felt_on_its_shard_alone() {
    let rows: [Fate; 3] = [
        ("gone, and its address swallows", |primary, network| {
            network.begin(Fault::Closed);
            primary.kill();
        }),
        ("cut off", |_, network| network.begin(Fault::BlackHole)),
        ("stopped", |primary, _| primary.pause()),
    ];
    for (name, befall) in rows {
        let site = Site::start(0);
        let store = site.store().await;
        let on = async |tag: &str| {
            let store = store.clone().with_prefix(format!("session:{tag}:"));
            Load::begin(&SessionLayer::new(store)).await
        };
        let (primary, network) = site.primary_of("{a}");
        let is_elsewhere = |tag: &&str| site.primary_of(tag).0.address() != primary.address();
        let elsewhere = ["{b}", "{c}", "{d}"].into_iter().find(is_elsewhere);
        let (_lost, sound) = (on("{a}").await, on(elsewhere.unwrap()).await);
        sound.succeeds().await;
        befall(primary, network);
        let befallen = Instant::now();
        sound.goes_on(VISITS).await;
        let report = sound.end(befallen).await;
        tell(&format!("elsewhere | {name}"), &report);
        // Nearly all of them fail where the client waits for the lost one. None does otherwise, unless
        // the machine has too much to do to elect another primary in time.
        let failed = report.failed_reads + report.failed_writes;
        assert!(failed * 4 < report.requests, "{name}: {report:?}");
        assert_eq!(report.lost, 0, "{name}: {report:?}");
        assert!(report.longest < DEADLINE, "{name}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn primaries_that_are_far_away_are_reached_all_the_same() {
    let site = Site::start(0);
    // Connecting takes two turns, and another one with TLS.
    let far = Fault::Latency(Duration::from_millis(60));
    for tags in [&["{a}"][..], &["{a}", "{b}", "{c}"]] {
        for tag in tags {
            site.primary_of(tag).1.begin(far);
        }
        let store = site.store().await;
        for tag in tags {
            let store = store.clone().with_prefix(format!("session:{tag}:"));
            let visitor = Browser::new(app(&SessionLayer::new(store)));
            let page = visitor.get("/insert:a:1").await;
            assert_eq!(page.status, StatusCode::OK, "{tag} of {tags:?}");
            assert_eq!(visitor.get("/get:a").await.text, "1", "{tag} of {tags:?}");
        }
    }
}

/// Three seconds long.
const VISITS: usize = 600;

/// That of the store.
const DEADLINE: Duration = Duration::from_secs(1);
