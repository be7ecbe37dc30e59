//! TLS and RESP3 where Redis is more than one server, and authorities that nobody trusts.

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, TlsCertificates, TlsMode,
    cluster::ClusterClient,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};
use session_test_support::{Certificates, Cluster, Sentinels, Setup};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Connector};

use crate::{
    common::connectors::ENDLESS,
    everywhere::{clients, tell},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_leads_to_every_topology_and_never_past_an_authority_that_is_not_trusted() {
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let server = Setup::new().with_tls(&ours, false).start();
    let sentinels = Sentinels::start_with_tls(&ours);
    let cluster = Cluster::start_with_tls(&ours);
    let connectors = |trusted: &Certificates| {
        let url = server.url_over_tcp("");
        let client = Client::build_with_tls(url, authority(trusted)).unwrap();
        let sentinel = builder(&sentinels)
            .set_client_to_sentinel_certificates(authority(trusted))
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(authority(trusted));
        let cluster = ClusterClient::builder(cluster.urls("")).certs(authority(trusted));
        [
            ("server", Connector::from(client)),
            ("sentinel", sentinel.build().unwrap().into()),
            ("cluster", Connector::cluster(cluster).unwrap()),
        ]
    };
    for (name, connector) in connectors(&ours) {
        serves(name, connector).await;
    }
    for (name, connector) in connectors(&theirs) {
        let error = RedisStore::connect_to(connector).await.unwrap_err();
        let said = format!("{error:?}");
        assert!(said.contains("invalid peer certificate"), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resp3_is_spoken_with_every_topology() {
    let sentinels = Sentinels::start(ENDLESS);
    let sentinel = builder(&sentinels).set_client_to_redis_protocol(ProtocolVersion::RESP3);
    let _store = serves("sentinel", sentinel.build().unwrap().into()).await;
    assert!(clients(sentinels.primary(), "resp=3"));

    let cluster = Cluster::start(0, ENDLESS);
    let client = ClusterClient::builder(cluster.urls(""));
    let client = client.use_protocol(ProtocolVersion::RESP3);
    let _store = serves("cluster", Connector::cluster(client).unwrap()).await;
    assert!(cluster.nodes().iter().all(|it| clients(it, "resp=3")));
}

async fn serves(name: &str, connector: Connector) -> RedisStore {
    let store = RedisStore::connect_to(connector).await;
    let store = store.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    tell(name, &SessionLayer::new(store.clone())).await;
    store
}

fn builder(sentinels: &Sentinels) -> SentinelClientBuilder {
    let address = |url: String| -> ConnectionAddr {
        let info = url.into_connection_info().unwrap();
        info.addr().clone()
    };
    let addresses = sentinels.urls().into_iter().map(address);
    let master = SentinelServerType::Master;
    SentinelClientBuilder::new(addresses, Sentinels::NAME, master).unwrap()
}

fn authority(certificates: &Certificates) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: Some(certificates.read("authority.pem")),
    }
}
