//! Sessions in Redis, behind a bb8 pool.

mod clock;
mod commit;
mod connection;
mod reply;
mod sending;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use ::redis::{Cmd, RedisError, Value, aio::ConnectionLike};
use bb8::{ManageConnection, Pool, RunError};
use bytes::Bytes;

pub use self::connection::{Connector, Watched, WatchedConnection};
use crate::{
    session::token::SessionId,
    store::{CommitAnswer, Delta, SessionStore, StoreError, redis::clock::ServerClock},
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
/// Redis 5 or later is needed. Besides connecting, a user of Redis must be allowed
/// `+get +set +del +time +evalsha +eval` on the keys of the prefix.
pub struct RedisStore<M: ManageConnection = Watched<Connector>> {
    pool: Pool<M>,
    prefix: Arc<str>,
    deadline: Duration,
    clock: ServerClock,
}

impl RedisStore {
    /// Connects to `redis://[user:password@]host[:port][/database]`, or to a socket with
    /// `unix:///path`, through a pool of our own making: two multiplexed connections that are
    /// replaced when a command on them fails, without a `PING` for each request.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used, or Redis does not answer within a second, or refuses scripts.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let connector = Connector::open(url).map_err(|error| {
            StoreError::new("this is not a url that redis can be reached at")
                .with_source(without_server_text(error))
        })?;
        let pool = Pool::builder()
            .max_size(2)
            .min_idle(1)
            .connection_timeout(DEADLINE)
            .error_sink(Box::new(connection::LogErrors))
            .build(Watched::new(connector))
            .await
            .map_err(|error| {
                StoreError::new("redis cannot be reached").with_source(without_server_text(error))
            })?;
        let store = Self::new(pool);
        store.in_time(store.introduce()).await?;
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
    /// Loads must see the latest commit. A pool that reads from replicas serves sessions that were
    /// logged out. On a Cluster the clocks of the nodes have to agree to less than half of the
    /// [deadline](Self::with_deadline): they tell a commit that it comes too late.
    pub fn new(pool: Pool<M>) -> Self {
        Self {
            pool,
            prefix: "session:".into(),
            deadline: DEADLINE,
            clock: ServerClock::unknown(),
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

    fn key(&self, id: &SessionId) -> String {
        format!("{}{id}", self.prefix)
    }

    async fn in_time<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| StoreError::new("redis did not answer in time");
        tokio::time::timeout(self.deadline, operation)
            .await
            .map_err(late)?
    }

    /// Reads once more if the connection turns out to be broken.
    async fn ask_until_connected(&self, read: &Cmd) -> Result<Value, StoreError>
    where
        M: ManageConnection<Error = RedisError>,
    {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut connection = self.connection().await?;
            match ask(&mut connection, read).await {
                Err(error) if error.is_unrecoverable_error() && attempts < MAX_READS => {}
                reply => return reply.map_err(failed),
            }
        }
    }

    /// The connection goes back to the pool before the command is sent: only its handle is needed.
    async fn connection(&self) -> Result<M::Connection, StoreError>
    where
        M::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.pool.get().await {
            Ok(connection) => Ok(M::Connection::clone(&connection)),
            Err(RunError::TimedOut) => Err(StoreError::new("no connection to redis could be had")),
            Err(RunError::User(error)) => {
                Err(StoreError::new("redis cannot be reached").with_source(error))
            }
        }
    }
}

impl<M> SessionStore for RedisStore<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        let mut get = Cmd::new();
        get.arg("GET").arg(self.key(id));
        // Dropped here, nothing has happened.
        self.in_time(async {
            match self.ask_until_connected(&get).await? {
                Value::Nil => Ok(None),
                Value::BulkString(record) => Ok(Some(record.into())),
                _ => Err(unexpected_reply()),
            }
        })
        .await
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        let key = self.key(id);
        let deadline = Instant::now() + self.deadline;
        self.in_time(self.commit_until(deadline, &key, delta)).await
    }
}

impl<M: ManageConnection> Clone for RedisStore<M> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            prefix: Arc::clone(&self.prefix),
            deadline: self.deadline,
            clock: self.clock.clone(),
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

async fn ask(connection: &mut impl ConnectionLike, command: &Cmd) -> Result<Value, RedisError> {
    connection
        .req_packed_command(command)
        .await?
        .extract_error()
}

fn failed(error: RedisError) -> StoreError {
    StoreError::new("redis failed").with_source(without_server_text(error))
}

fn unexpected_reply() -> StoreError {
    StoreError::new("redis gave a reply that this command cannot have")
}

/// An error that Redis sent is reduced to its code: its text can repeat arguments.
fn without_server_text(error: RedisError) -> Box<dyn std::error::Error + Send + Sync> {
    match error.code() {
        Some(code) => format!("redis answered {code}").into(),
        None => error.into(),
    }
}

/// As many as [`RedisStore::connect`] has connections, and one more.
const MAX_READS: usize = 3;

const DEADLINE: Duration = Duration::from_secs(1);

const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);
