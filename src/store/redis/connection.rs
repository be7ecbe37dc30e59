//! Connections that notice when they break.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use bb8::{ErrorSink, ManageConnection};
use bb8_redis::RedisConnectionManager;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

use crate::store::redis::{LONGEST_DEADLINE, without_server_text};

/// Wraps a bb8 manager of Redis connections so that a connection is replaced once a command on it
/// showed that it is broken, or three in a row had no answer.
///
/// `bb8-redis` takes every connection for sound unless a `PING` at each check-out fails. With this
/// around it a check-out costs no command.
///
/// ```no_run
/// use tower_session_layer::{RedisStore, store::redis::Watched};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let manager = bb8_redis::RedisConnectionManager::new("redis://127.0.0.1")?;
/// let pool = bb8::Pool::builder().max_size(1).build(Watched::new(manager)).await?;
/// let store = RedisStore::new(pool);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Watched<M> {
    manager: M,
}

impl<M> Watched<M> {
    /// Watches the connections of `manager`.
    pub fn new(manager: M) -> Self {
        Self { manager }
    }
}

impl<M> ManageConnection for Watched<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    type Connection = WatchedConnection<M::Connection>;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        Ok(WatchedConnection {
            connection: self.manager.connect().await?,
            health: Arc::default(),
        })
    }

    async fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), Self::Error> {
        match self.has_broken(connection) {
            true => Err((ErrorKind::Io, "the connection broke").into()),
            false => Ok(()),
        }
    }

    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        connection.health.is_broken.load(Ordering::Relaxed)
    }
}

/// A connection of a [`Watched`] manager. Its clones share one state of health.
#[derive(Clone)]
pub struct WatchedConnection<C> {
    connection: C,
    health: Arc<Health>,
}

#[derive(Debug, Default)]
struct Health {
    is_broken: AtomicBool,
    /// Commands in a row that nobody got an answer to.
    unanswered: AtomicU32,
}

/// A command that waits for its answer; dropped without one, it counts as unanswered.
struct Waiting<'a>(&'a Health);

impl Waiting<'_> {
    fn end<T>(self, reply: &Result<T, RedisError>) {
        let Self(health) = &self;
        match reply {
            Err(error) if error.is_timeout() => return,
            Err(error) if breaks_connection(error) => {
                health.is_broken.store(true, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => health.unanswered.store(0, Ordering::Relaxed),
        }
        // An answer must not count as missing, even for a moment: others are counting, too.
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let before = self.0.unanswered.fetch_add(1, Ordering::Relaxed);
        if before + 1 >= MAX_UNANSWERED {
            self.0.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl<C> std::fmt::Debug for WatchedConnection<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedConnection")
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for WatchedConnection<C> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            // Dropped here, by a deadline or with its request, it counts as unanswered.
            let waiting = Waiting(&self.health);
            let reply = self.connection.req_packed_command(command).await;
            let reply = reply.and_then(Value::extract_error);
            waiting.end(&reply);
            reply
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let waiting = Waiting(&self.health);
            let replies = self.connection.req_packed_commands(pipeline, offset, count);
            let replies = replies.await;
            waiting.end(&replies);
            replies
        })
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

/// The manager behind [`RedisStore::connect`](super::RedisStore::connect).
#[derive(Debug, Clone)]
pub struct Connector {
    manager: RedisConnectionManager,
}

impl Connector {
    pub(super) fn open(url: &str) -> Result<Self, RedisError> {
        let manager = RedisConnectionManager::new(url)?;
        Ok(Self { manager })
    }
}

impl ManageConnection for Connector {
    type Connection = MultiplexedConnection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let mut connection = self.manager.connect().await?;
        // Its own default of half a second would cut our deadline short, which is the one that
        // counts.
        connection.set_response_timeout(LONGEST_DEADLINE);
        Ok(connection)
    }

    async fn is_valid(&self, connection: &mut Self::Connection) -> Result<(), Self::Error> {
        self.manager.is_valid(connection).await
    }

    fn has_broken(&self, connection: &mut Self::Connection) -> bool {
        self.manager.has_broken(connection)
    }
}

/// Says why connections fail: a request that waits for one only learns that there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogErrors;

impl ErrorSink<RedisError> for LogErrors {
    fn sink(&self, error: RedisError) {
        let error = without_server_text(error);
        tracing::warn!(
            error = &*error as &dyn std::error::Error,
            "redis connection failed"
        );
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<RedisError>> {
        Box::new(*self)
    }
}

/// Whether the connection is of no use after this error: it is cut, or it leads to a server that
/// lost its role as the primary.
fn breaks_connection(error: &RedisError) -> bool {
    use ServerErrorKind::{MasterDown, ReadOnly};
    let is_demoted = matches!(error.kind(), ErrorKind::Server(ReadOnly | MasterDown));
    is_demoted || error.is_unrecoverable_error()
}

/// A network that swallows everything shows in nothing else.
const MAX_UNANSWERED: u32 = 3;
