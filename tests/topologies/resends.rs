//! Commits on a cluster that have no reply are sent again, and happen once.

use std::time::Duration;

use futures::future::join;
use http::StatusCode;
use redis::cluster::ClusterClient;
use session_test_support::{Browser, Cluster, Fault, Page, Proxy};
use tokio::{sync::oneshot, time::sleep};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Connector};

use crate::common::{
    app::{App, app},
    connectors::ENDLESS,
    visitor::with_pause,
};

/// A cluster whose nodes are reached through networks that can fail.
struct Site {
    cluster: Cluster,
    networks: Vec<Proxy>,
}

impl Site {
    fn start() -> Self {
        let cluster = Cluster::start(0, ENDLESS);
        let networks: Vec<_> = cluster.nodes().iter().map(Proxy::to).collect();
        let ports: Vec<_> = networks.iter().map(Proxy::port).collect();
        cluster.announce(&ports);
        Self { cluster, networks }
    }

    /// A visitor of a server that has connections of its own.
    async fn visitor(&self) -> Browser<App> {
        let urls: Vec<_> = self.networks.iter().map(Proxy::url).collect();
        let connector = Connector::cluster(ClusterClient::builder(urls)).unwrap();
        let store = RedisStore::connect_to(connector).await.unwrap();
        Browser::new(app(&SessionLayer::new(store)))
    }

    /// The network between the servers and this visitor's session.
    async fn network_of(&self, visitor: &Browser<App>) -> &Proxy {
        let key = format!("session:{}", visitor.get("/id").await.text);
        let keys = |number: &usize| {
            let node = &self.cluster.nodes()[*number];
            node.cli(&["KEYS", "*"]).lines().any(|it| it == key)
        };
        let number = (0..self.networks.len()).find(keys);
        &self.networks[number.unwrap()]
    }
}

/// Visits a path whose commit happens without a reply, and is sent again after what happens
/// `meanwhile`.
async fn sent_again(
    network: &Proxy,
    visitor: &Browser<App>,
    path: &str,
    meanwhile: impl AsyncFnOnce(),
) -> Page {
    let path = format!("/wait{path}");
    let (armed, armed_too) = oneshot::channel();
    let visit = with_pause(visitor, &path, async || {
        network.next(1, Fault::CutReply(0));
        network.begin(Fault::Closed);
        armed.send(()).unwrap();
    });
    let meanwhile = async {
        armed_too.await.unwrap();
        while !network.has_befallen() {
            sleep(Duration::from_millis(1)).await;
        }
        meanwhile().await;
        network.end();
    };
    join(visit, meanwhile).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_cut_happens_once() {
    let site = Site::start();
    for path in ["/update:n", "/update_now:n"] {
        let visitor = site.visitor().await;
        visitor.get("/number:n:1").await;
        let network = site.network_of(&visitor).await;
        let page = sent_again(network, &visitor, path, async || {}).await;
        assert_eq!(
            page.status,
            StatusCode::OK,
            "{path}: it is known to be saved"
        );
        let seen = visitor.get("/get_number:n").await.text;
        assert_eq!(seen, "Some(2)", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_sent_again_does_not_undo_what_came_between() {
    let site = Site::start();
    // Each leads back to where the commit came from: values alone do not tell.
    let rows = [("/update:n", "/number:n:1"), ("/number:n:2", "/number:n:1")];
    for (path, meanwhile) in rows {
        let visitor = site.visitor().await;
        visitor.get("/number:n:1").await;
        let network = site.network_of(&visitor).await;
        let other = visitor.at(site.visitor().await.service().clone());
        other.get("/").await;
        let between = async || {
            let page = other.get(meanwhile).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: the other is saved");
        };
        let page = sent_again(network, &visitor, path, between).await;
        let seen = other.get("/get_number:n").await.text;
        assert_eq!(seen, "Some(1)", "{path} was answered {}", page.status);
    }
}
