//! A cluster whose nodes are reached through networks that can fail.

use redis::cluster::ClusterClient;
use session_test_support::{Browser, Cluster, Proxy, Redis};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Connector};

use crate::common::{
    app::{App, app},
    connectors::ENDLESS,
};

/// Three primaries, their replicas, and a network before each of them.
pub(super) struct Site {
    cluster: Cluster,
    networks: Vec<Proxy>,
}

impl Site {
    pub(super) fn start(replicas: usize) -> Self {
        let cluster = Cluster::start(replicas, ENDLESS);
        let networks: Vec<_> = cluster.nodes().iter().map(Proxy::to).collect();
        let ports: Vec<_> = networks.iter().map(Proxy::port).collect();
        cluster.announce(&ports);
        Self { cluster, networks }
    }

    pub(super) fn connector(&self) -> Connector {
        let urls: Vec<_> = self.networks.iter().map(Proxy::url).collect();
        Connector::cluster(ClusterClient::builder(urls)).unwrap()
    }

    /// That of a server with connections of its own.
    pub(super) async fn store(&self) -> RedisStore {
        RedisStore::connect_to(self.connector()).await.unwrap()
    }

    /// A visitor of a server that has connections of its own.
    pub(super) async fn visitor(&self) -> Browser<App> {
        Browser::new(app(&SessionLayer::new(self.store().await)))
    }

    /// The network between the servers and this visitor's session.
    pub(super) async fn network_of(&self, visitor: &Browser<App>) -> &Proxy {
        let id = visitor.get("/id").await.text;
        self.primary_of(&format!("session:{id}")).1
    }

    /// Who has this key, and the network before it.
    pub(super) fn primary_of(&self, key: &str) -> (&Redis, &Proxy) {
        let mut nodes = self.cluster.nodes().iter().zip(&self.networks);
        let has_it = |(node, _): &(&Redis, _)| !node.cli(&["GET", key]).starts_with("MOVED");
        nodes.find(has_it).unwrap()
    }
}
