//! The pool that we recommend.

use std::time::Duration;

use bb8::{ErrorSink, Pool};
use redis::RedisError;

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
