//! A server that is killed between two writes: what lives is listed all the same, and what is listed
//! lives.
#![cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]

use std::{collections::BTreeSet, env, process::Stdio, time::Duration};

use bb8_redis::redis::{Client, Commands as _, cluster::ClusterClient};
use serde_json::Value;
use session_test_support::{Browser, Clock, Cluster, Redis};
use tokio::process::Command;
use tower_session_layer::{
    AtLimit, RedisStore, SessionId, SessionLayer,
    store::{inspect, redis::Connector},
};

use crate::{
    common::{
        app::app,
        connectors::ENDLESS,
        visitor::{COOKIE, token},
    },
    fuse::Fuse,
    site::{ids, sorted},
};

/// What a server is killed at, and what its visitor did before.
const DEEDS: [(&str, &str); 10] = [
    ("/", "/sign_in/owner:ann"),
    ("/insert:a:1", "/sign_in/owner:ann"),
    ("/sign_in/owner:ann", "/sign_in/owner:ann"),
    ("/sign_in/owner:ann", "/sign_in/owner:bob"),
    (
        "/sign_in/owner:ann",
        "/renew/owner:bob/commit/sign_in/owner:ann",
    ),
    ("/sign_in/owner:ann", "/renew/remember"),
    ("/sign_in/owner:ann", "/destroy"),
    ("/sign_in/owner:ann", "/destroy/sign_in/owner:ann"),
    ("/sign_in/owner:ann", "/limited"),
    ("/sign_in/owner:ann", "/revoke_all"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_between_writes_leaves_nobody_unlisted_and_no_ghost() {
    let redis = Redis::start();
    let site = Site::new(&[&redis], "redis").await;
    site.play().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_between_writes_to_two_nodes_of_a_cluster_does_neither() {
    let cluster = Cluster::start(0, ENDLESS);
    let nodes: Vec<_> = cluster.nodes().iter().collect();
    let site = Site::new(&nodes, "cluster").await;
    cluster.announce(&site.fuse.ports);
    site.play().await;
}

/// Where servers are killed.
struct Site<'a> {
    nodes: Vec<&'a Redis>,
    fuse: Fuse,
    kind: &'static str,
}

impl<'a> Site<'a> {
    async fn new(nodes: &[&'a Redis], kind: &'static str) -> Self {
        Self {
            nodes: nodes.to_vec(),
            fuse: Fuse::to(nodes).await,
            kind,
        }
    }

    async fn play(&self) {
        let layer = layer_at(self.kind, &self.fuse.urls()).await;
        for (before, deed) in DEEDS {
            // All of them, until one is over before it is killed.
            let mut commands = 0;
            while self.kill_after(commands, &layer, before, deed).await {
                commands += 1;
                assert!(commands < 100, "{deed} does not end");
            }
            assert!(commands > 1, "{deed} was killed in between");
        }
    }

    /// Kills a server at its next command after so many, and looks at what is left. `false` if it was
    /// done by then.
    async fn kill_after(
        &self,
        commands: usize,
        layer: &SessionLayer,
        before: &str,
        deed: &str,
    ) -> bool {
        let case = format!("{}: {before} {deed}, killed after {commands}", self.kind);
        for node in &self.nodes {
            assert_eq!(node.cli(&["FLUSHALL"]), "OK");
        }
        let visitor = Browser::new(app(layer));
        visitor.get(before).await;
        for _ in 0..2 {
            Browser::new(app(layer)).get("/sign_in/owner:ann").await;
        }
        let cookie = visitor.jar().get(COOKIE).unwrap_or_default();
        let mut server = self.server(deed, &cookie);
        self.fuse.lasts_for(commands);
        let mut server = server.spawn().unwrap();
        let was_killed = tokio::select! {
            ended = server.wait() => {
                assert!(ended.unwrap().success(), "{case}");
                false
            }
            () = self.fuse.blown() => {
                server.kill().await.unwrap();
                true
            }
        };
        self.fuse.lasts_for_ever();
        self.look(layer, &case).await;
        // Whoever was in the middle of it tries again, with the cookie that they have.
        let page = visitor.get(match deed.starts_with("/sign") {
            true => deed,
            false => "/sign_in/owner:ann",
        });
        assert_eq!(page.await.status, 200, "{case}");
        assert_eq!(token(&visitor).len(), 64);
        self.look(layer, &case).await;
        was_killed
    }

    /// What lives is listed, and what is listed lives; and in the end nothing is.
    async fn look(&self, layer: &SessionLayer, case: &str) {
        let clock = Clock::new();
        let later = clock.clone();
        let later = layer.clone().with_clock(move || later.now()).sessions();
        for owner in ["ann", "bob"] {
            let listed = ids(&layer.sessions(), owner).await;
            assert_eq!(listed, self.live_records_of(owner), "{case}: {owner}");
        }
        clock.pass(60 * 24 * 60 * 60 + 1);
        for owner in ["ann", "bob"] {
            assert_eq!(ids(&later, owner).await, [], "{case}: {owner}, after all");
        }
    }

    /// As the records say, one by one.
    fn live_records_of(&self, owner: &str) -> Vec<SessionId> {
        let mut live = BTreeSet::new();
        for node in &self.nodes {
            let mut redis = Client::open(node.url()).unwrap().get_connection().unwrap();
            let keys: Vec<String> = redis.keys("session:????????-*").unwrap();
            for key in keys {
                let record: Vec<u8> = redis.get(&key).unwrap();
                let shown: Value = serde_json::from_str(&inspect(&record).unwrap()).unwrap();
                if shown["state"] == "live" && shown["entries"]["@owner"] == owner {
                    live.insert(key["session:".len()..].parse().unwrap());
                }
            }
        }
        sorted(live)
    }

    /// A server that does one deed and ends.
    fn server(&self, deed: &str, cookie: &str) -> Command {
        let mut server = Command::new(env::current_exe().unwrap());
        server.args(["--exact", "crash::what_is_killed", "--nocapture"]);
        server.env("KILLED_AT", deed).env("KILLED_COOKIE", cookie);
        server.env("KILLED_KIND", self.kind);
        server.env("KILLED_URLS", self.fuse.urls().join(" "));
        server
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        server
    }
}

/// Not a test by itself: the server that the others start and kill.
#[tokio::test]
async fn what_is_killed() {
    let Ok(deed) = env::var("KILLED_AT") else {
        return;
    };
    let variable = |name| env::var(name).unwrap();
    let urls: Vec<_> = variable("KILLED_URLS")
        .split(' ')
        .map(String::from)
        .collect();
    let layer = layer_at(&variable("KILLED_KIND"), &urls).await;
    let visit = async |layer: &SessionLayer, path: &str| {
        let visitor = Browser::new(app(layer));
        let cookie = variable("KILLED_COOKIE");
        if !cookie.is_empty() {
            visitor.jar().set(COOKIE, &cookie);
        }
        assert_eq!(visitor.get(path).await.status, 200);
    };
    match &*deed {
        "/revoke_all" => assert_eq!(layer.sessions().revoke_all("ann").await.unwrap(), 3),
        "/limited" => {
            let limited = layer.with_sessions_per_owner(2, AtLimit::EvictOldest);
            visit(&limited, "/destroy/sign_in/owner:ann").await;
        }
        path => visit(&layer, path).await,
    }
}

async fn layer_at(kind: &str, urls: &[String]) -> SessionLayer {
    let connector = match kind {
        "cluster" => Connector::cluster(ClusterClient::builder(urls.to_vec())).unwrap(),
        _ => Connector::open(&urls[0]).unwrap(),
    };
    let store = RedisStore::connect_to(connector).await.unwrap();
    SessionLayer::new(store.with_deadline(Duration::from_secs(10)))
}
