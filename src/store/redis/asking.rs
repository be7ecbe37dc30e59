//! Asking Redis something, in time.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use ::redis::{Cmd, RedisError, Value, aio::ConnectionLike};
use bb8::ManageConnection;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout_at},
};

use crate::store::{
    StoreError,
    redis::{RedisStore, outage::Outage, pool::take, reply::shown, watched::PATIENCE},
};

/// Why there is no result.
pub(super) enum Failure {
    /// Redis did not answer.
    Silence(StoreError),
    /// It did, but not with what it was asked for.
    Answer(StoreError),
    /// Whether it is there cannot be told from this.
    Unclear(StoreError),
}

impl<M> RedisStore<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    /// Ends an operation at its deadline, and keeps account of whether Redis answers.
    ///
    /// # Errors
    ///
    /// That of the operation, or at once if Redis is known to be down.
    pub(super) async fn in_time<T>(
        &self,
        deadline: Instant,
        operation: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<T, StoreError> {
        if self.outage.is_known() {
            return Err(StoreError::new("redis is down, and was not asked"));
        }
        let late = |_| Err(Failure::silence("redis did not answer in time"));
        let asked = Asked::of(self);
        // Dropped here, Redis counts as one that did not answer, unless there was hardly time to.
        let result = timeout_at(deadline.into(), operation).await;
        asked.answered();
        match result.unwrap_or_else(late) {
            Ok(value) => {
                self.outage.end();
                Ok(value)
            }
            Err(Failure::Answer(error)) => {
                self.outage.end();
                Err(error)
            }
            Err(Failure::Silence(error)) => {
                self.note_silence();
                Err(error)
            }
            Err(Failure::Unclear(error)) => Err(error),
        }
    }

    fn note_silence(&self) {
        if self.outage.goes_on(Instant::now()) {
            self.await_return();
        }
    }

    /// Reads a record.
    pub(super) async fn read(
        &self,
        deadline: Instant,
        key: &str,
    ) -> Result<Option<Bytes>, Failure> {
        let mut get = Cmd::with_capacity(2, "GET".len() + key.len());
        get.arg("GET").arg(key);
        match self.ask_safely(deadline, &get).await? {
            Ok(Value::Nil) => Ok(None),
            Ok(Value::BulkString(record)) => Ok(Some(record.into())),
            Ok(_) => Err(unexpected_reply()),
            // As good as garbage: a failure would keep its visitor from ever beginning anew.
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(Some(Bytes::new())),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a command that changes nothing; once more for each connection that turns out to be broken.
    pub(super) async fn ask_safely(
        &self,
        deadline: Instant,
        command: &Cmd,
    ) -> Result<Result<Value, RedisError>, Failure> {
        let mut broken = 0;
        loop {
            let mut connection = self.connection(deadline).await?;
            let reply = ask(&mut connection, command).await;
            let is_broken = |error: &RedisError| error.is_unrecoverable_error();
            if !reply.as_ref().is_err_and(is_broken) || broken == self.connections() {
                return Ok(reply);
            }
            broken += 1;
        }
    }

    /// The connection goes back to the pool before the command is sent: only its handle is needed.
    pub(super) async fn connection(&self, deadline: Instant) -> Result<M::Connection, Failure> {
        let connection = take(&self.pool, deadline).await?;
        let missing = || Failure::silence("no connection to redis could be had in time");
        Ok(M::Connection::clone(&*connection.ok_or_else(missing)?))
    }

    pub(super) fn connections(&self) -> u32 {
        self.pool.state().connections
    }

    /// Asks, while Redis is down, until it answers.
    fn await_return(&self) {
        tracing::warn!("redis is down: what needs it fails at once until it answers");
        let outage = self.outage.watch();
        // It must not keep alive what it watches for.
        let store = Self {
            outage: Outage::default(),
            ..self.clone()
        };
        tokio::spawn(async move {
            // Dropped anywhere, with its runtime, it leaves Redis as one that may be up.
            let mut attempt = 0;
            while outage.is_of_interest() {
                attempt += 1;
                if store.answers(attempt).await {
                    tracing::info!("redis is back");
                    return;
                }
                sleep(PAUSE).await;
            }
        });
    }

    /// Whether every connection of the pool gets an answer. Those that do not are of no use any more.
    async fn answers(&self, attempt: u64) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let ask = async |key: String| {
            let reply = timeout_at(deadline.into(), self.read(deadline, &key)).await;
            matches!(reply, Ok(Ok(_) | Err(Failure::Answer(_))))
        };
        // The pool hands out one after the other. On a cluster keys differ in where they are.
        let connections = 0..self.connections().max(1);
        let keys = connections.map(|n| format!("{}{attempt}-{n}", self.prefix));
        let answers = join_all(keys.map(ask)).await;
        answers.into_iter().all(|is_answered| is_answered)
    }
}

/// An operation under way. Who drops it has lost patience before its deadline.
struct Asked<'a, M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    store: &'a RedisStore<M>,
    since: Instant,
}

impl<'a, M> Asked<'a, M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    fn of(store: &'a RedisStore<M>) -> Self {
        let since = Instant::now();
        Self { store, since }
    }

    fn answered(self) {
        std::mem::forget(self);
    }
}

impl<M> Drop for Asked<'_, M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    fn drop(&mut self) {
        // Without a runtime nobody could watch for the end of an outage.
        if self.since.elapsed() >= LEAST_WAIT && Handle::try_current().is_ok() {
            self.store.note_silence();
        }
    }
}

impl Failure {
    pub(super) fn into_error(self) -> StoreError {
        let (Self::Silence(error) | Self::Answer(error) | Self::Unclear(error)) = self;
        error
    }

    pub(super) fn silence(message: &'static str) -> Self {
        Self::Silence(StoreError::new(message))
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let is_answer = error.code().is_some();
        let error = failed("redis failed", error);
        match is_answer {
            true => Self::Answer(error),
            false => Self::Silence(error),
        }
    }
}

pub(super) async fn ask(
    connection: &mut impl ConnectionLike,
    command: &Cmd,
) -> Result<Value, RedisError> {
    connection
        .req_packed_command(command)
        .await?
        .extract_error()
}

pub(super) fn unexpected_reply() -> Failure {
    let message = "redis gave a reply that this command cannot have";
    Failure::Answer(StoreError::new(message))
}

/// What failed, and why.
pub(super) fn failed(what: &'static str, error: RedisError) -> StoreError {
    StoreError::new(what).with_source(without_server_text(error))
}

/// An error that Redis sent is reduced to its code: its text can repeat arguments.
pub(super) fn without_server_text(error: RedisError) -> Box<dyn Error + Send + Sync> {
    match error.code() {
        Some(code) => format!("redis answered {}", shown(code, error.detail())).into(),
        None => error.into(),
    }
}

/// Who gives up sooner knows nothing.
const LEAST_WAIT: Duration = Duration::from_millis(100);

/// Between two attempts to reach a Redis that is down.
const PAUSE: Duration = Duration::from_millis(100);
