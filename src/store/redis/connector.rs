//! Connections to Redis, wherever it is.

use std::{convert::Infallible, fmt, time::Duration};

use bb8::ManageConnection;
#[cfg(feature = "redis-cluster")]
use redis::cluster::{ClusterClient, ClusterClientBuilder};
#[cfg(feature = "redis-sentinel")]
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisError};

#[cfg(feature = "redis-cluster")]
use crate::store::redis::cluster::{self, Nodes};
#[cfg(feature = "redis-sentinel")]
use crate::store::redis::sentinels::Sentinels;
use crate::store::{
    StoreError,
    redis::{
        asking::failed,
        connection::{self, Connection, Cut},
    },
};

/// Connects to one Redis server, to the master that Sentinels name, or to a Cluster.
///
/// It is made from a client of the `redis` crate, which knows about addresses, users, TLS and
/// protocols:
///
/// | where | from |
/// |---|---|
/// | a server, a Unix socket | [`Connector::open`], or a [`redis::Client`] |
/// | TLS (feature `redis-tls`) | `rediss://…`, or [`redis::Client::build_with_tls`] for certificates |
/// | Sentinel (feature `redis-sentinel`) | a `redis::sentinel::SentinelClient` of `SentinelServerType::Master` |
/// | Cluster (feature `redis-cluster`) | [`Connector::cluster`] |
///
/// [`RedisStore::connect_to`](super::RedisStore::connect_to) puts the recommended pool around it.
/// For another one, build it around a [`Watched`](super::Watched) connector:
///
/// ```no_run
/// use std::time::Duration;
///
/// use bb8::Pool;
/// use tower_session_layer::{RedisStore, store::redis::{Connector, Watched}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::open("redis://127.0.0.1/?protocol=resp3")?;
/// let pool = Pool::builder()
///     .max_size(4)
///     .connection_timeout(Duration::from_millis(500))
///     .build(Watched::new(connector))
///     .await?;
/// let store = RedisStore::new(pool);
/// # Ok(())
/// # }
/// ```
///
/// With RESP3 (Redis 6, `?protocol=resp3`) a connection that is cut while it is idle is replaced
/// before anybody uses it.
#[derive(Clone)]
pub struct Connector(Kind);

#[derive(Clone)]
enum Kind {
    Server(Box<Client>),
    #[cfg(feature = "redis-sentinel")]
    Sentinel(Sentinels),
    #[cfg(feature = "redis-cluster")]
    Cluster(Box<ClusterClient>),
}

impl Connector {
    /// For `redis://[user:password@]host[:port][/database][?protocol=resp3]`, the same with
    /// `rediss` for TLS, or a socket at `unix:///path`.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used. No message repeats it.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let client = Client::open(url);
        let client = client
            .map_err(|error| failed("this is not a url that redis can be reached at", error))?;
        Ok(client.into())
    }

    /// For a Cluster, from a client that is described, with its first nodes and whatever they want
    /// of those who connect (`redis::cluster::ClusterClient::builder`).
    ///
    /// Three of its settings are ours: the timeouts of one node, and that nothing is sent again
    /// unless a node said that it did not execute it.
    ///
    /// # Errors
    ///
    /// If the description cannot be used.
    #[cfg(feature = "redis-cluster")]
    pub fn cluster(client: ClusterClientBuilder) -> Result<Self, StoreError> {
        let client = cluster::without_repetition(client).build();
        let client =
            client.map_err(|error| failed("this does not describe a redis cluster", error))?;
        Ok(Self(Kind::Cluster(Box::new(client))))
    }

    /// Whether its connections find their way among several servers.
    pub(super) fn is_cluster(&self) -> bool {
        match self.0 {
            Kind::Server(_) => false,
            #[cfg(feature = "redis-sentinel")]
            Kind::Sentinel(_) => false,
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(_) => true,
        }
    }
}

impl ManageConnection for Connector {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        #[cfg(feature = "redis-tls")]
        choose_cryptography();
        match &self.0 {
            Kind::Server(client) => connect(client).await,
            #[cfg(feature = "redis-sentinel")]
            Kind::Sentinel(sentinels) => {
                let master = sentinels.master().await?;
                connect(&master).await
            }
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(client) => {
                let nodes = Nodes::connect(client).await?;
                Ok(Connection(connection::Kind::Cluster(nodes)))
            }
        }
    }

    async fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), Self::Error> {
        redis::cmd("PING").query_async(connection).await
    }

    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        connection.is_cut()
    }
}

impl From<Client> for Connector {
    fn from(client: Client) -> Self {
        Self(Kind::Server(Box::new(client)))
    }
}

#[cfg(feature = "redis-sentinel")]
impl From<SentinelClient> for Connector {
    fn from(sentinels: SentinelClient) -> Self {
        Self(Kind::Sentinel(sentinels.into()))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Server(_) => "Connector(server)",
            #[cfg(feature = "redis-sentinel")]
            Kind::Sentinel(_) => "Connector(sentinel)",
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(_) => "Connector(cluster)",
        })
    }
}

async fn connect(client: &Client) -> Result<Connection, RedisError> {
    let cut = Cut::default();
    let mut config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        // Its own default of half a second would cut our deadline short, which is the one that
        // counts.
        .set_response_timeout(None);
    let protocol = client.get_connection_info().redis_settings().protocol();
    if protocol == ProtocolVersion::RESP3 {
        config = config.set_push_sender(noticing(cut.clone()));
    }
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let connection = connection.await?;
    Ok(Connection(connection::Kind::Server { connection, cut }))
}

/// With RESP3 the client tells when a connection is cut, also of one that nobody is using.
fn noticing(cut: Cut) -> impl Fn(PushInfo) -> Result<(), Infallible> {
    move |info| {
        if info.kind == PushKind::Disconnection {
            cut.note();
        }
        Ok(())
    }
}

/// Where nobody chose one, and two are linked, rustls would panic.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    use rustls::crypto::{CryptoProvider, ring};

    if CryptoProvider::get_default().is_none() {
        // Whoever is first has chosen.
        let _ = ring::default_provider().install_default();
    }
}

/// Together with the pauses of the pool it bounds how late the return of Redis is noticed.
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
