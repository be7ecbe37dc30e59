//! Sessions in Redis, behind a bb8 pool.

mod account;
mod asking;
mod clock;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod commit;
mod connection;
mod connector;
#[cfg(feature = "redis-cluster")]
mod lost;
mod outage;
mod owners;
mod pool;
#[cfg(feature = "redis-cluster")]
mod question;
mod replicas;
mod reply;
mod script;
mod sending;
#[cfg(feature = "redis-sentinel")]
mod sentinels;
#[cfg(feature = "redis-cluster")]
mod topology;
mod watched;

use std::{
    fmt,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use ::redis::{RedisError, aio::ConnectionLike};
use bb8::{ManageConnection, Pool};
use bytes::Bytes;
use uuid::{Uuid, fmt::Hyphenated};

pub use self::{
    connection::Connection,
    connector::Connector,
    watched::{Watched, WatchedConnection},
};
use crate::{
    session::token::SessionId,
    store::{
        CommitAnswer, Delta, SessionStore, StoreError,
        redis::{clock::ServerClock, outage::Outage, replicas::Replicas},
    },
};

/// Sessions in Redis: one string per session, at the prefix followed by the session's id.
///
/// A load is one `GET`; a commit is one script that splices what changed into the record, on one
/// key. Redis holds hashes of secrets only: nobody can log in with what a dump of it contains.
///
/// Connections are multiplexed: a request takes one out of the pool, clones its handle and gives
/// it back at once, so that concurrent requests share a pipeline and a pool of one or two is
/// enough.
///
/// ```no_run
/// use tower_session_layer::{RedisStore, SessionLayer};
///
/// # async fn run() -> Result<(), tower_session_layer::store::StoreError> {
/// let layer = SessionLayer::new(RedisStore::connect("redis://127.0.0.1").await?);
/// # Ok(())
/// # }
/// ```
///
/// Redis 5 or later is needed, or Valkey. A user of Redis that is allowed no more than this is enough,
/// with `+select` on a database other than 0, `+ping +cluster|slots` on a Cluster, and `+wait` to wait
/// for replicas:
///
/// ```text
/// ACL SETUSER sessions on >PASSWORD ~session:* +get +set +del +time +eval +evalsha
/// ```
///
/// Where sessions have [owners](crate::Session::set_owner), it needs these as well:
///
/// ```text
/// ACL SETUSER sessions +zadd +zrem +zcount +zscore +zrangebyscore +zremrangebyscore +pexpire +pttl
/// ```
pub struct RedisStore<M: ManageConnection = Watched<Connector>> {
    pool: Pool<M>,
    prefix: Arc<str>,
    deadline: Duration,
    clock: ServerClock,
    outage: Outage,
    replicas: Option<Replicas<M>>,
}

impl RedisStore {
    /// Connects to a server at `redis://[user:password@]host[:port][/database]`, or to a socket with
    /// `unix:///path`, like [`connect_to`](Self::connect_to). [`Connector::open`] has all that the
    /// URL can say.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used, or Redis does not answer within a second, or refuses scripts.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_to(Connector::open(url)?).await
    }

    /// Connects to a server, to the master that Sentinels name, or to a Cluster, through a pool of
    /// our own making: two multiplexed connections (one to a Cluster) that are replaced when a
    /// command on them fails, without a `PING` for each request.
    ///
    /// # Errors
    ///
    /// If Redis does not answer within a second (a Cluster of which a part is out of reach, within
    /// three), or refuses scripts.
    pub async fn connect_to(connector: impl Into<Connector>) -> Result<Self, StoreError> {
        let store = Self::new(pool::around(connector.into()).await?);
        let deadline = Instant::now() + store.deadline;
        store
            .in_time(deadline, pin!(store.introduce(deadline)))
            .await?;
        Ok(store)
    }
}

impl<M> RedisStore<M>
where
    M: ManageConnection,
    M::Connection: ConnectionLike + Clone,
{
    /// Uses a pool that exists already, of any manager whose connections speak Redis: standalone,
    /// Sentinel, Cluster.
    ///
    /// A few connections are enough, since their handles are cloned and shared. `bb8-redis` on its
    /// own never notices that a connection broke, except by the `PING` at each check-out that bb8
    /// does unless told otherwise: wrap the manager in [`Watched`] to be rid of both.
    ///
    /// Loads must see the latest commit, of the primary: a pool that reads from replicas
    /// (`read_from_replicas`) serves sessions that were logged out, refuses tokens that were just
    /// issued, and breaks every promise that begins with a load. A pool of the `ClusterClient`s
    /// themselves sends commits again whose reply was lost, which may make an update twice: use a
    /// [`Connector`]. On a Cluster the clocks of the nodes have to agree to less than half of the
    /// [deadline](Self::with_deadline): they tell a commit that it comes too late.
    pub fn new(pool: Pool<M>) -> Self {
        Self {
            pool,
            prefix: "session:".into(),
            deadline: DEADLINE,
            clock: ServerClock::unknown(),
            outage: Outage::default(),
            replicas: None,
        }
    }

    /// What the keys of sessions start with. Defaults to `session:`.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        Self {
            prefix: prefix.into(),
            ..self
        }
    }

    /// How long a load or a commit may take in all, from waiting for a connection to the answer;
    /// after that it has failed. At most a day. Defaults to one second.
    ///
    /// A commit that has no answer by then does not happen afterwards: Redis refuses it, by its own
    /// clock.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        let deadline = deadline.min(LONGEST_DEADLINE);
        Self { deadline, ..self }
    }

    /// Lets every commit wait, within its [deadline](Self::with_deadline), until `count` replicas have
    /// it as well (`WAIT`). One that they do not have in time has failed: its request is answered
    /// so, although it is stored and may be there later.
    ///
    /// Commits use connections of `pool` for this, each one for itself, since it would hold up
    /// others on a shared one: as many commits run at once as the pool has connections. Loads stay
    /// where they are.
    ///
    /// Redis replicates after it answered. A primary that dies takes along what no replica has yet:
    /// changes, and log-outs. With this, what was answered as saved is on `count` replicas, and is
    /// lost only if none of these is promoted: Sentinel and Cluster prefer the one that is most up
    /// to date among those that they can reach, and promise no more. To stop a primary that is cut
    /// off from accepting what will be lost, set `min-replicas-to-write` on the servers. On a
    /// Cluster the replicas of the primary that has the session count, and they have half a second at
    /// most, twice: its client waits no longer for any answer. Defaults to not waiting.
    ///
    /// ```no_run
    /// use bb8::Pool;
    /// use tower_session_layer::{RedisStore, store::redis::{Connector, Watched}};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = Connector::open("redis://127.0.0.1")?;
    /// let waiting = Pool::builder().max_size(16).build(Watched::new(connector.clone())).await?;
    /// let store = RedisStore::connect_to(connector).await?.wait_for_replicas(1, waiting);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn wait_for_replicas(self, count: u32, pool: Pool<M>) -> Self {
        let replicas = Some(Replicas { count, pool });
        Self { replicas, ..self }
    }

    /// The pool of connections; its `state` has figures for metrics.
    pub fn pool(&self) -> &Pool<M> {
        &self.pool
    }

    fn key(&self, id: &SessionId) -> String {
        let mut buffer = Uuid::encode_buffer();
        let id = Hyphenated::from_uuid(Uuid::from_bytes(*id.as_bytes()));
        [&*self.prefix, id.encode_lower(&mut buffer)].concat()
    }
}

impl<M> SessionStore for RedisStore<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        let key = self.key(id);
        let deadline = Instant::now() + self.deadline;
        // Dropped here, nothing has happened.
        self.in_time(deadline, pin!(self.read(deadline, &key)))
            .await
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        let deadline = Instant::now() + self.deadline;
        let sending = pin!(self.commit_to_account(deadline, id, delta));
        self.in_time(deadline, sending).await
    }

    async fn owned_by(
        &self,
        owner: &str,
        now: SystemTime,
    ) -> Result<Vec<(SessionId, Bytes)>, StoreError> {
        // Dropped here, nothing has happened, or what was left of ended sessions is gone.
        self.account_of(owner, now).await
    }
}

impl<M: ManageConnection> Clone for RedisStore<M> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            prefix: Arc::clone(&self.prefix),
            deadline: self.deadline,
            clock: self.clock.clone(),
            outage: self.outage.clone(),
            replicas: self.replicas.clone(),
        }
    }
}

impl<M: ManageConnection> fmt::Debug for RedisStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

const DEADLINE: Duration = Duration::from_secs(1);

const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
