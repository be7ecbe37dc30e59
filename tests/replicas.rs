//! Commits that wait for replicas.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use std::{path::PathBuf, time::Duration};

use bb8::Pool;
use common::{
    app::{App, app},
    visitor::{COOKIE, with_pause},
};
use futures::future::{join, join_all};
use http::StatusCode;
use session_test_support::{Browser, Fault, Proxy, Redis, Setup, server, wait_until};
use tokio::time::timeout;
use tower_session_layer::{
    RedisStore, SessionLayer,
    store::redis::{Connector, Watched},
};

/// A server with a replica, and an app whose commits wait for it.
struct Site {
    primary: Redis,
    network: Proxy,
    replica: Redis,
    layer: SessionLayer,
}

impl Site {
    async fn start(deadline: Duration) -> Self {
        Self::with("redis-server".into(), deadline).await
    }

    async fn with(server: PathBuf, deadline: Duration) -> Self {
        let replicated = Setup::new().with_server(&server).with_port();
        let primary = replicated
            .with(&["--repl-diskless-sync-delay", "0"])
            .start();
        let port = primary.address().port().to_string();
        let replica = Setup::new()
            .with_server(server)
            .with(&["--replicaof", "127.0.0.1", &port])
            .start();
        wait_until("the replica is online", || {
            let replication = primary.cli(&["INFO", "replication"]);
            replication.contains("state=online")
        });
        // What it is sent from then on it does not get before it has answered for the first time.
        let _ = primary.cli(&["SET", "followed", "yes"]);
        wait_until("the replica follows", || {
            replica.cli(&["GET", "followed"]) == "yes"
        });
        let _ = primary.cli(&["DEL", "followed"]);
        let network = Proxy::to(&primary);
        let connector = Connector::open(&network.url()).unwrap();
        let waiting = Pool::builder()
            .max_size(4)
            .build(Watched::new(connector.clone()));
        let store = RedisStore::connect_to(connector).await.unwrap();
        let store = store.with_deadline(deadline);
        let store = store.wait_for_replicas(1, waiting.await.unwrap());
        Self {
            layer: SessionLayer::new(store),
            network,
            primary,
            replica,
        }
    }

    fn visitor(&self) -> Browser<App> {
        Browser::new(app(&self.layer))
    }
}

#[tokio::test]
async fn what_is_answered_as_saved_is_on_a_replica() {
    let site = Site::start(Duration::from_secs(60)).await;
    let browser = site.visitor();
    for path in ["/insert:a:1", "/update_now:n", "/sign_in", "/insert:b:2"] {
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
        let key = site.primary.cli(&["KEYS", "*"]);
        let copies = [&site.primary, &site.replica].map(|it| it.cli(&["--raw", "GET", &key]));
        assert_eq!(copies[0], copies[1], "{path}");
    }
    assert_eq!(site.primary.calls("wait"), 4, "one for each commit");
    assert_eq!(browser.get("/get:a").await.text, "1");
    assert_eq!(site.primary.calls("wait"), 4, "and none for a load");
}

#[tokio::test]
async fn without_its_replica_a_commit_fails_and_loads_go_on() {
    let site = Site::start(Duration::from_secs(1)).await;
    let browser = site.visitor();
    browser.get("/insert:a:1").await;
    let cookie = browser.jar().get(COOKIE);
    site.replica.pause();
    for _ in 0..5 {
        let page = browser.get("/insert:a:2").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(page.set_cookie(), None);
    }
    // It is no outage: what Redis has is shown, although it may not last.
    assert_eq!(browser.get("/get:a").await.text, "2");
    assert_eq!(browser.jar().get(COOKIE), cookie);
    site.replica.resume();
    let is_saved = async { while browser.get("/insert:a:3").await.status != StatusCode::OK {} };
    let is_saved = tokio::time::timeout(Duration::from_secs(30), is_saved).await;
    is_saved.expect("commits succeed once the replica follows again");
}

#[tokio::test]
async fn who_waits_for_a_replica_holds_up_no_load() {
    let site = Site::start(Duration::from_secs(60)).await;
    let browser = site.visitor();
    browser.get("/insert:a:1").await;
    site.replica.pause();
    let commits = join_all((0..4).map(|_| browser.get("/insert:b:1")));
    let meanwhile = async {
        let waiting = || {
            site.primary
                .cli(&["INFO", "clients"])
                .contains("blocked_clients:4")
        };
        let all_wait = async {
            while !waiting() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), all_wait).await.unwrap();
        for _ in 0..50 {
            assert_eq!(browser.get("/get:a").await.text, "1");
        }
        assert!(waiting(), "still");
        site.replica.resume();
    };
    let (answers, ()) = join(commits, meanwhile).await;
    assert!(answers.iter().all(|it| it.status == StatusCode::OK));
}

#[tokio::test]
async fn a_commit_that_is_sent_again_on_another_connection_waits_for_what_the_first_one_wrote() {
    for name in ["redis-server".into(), server("valkey")] {
        let site = Site::with(name.clone(), Duration::from_secs(2)).await;
        let browser = site.visitor();
        browser.get("/insert:a:1").await;
        for (path, status) in [("/wait/insert:a:2", 503), ("/wait/destroy", 503)] {
            let page = with_pause(&browser, path, async || {
                site.replica.pause();
                // It says that the commit happened, and no more.
                site.network.next(1, Fault::CutReply(usize::MAX));
            });
            assert_eq!(page.await.status, status, "{name:?}: {path}");
            assert!(site.network.has_befallen(), "{name:?}: {path}");
            site.replica.resume();
        }
    }
}
