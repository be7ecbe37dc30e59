//! Sessions in the memory of one process.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{
    session::{lifetime::Timestamp, token::SessionId},
    store::{Applied, CommitAnswer, Delta, SessionStore, StoreError},
};

/// Sessions in the memory of one process: for development, tests and small services.
///
/// Clones share their sessions. Expired sessions are dropped as others are written. Without
/// [`with_max_sessions`](Self::with_max_sessions) nothing else bounds the memory.
///
/// ```
/// use tower_session_layer::{MemoryStore, SessionLayer};
///
/// let layer = SessionLayer::new(MemoryStore::new().with_max_sessions(100_000));
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    sessions: Arc<Mutex<Sessions>>,
    max_sessions: usize,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sessions: Arc::default(),
            max_sessions: usize::MAX,
        }
    }

    /// Refuses to begin a session while it holds this many, those of the last minute's log-outs
    /// included: a store failure, so that no session is lost to make room for another. Defaults to
    /// no limit.
    #[must_use]
    pub fn with_max_sessions(self, max_sessions: usize) -> Self {
        Self {
            max_sessions,
            ..self
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // A record is replaced in one assignment: a panic elsewhere leaves nothing half-written.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("sessions", &self.sessions().by_id.len())
            .finish_non_exhaustive()
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        Ok(self.sessions().get(id))
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        let mut sessions = self.sessions();
        sessions.drop_expired(delta.now);
        let current = sessions.get(id);
        let is_new = current.is_none();
        match delta.apply(current)? {
            Applied::Keep(answer) => Ok(answer),
            Applied::Write { .. } if is_new && sessions.by_id.len() >= self.max_sessions => Err(
                StoreError::new("the memory store holds as many sessions as it may"),
            ),
            Applied::Write { record, keep_for } => {
                sessions.put(*id, record, delta.now.after(keep_for));
                Ok(CommitAnswer::Committed)
            }
        }
    }
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<SessionId, Held>,
    by_expiry: BTreeSet<(Timestamp, SessionId)>,
}

struct Held {
    record: Bytes,
    expires: Timestamp,
}

impl Sessions {
    fn get(&self, id: &SessionId) -> Option<Bytes> {
        Some(self.by_id.get(id)?.record.clone())
    }

    fn put(&mut self, id: SessionId, record: Bytes, expires: Timestamp) {
        if let Some(old) = self.by_id.insert(id, Held { record, expires }) {
            self.by_expiry.remove(&(old.expires, id));
        }
        self.by_expiry.insert((expires, id));
    }

    fn drop_expired(&mut self, now: Timestamp) {
        while let Some((expires, id)) = self.by_expiry.first().copied() {
            if expires > now {
                break;
            }
            self.by_expiry.pop_first();
            self.by_id.remove(&id);
        }
    }
}
