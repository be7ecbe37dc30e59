//! Commits that wait for replicas.

use std::{
    ops::{Deref, DerefMut},
    time::Instant,
};

use ::redis::{Cmd, RedisError, Value, aio::ConnectionLike};
use bb8::{ManageConnection, Pool, PooledConnection};

use crate::store::{
    StoreError,
    redis::{
        asking::Failure,
        pool::take,
        script::{Call, run_and},
    },
};

/// How many of them, and the connections on which commits wait, each for itself.
pub(super) struct Replicas<M: ManageConnection> {
    pub(super) count: u32,
    pub(super) pool: Pool<M>,
}

/// The connection of one commit.
pub(super) enum Lent<'a, M: ManageConnection> {
    /// Others use it at the same time.
    Shared(M::Connection),
    /// What waits on it blocks nobody else.
    Exclusive(PooledConnection<'a, M>),
}

impl<M> Replicas<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike,
{
    pub(super) async fn connection(&self, deadline: Instant) -> Result<Lent<'_, M>, Failure> {
        let connection = take(&self.pool, deadline).await?;
        // They may all be waiting.
        let missing = "no connection to wait for replicas could be had in time";
        let missing = || Failure::Unclear(StoreError::new(missing));
        connection.map(Lent::Exclusive).ok_or_else(missing)
    }

    /// Calls a script and waits for them, on one connection: another one would wait for nothing, and
    /// on a Cluster it could lead to another primary, when this one is gone. Says whether they have what
    /// the script wrote.
    pub(super) async fn run(
        &self,
        connection: &mut M::Connection,
        call: &impl Call,
        deadline: Instant,
    ) -> Result<(Value, bool), RedisError> {
        // Redis has to answer before nobody listens, and takes nothing for an eternity.
        let patience = deadline.saturating_duration_since(Instant::now()) / 4 * 3;
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let mut wait = Cmd::new();
        wait.arg("WAIT").arg(self.count).arg(patience.max(1));
        let (reply, reached) = run_and(connection, call, &wait).await?;
        let count = i64::from(self.count);
        Ok((reply, matches!(reached, Value::Int(it) if it >= count)))
    }
}

impl<M: ManageConnection> Clone for Replicas<M> {
    fn clone(&self) -> Self {
        Self {
            count: self.count,
            pool: self.pool.clone(),
        }
    }
}

impl<M: ManageConnection> Deref for Lent<'_, M> {
    type Target = M::Connection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Shared(connection) => connection,
            Self::Exclusive(connection) => connection,
        }
    }
}

impl<M: ManageConnection> DerefMut for Lent<'_, M> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Shared(connection) => connection,
            Self::Exclusive(connection) => connection,
        }
    }
}

/// Of a commit that happened.
pub(super) fn not_copied() -> Failure {
    refused("the commit did not reach enough replicas in time")
}

/// It says nothing of whether Redis is there.
fn refused(message: &'static str) -> Failure {
    Failure::Answer(StoreError::new(message))
}
