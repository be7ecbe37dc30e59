//! Pools: the one that we recommend, and how a connection is taken out of one.

use std::time::{Duration, Instant};

use bb8::{ErrorSink, ManageConnection, Pool, PooledConnection, RunError};
use futures_util::future::poll_immediate;
use redis::RedisError;
use tokio::time::timeout_at;

use crate::store::{
    StoreError,
    redis::{
        Connector, Watched,
        asking::{failed, without_server_text},
    },
};

/// A pool of few connections, each of which many requests share.
pub(super) async fn around(connector: Connector) -> Result<Pool<Watched<Connector>>, StoreError> {
    let (size, watched) = match connector.is_cluster() {
        // Each one of these has a connection to every server, and knows where the keys are.
        true => (1, Watched::cluster(connector)),
        false => (2, Watched::new(connector)),
    };
    let pool = Pool::builder()
        .max_size(size)
        .min_idle(1)
        .connection_timeout(WAIT)
        .error_sink(Box::new(LogErrors))
        .build(watched);
    pool.await
        .map_err(|error| failed("redis cannot be reached", error))
}

/// Takes a connection out of `pool`, if there is one before the deadline, however soon the pool
/// itself loses patience.
pub(super) async fn take<M: ManageConnection>(
    pool: &Pool<M>,
    deadline: Instant,
) -> Result<Option<PooledConnection<'_, M>>, M::Error> {
    loop {
        // Boxed, or every operation would be as large as this for as long as it takes.
        let mut getting = Box::pin(pool.get());
        let result = match poll_immediate(getting.as_mut()).await {
            Some(result) => Ok(result),
            // Only who has to wait needs a timer.
            None => timeout_at(deadline.into(), getting).await,
        };
        return match result {
            Ok(Ok(connection)) => Ok(Some(connection)),
            Ok(Err(RunError::User(error))) => Err(error),
            Ok(Err(RunError::TimedOut)) => continue,
            Err(_) => Ok(None),
        };
    }
}

/// Says why connections fail: a request that waits for one only learns that there is none.
#[derive(Debug, Clone, Copy)]
struct LogErrors;

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

/// How long the pool lets somebody wait, and twice its longest pause between two attempts to
/// connect.
const WAIT: Duration = Duration::from_millis(500);
