//! Sentinels of which one is out of reach.

use std::time::{Duration, Instant};

use bb8::ManageConnection as _;
use futures::future::join_all;
use redis::sentinel::{SentinelClient, SentinelServerType};
use session_test_support::{Fault, Proxy, Sentinels};
use tower_session_layer::store::redis::Connector;

use crate::common::connectors::ENDLESS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_whose_address_swallows_is_waited_for_once_by_all_who_connect() {
    let sentinels = Sentinels::start(ENDLESS);
    // Nobody is let in: a connection is made, and nothing is ever said on it.
    let silent = Proxy::to(sentinels.primary());
    silent.begin(Fault::Closed);
    let mut urls = vec![silent.url()];
    urls.extend(sentinels.urls());
    let name = String::from(Sentinels::NAME);
    let client = SentinelClient::build(urls, name, None, SentinelServerType::Master);
    let connector = Connector::from(client.unwrap());
    for round in ["the first time", "again"] {
        let begun = Instant::now();
        let connections = join_all((0..8).map(|_| connector.connect())).await;
        let took = begun.elapsed();
        assert!(connections.iter().all(Result::is_ok), "{round}");
        assert!(took < SECONDS, "{round}: {took:?}");
    }
}

/// What the client gives each Sentinel is one; a busy machine has as much again.
const SECONDS: Duration = Duration::from_secs(2);
