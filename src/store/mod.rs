//! Where records are kept: the trait that stores implement, and its laws.

use std::{borrow::Cow, error::Error, fmt, pin::Pin, sync::Arc, time::SystemTime};

use bytes::Bytes;

use crate::session::token::SessionId;
pub use crate::session::{
    delta::{Applied, CommitAnswer, Delta},
    law::NotARecord,
    owner::is_owned,
};

#[cfg(feature = "conformance")]
pub mod conformance;
mod inspect;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use self::inspect::inspect;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(feature = "memory")]
pub use memory::MemoryStore;

/// A place that keeps one record per session.
///
/// To a store a record is bytes. It reads them in [`load`](Self::load), and changes them in
/// [`commit`](Self::commit) as one atomic step, which for most stores means: hold the row still,
/// call [`Delta::apply`], do as it says. Write both as plain `async fn`; the
/// `conformance` feature has a suite of tests to run on the result.
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
///
/// use bytes::Bytes;
/// use tower_session_layer::{
///     SessionId, SessionLayer,
///     store::{Applied, CommitAnswer, Delta, SessionStore, StoreError},
/// };
///
/// /// Forgets nothing and shares nothing: not for use.
/// #[derive(Default)]
/// struct Map(Mutex<HashMap<SessionId, Bytes>>);
///
/// impl SessionStore for Map {
///     async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
///         Ok(self.0.lock().unwrap().get(id).cloned())
///     }
///
///     async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
///         let mut map = self.0.lock().unwrap();
///         Ok(match delta.apply(map.get(id).cloned())? {
///             Applied::Keep(answer) => answer,
///             Applied::Write { record, .. } => {
///                 map.insert(*id, record);
///                 CommitAnswer::Committed
///             }
///         })
///     }
/// }
///
/// let layer = SessionLayer::new(Map::default());
/// ```
pub trait SessionStore: Send + Sync + 'static {
    /// Reads the record under `id`.
    ///
    /// * `None` means that there is no such session, for certain. What the store has been told to
    ///   forget (`keep_for`) may still be returned: limits are enforced from the record.
    /// * An error means that it is not known; it never stands for absence.
    /// * It must see every commit that was answered before it began: no stale replicas, no cache.
    fn load(
        &self,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Applies `delta` to the record under `id`, as one atomic step.
    ///
    /// * [`CommitAnswer::Committed`] means that the record is stored.
    /// * An error means that it is not known whether the delta was applied. But it is not applied
    ///   afterwards: a transaction that is still open has to be rolled back, a command that waits
    ///   somewhere has to refuse itself. Requests are told of a failure, and must not find later
    ///   that it happened.
    /// * A commit that is sent again is sent as [`Delta::repeated`].
    fn commit(
        &self,
        id: &SessionId,
        delta: &Delta,
    ) -> impl Future<Output = Result<CommitAnswer, StoreError>> + Send;

    /// The sessions of `owner` that may be used at `now`, with their records: all those that
    /// [`is_owned`] knows by their record, in any order.
    ///
    /// This is for stores that keep account of owners, see [`Delta::owner`] and [`Delta::limit`]. It
    /// must see every commit that was answered before it began. Those that do not keep account leave
    /// it as it is, an error: their sessions have owners, too, but nobody finds them by it.
    fn owned_by(
        &self,
        owner: &str,
        now: SystemTime,
    ) -> impl Future<Output = Result<Vec<(SessionId, Bytes)>, StoreError>> + Send {
        let _ = (owner, now);
        async { Err(StoreError::new("this store keeps no account of owners")) }
    }
}

impl<S: SessionStore> SessionStore for Arc<S> {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        S::load(self, id).await
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        S::commit(self, id, delta).await
    }

    async fn owned_by(
        &self,
        owner: &str,
        now: SystemTime,
    ) -> Result<Vec<(SessionId, Bytes)>, StoreError> {
        S::owned_by(self, owner, now).await
    }
}

/// The store failed: what was asked is not known, or not known to have happened.
#[derive(Debug)]
pub struct StoreError {
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error with a message that says what happened, lower-case and without a full stop. It
    /// must not contain any part of a record.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// The record is of a version that only a later release can judge.
    pub(crate) fn newer_record() -> Self {
        Self::new("the record is of a newer version")
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}

impl From<NotARecord> for StoreError {
    fn from(error: NotARecord) -> Self {
        Self::new("the record cannot be changed").with_source(error)
    }
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of any type. The one place that boxes a store's futures.
pub(crate) trait ErasedStore: Send + Sync {
    fn load(
        self: Arc<Self>,
        id: SessionId,
    ) -> BoxFuture<'static, Result<Option<Bytes>, StoreError>>;

    fn commit<'a>(
        &'a self,
        id: &'a SessionId,
        delta: &'a Delta,
    ) -> BoxFuture<'a, Result<CommitAnswer, StoreError>>;

    fn owned_by<'a>(
        &'a self,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<(SessionId, Bytes)>, StoreError>>;
}

impl<S: SessionStore> ErasedStore for S {
    fn load(
        self: Arc<Self>,
        id: SessionId,
    ) -> BoxFuture<'static, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { SessionStore::load(&*self, &id).await })
    }

    fn commit<'a>(
        &'a self,
        id: &'a SessionId,
        delta: &'a Delta,
    ) -> BoxFuture<'a, Result<CommitAnswer, StoreError>> {
        Box::pin(SessionStore::commit(self, id, delta))
    }

    fn owned_by<'a>(
        &'a self,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Vec<(SessionId, Bytes)>, StoreError>> {
        Box::pin(SessionStore::owned_by(self, owner, now))
    }
}
