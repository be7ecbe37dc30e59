//! Ways to Redis where it is more than one server.

use std::time::Duration;

use redis::{
    cluster::ClusterClient,
    sentinel::{SentinelClient, SentinelServerType},
};
use session_test_support::{Cluster, Sentinels};
use tower_session_layer::store::redis::Connector;

/// Asks Sentinels for the primary.
pub(crate) fn through(sentinels: &Sentinels) -> Connector {
    let name = String::from(Sentinels::NAME);
    let client = SentinelClient::build(sentinels.urls(), name, None, SentinelServerType::Master);
    client.unwrap().into()
}

/// Finds its way on a cluster, as this user: `""`, or `name:password@`.
pub(crate) fn on(cluster: &Cluster, user: &str) -> Connector {
    Connector::cluster(ClusterClient::builder(cluster.urls(user))).unwrap()
}

/// Nobody is replaced because a busy machine was slow.
pub(crate) const ENDLESS: Duration = Duration::from_secs(60);
