//! The laws of a store and a visitor's story, on everything that `RedisStore` reaches.

use std::path::PathBuf;

use http::StatusCode;
use redis::{Client, ClientTlsConfig, TlsCertificates};
use session_test_support::{Browser, Certificates, Cluster, Redis, Sentinels, Setup, server};
use tower_session_layer::{
    RedisStore, SessionLayer,
    store::{conformance, redis::Connector},
};

use crate::common::{
    app::app,
    connectors::{ENDLESS, on, through},
    stores::{LEAST_PERMISSIONS, PERMISSIONS_FOR_OWNERS},
    visitor::{COOKIE, token},
};

/// A server, the way to it, and what shows that it was this way.
struct Row {
    name: &'static str,
    redis: Redis,
    connector: Connector,
    trace: fn(&Redis) -> bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_one_server_leads_to_the_same_laws_and_the_same_story() {
    let rows = [
        open("unix socket", Setup::new(), Redis::url, |_| true),
        over_tcp("tcp", "", "", |redis| clients(redis, "addr=127.0.0.1")),
        over_tcp("database 5", "", "/5", |redis| clients(redis, "db=5")),
        over_tcp("resp2", "", "/?protocol=resp2", |redis| {
            clients(redis, "resp=2")
        }),
        over_tcp("resp3", "", "/?protocol=resp3", |redis| {
            clients(redis, "resp=3")
        }),
        least_privilege(),
        tls("tls", false),
        tls("tls, with a certificate of the client", true),
        #[cfg(target_arch = "x86_64")]
        with_server("redis 5, the oldest", server("redis-5")),
        with_server("redis 6.2", server("redis-6.2")),
        with_server("valkey", server("valkey")),
    ];
    for row in rows {
        let name = row.name;
        let store = RedisStore::connect_to(row.connector).await;
        let store = store.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_holds(name, &store).await;
        assert!((row.trace)(&row.redis), "{name}: it was another way");
        assert!(has_both_prefixes(&row.redis), "{name}: what the keys are");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_and_on_a_cluster_are_the_same_laws_and_the_same_story() {
    let sentinels = Sentinels::start(ENDLESS);
    let cluster = Cluster::start(0, ENDLESS);
    for node in cluster.nodes() {
        let user = user().chain(["+ping", "+cluster|slots"]);
        let user: Vec<_> = ["ACL", "SETUSER"].into_iter().chain(user).collect();
        assert_eq!(node.cli(&user), "OK");
    }
    let rows = [
        ("sentinel", through(&sentinels)),
        ("cluster", on(&cluster, "")),
        ("cluster, least privilege", on(&cluster, "app:password@")),
    ];
    for (name, connector) in rows {
        let store = RedisStore::connect_to(connector).await;
        let store = store.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_holds(name, &store).await;
    }
    let sizes = cluster.nodes().iter().map(|it| it.cli(&["DBSIZE"]));
    let sizes: Vec<_> = sizes.collect();
    assert!(
        !sizes.contains(&"0".into()),
        "all nodes have some: {sizes:?}"
    );
}

/// All of it twice: with the usual prefix, and with another one.
async fn assert_holds(name: &str, store: &RedisStore) {
    for store in [
        store.clone(),
        store.clone().with_prefix("session:{elsewhere}:"),
    ] {
        conformance::run(store.clone()).await;
        conformance::run_with_owners(store.clone()).await;
        tell(name, &SessionLayer::new(store)).await;
    }
}

/// Somebody signs in, is counted, and logs out.
pub(super) async fn tell(name: &str, layer: &SessionLayer) {
    let browser = Browser::new(app(layer));
    let page = browser.get("/sign_in/insert:who:ann/update:n").await;
    assert_eq!(page.status, StatusCode::OK, "{name}: sign-in");
    let page = browser.get("/is_authenticated/get:who/update_now:n").await;
    assert_eq!(page.text, "true ann 2", "{name}: what was saved");
    let old = token(&browser);
    let page = browser.get("/destroy").await;
    assert_eq!(page.status, StatusCode::OK, "{name}: log-out");
    assert_eq!(browser.jar().get(COOKIE), None, "{name}: log-out");
    browser.jar().set(COOKIE, &old);
    let page = browser.get("/is_new/get:who").await;
    assert_eq!(page.text, "true none", "{name}: a log-out is final");
}

fn over_tcp(
    name: &'static str,
    user: &'static str,
    rest: &'static str,
    trace: fn(&Redis) -> bool,
) -> Row {
    let url = |redis: &Redis| redis.url_over_tcp(user) + rest;
    open(name, Setup::new().with_port(), url, trace)
}

fn open(
    name: &'static str,
    setup: Setup,
    url: impl FnOnce(&Redis) -> String,
    trace: fn(&Redis) -> bool,
) -> Row {
    let redis = setup.start();
    let connector = Connector::open(&url(&redis)).unwrap();
    Row {
        name,
        redis,
        connector,
        trace,
    }
}

fn least_privilege() -> Row {
    let user: Vec<_> = ["--user"].into_iter().chain(user()).collect();
    let setup = Setup::new().with_port().with(&user);
    let url = |redis: &Redis| redis.url_over_tcp("app:password@");
    open("least privilege", setup, url, |redis| {
        clients(redis, "user=app")
    })
}

fn tls(name: &'static str, is_mutual: bool) -> Row {
    let certificates = Certificates::new();
    let redis = Setup::new().with_tls(&certificates, is_mutual).start();
    let client_tls = is_mutual.then(|| ClientTlsConfig {
        client_cert: certificates.read("client.pem"),
        client_key: certificates.read("client.key"),
    });
    let authority = TlsCertificates {
        client_tls,
        root_cert: Some(certificates.read("authority.pem")),
    };
    let client = Client::build_with_tls(redis.url_over_tcp(""), authority);
    Row {
        name,
        redis,
        connector: client.unwrap().into(),
        trace: |redis| clients(redis, "addr=127.0.0.1"),
    }
}

fn with_server(name: &'static str, server: PathBuf) -> Row {
    let setup = Setup::new().with_server(server);
    open(name, setup, Redis::url, |_| true)
}

/// Whether there are sessions at the usual prefix and at the other one, in whichever database.
fn has_both_prefixes(redis: &Redis) -> bool {
    let has = |pattern: &str| {
        let keys = ["0", "5"].map(|database| redis.cli(&["-n", database, "KEYS", pattern]));
        keys.iter().any(|it| !it.is_empty())
    };
    has("session:{elsewhere}:*") && has("session:????????-*")
}

/// Whether it has a client of which it says this.
pub(super) fn clients(redis: &Redis, what: &str) -> bool {
    let clients = redis.cli(&["CLIENT", "LIST"]);
    clients.split_whitespace().any(|it| it.starts_with(what))
}

/// Somebody who may do what the documentation of `RedisStore` names, and nothing else.
fn user() -> impl Iterator<Item = &'static str> {
    let user = ["app", "on", ">password"].into_iter();
    let permissions = [LEAST_PERMISSIONS, PERMISSIONS_FOR_OWNERS];
    user.chain(permissions.into_iter().flat_map(|it| it.split(' ')))
}
