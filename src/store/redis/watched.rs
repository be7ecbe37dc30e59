//! Connections that notice when they break.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bb8::ManageConnection;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerErrorKind, Value, aio::ConnectionLike,
};

/// Wraps a bb8 manager of Redis connections so that a connection is replaced once a command on it
/// showed that it is broken, or commands have waited in vain for half a second in all.
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
    links: Links,
}

/// What the connections of a manager lead to.
#[derive(Debug, Clone, Copy)]
enum Links {
    OneServer,
    Cluster,
}

impl<M> Watched<M> {
    /// Watches the connections of `manager`, each of which leads to one server.
    pub fn new(manager: M) -> Self {
        let links = Links::OneServer;
        Self { manager, links }
    }

    /// Watches the connections of `manager`, each of which leads to the servers of a Cluster. Such
    /// a connection replaces by itself what broke in it: it is of no use only when no server
    /// answers.
    pub fn cluster(manager: M) -> Self {
        let links = Links::Cluster;
        Self { manager, links }
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
            links: self.links,
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
            || self.manager.has_broken(&mut connection.connection)
    }
}

/// A connection of a [`Watched`] manager. Its clones share one state of health.
#[derive(Clone)]
pub struct WatchedConnection<C> {
    connection: C,
    links: Links,
    health: Arc<Health>,
}

#[derive(Debug, Default)]
struct Health {
    is_broken: AtomicBool,
    answers: AtomicU32,
    /// For how long commands have waited in vain since the last answer, in milliseconds, added up.
    in_vain: AtomicU32,
}

/// A command that waits for its answer; dropped without one, it waited in vain.
struct Waiting<'a> {
    health: &'a Health,
    since: Instant,
    /// How many answers there had been.
    answers: u32,
}

impl<'a> Waiting<'a> {
    fn on(health: &'a Health) -> Self {
        Self {
            health,
            since: Instant::now(),
            answers: health.answers.load(Ordering::Relaxed),
        }
    }

    fn end<T>(self, reply: &Result<T, RedisError>, links: Links) {
        match reply {
            Err(error) if error.is_timeout() => return,
            Err(error) if links.are_broken_by(error) => {
                self.health.is_broken.store(true, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => {
                self.health.in_vain.store(0, Ordering::Relaxed);
                self.health.answers.fetch_add(1, Ordering::Relaxed);
            }
        }
        // An answer must not count as missing, even for a moment: others are counting, too.
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.health.answers.load(Ordering::Relaxed) != self.answers {
            // Others were answered meanwhile: on a Cluster, by another server.
            return;
        }
        let waited = self.since.elapsed().min(PATIENCE);
        let millis = u32::try_from(waited.as_millis()).unwrap_or(u32::MAX);
        let before = self.health.in_vain.fetch_add(millis, Ordering::Relaxed);
        if Duration::from_millis(u64::from(before)) + waited >= PATIENCE {
            self.health.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl Links {
    /// Whether the connection is of no use after this error: it is cut, or it leads to a server
    /// that lost its role as the primary.
    fn are_broken_by(self, error: &RedisError) -> bool {
        use ServerErrorKind::{MasterDown, ReadOnly};
        let is_demoted = matches!(error.kind(), ErrorKind::Server(ReadOnly | MasterDown));
        match self {
            Self::OneServer => is_demoted || error.is_unrecoverable_error(),
            Self::Cluster => false,
        }
    }
}

impl<C> fmt::Debug for WatchedConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedConnection")
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for WatchedConnection<C> {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            // Dropped here, by a deadline or with its request, it counts as unanswered.
            let waiting = Waiting::on(&self.health);
            let reply = self.connection.req_packed_command(command).await;
            let reply = reply.and_then(Value::extract_error);
            waiting.end(&reply, self.links);
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
            let waiting = Waiting::on(&self.health);
            let replies = self.connection.req_packed_commands(pipeline, offset, count);
            let replies = replies.await;
            waiting.end(&told_by(&replies), self.links);
            replies
        })
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

/// What several replies say of the connection: the first error among them.
fn told_by(replies: &Result<Vec<Value>, RedisError>) -> Result<(), RedisError> {
    let replies = replies.as_ref().map_err(Clone::clone)?;
    let is_error = |it: &&Value| matches!(it, Value::ServerError(_));
    let mut errors = replies.iter().filter(is_error).cloned();
    errors.try_for_each(|it| it.extract_error().map(drop))
}

/// A network that swallows everything shows in nothing but silence; and who gives up early has not
/// seen much of it.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
