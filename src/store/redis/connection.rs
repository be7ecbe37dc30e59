//! A connection to one server, or to the servers of a cluster.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::{
    Cmd, Pipeline, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};

#[cfg(feature = "redis-cluster")]
use crate::store::redis::{cluster::Nodes, question::Question};

/// A connection that a [`Connector`](super::Connector) made. Its clones share one pipeline.
#[derive(Clone)]
pub struct Connection(pub(super) Kind);

#[derive(Clone)]
pub(super) enum Kind {
    Server {
        connection: MultiplexedConnection,
        cut: Cut,
    },
    #[cfg(feature = "redis-cluster")]
    Cluster(Nodes),
}

/// Whether a connection is known to be cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut(Arc<AtomicBool>);

impl Cut {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connection {
    pub(super) fn is_cut(&self) -> bool {
        match &self.0 {
            Kind::Server { cut, .. } => cut.0.load(Ordering::Relaxed),
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(nodes) => nodes.is_stuck(),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.0 {
            Kind::Server { connection, .. } => connection.req_packed_command(command),
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(nodes) => Box::pin(async {
                let mut replies = nodes.ask(Question::Command(command)).await?;
                // One command has one reply.
                Ok(replies.pop().unwrap_or(Value::Nil))
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.0 {
            Kind::Server { connection, .. } => {
                connection.req_packed_commands(pipeline, offset, count)
            }
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(nodes) => Box::pin(async move {
                let replies = nodes.ask(Question::Commands(pipeline)).await?;
                Ok(replies.into_iter().skip(offset).take(count).collect())
            }),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.0 {
            Kind::Server { connection, .. } => connection.get_db(),
            #[cfg(feature = "redis-cluster")]
            Kind::Cluster(nodes) => nodes.database(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_cut = self.is_cut();
        f.debug_struct("Connection")
            .field("is_cut", &is_cut)
            .finish_non_exhaustive()
    }
}
