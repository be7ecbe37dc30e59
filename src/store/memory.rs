//! Sessions in the memory of one process.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;

use crate::{
    session::{lifetime::Timestamp, token::SessionId},
    store::{Applied, CommitAnswer, Delta, SessionStore, StoreError, is_owned},
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
        // Nothing that is done under the lock panics, so nothing is half-written.
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
        let (limit, admitted) = match delta.limit() {
            Some(limit) => (limit, &delta.admitted()),
            None => (usize::MAX, delta),
        };
        match admitted.apply(current)? {
            Applied::Keep(answer) => Ok(answer),
            Applied::Write { .. } if !sessions.have_room(id, delta, limit) => {
                Ok(CommitAnswer::Full)
            }
            Applied::Write { .. } if is_new && sessions.by_id.len() >= self.max_sessions => Err(
                StoreError::new("the memory store holds as many sessions as it may"),
            ),
            Applied::Write { record, keep_for } => {
                let expires = delta.now.after(keep_for);
                sessions.put(*id, record, expires, delta.owner());
                Ok(CommitAnswer::Committed)
            }
        }
    }

    async fn owned_by(
        &self,
        owner: &str,
        now: SystemTime,
    ) -> Result<Vec<(SessionId, Bytes)>, StoreError> {
        Ok(self.sessions().owned_by(owner, now).collect())
    }
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<SessionId, Held>,
    by_expiry: BTreeSet<(Timestamp, SessionId)>,
    by_owner: HashMap<Arc<str>, HashSet<SessionId>>,
}

struct Held {
    record: Bytes,
    expires: Timestamp,
    owner: Option<Arc<str>>,
}

impl Sessions {
    fn get(&self, id: &SessionId) -> Option<Bytes> {
        Some(self.by_id.get(id)?.record.clone())
    }

    /// Whether the owner may have the session beside others.
    fn have_room(&self, id: &SessionId, delta: &Delta, limit: usize) -> bool {
        let Some(owner) = delta.owner().filter(|_| limit < usize::MAX) else {
            return true;
        };
        let mut others = 0;
        for (other, _) in self.owned_by(owner, delta.now.into()) {
            if other == *id {
                return true;
            }
            others += 1;
        }
        others < limit
    }

    fn owned_by(&self, owner: &str, now: SystemTime) -> impl Iterator<Item = (SessionId, Bytes)> {
        let ids = self.by_owner.get(owner).into_iter().flatten();
        let held = ids.filter_map(|id| Some((*id, self.get(id)?)));
        held.filter(move |(_, record)| is_owned(record, owner, now))
    }

    /// Puts a record in the place of the one before. Its owner stays unless there is another one.
    fn put(&mut self, id: SessionId, record: Bytes, expires: Timestamp, owner: Option<&str>) {
        let old = self.remove(&id);
        let owner = match owner {
            Some(owner) => Some(owner.into()),
            None => old.and_then(|old| old.owner),
        };
        if let Some(owner) = &owner {
            self.by_owner
                .entry(Arc::clone(owner))
                .or_default()
                .insert(id);
        }
        self.by_expiry.insert((expires, id));
        let held = Held {
            record,
            expires,
            owner,
        };
        self.by_id.insert(id, held);
    }

    fn remove(&mut self, id: &SessionId) -> Option<Held> {
        let held = self.by_id.remove(id)?;
        self.by_expiry.remove(&(held.expires, *id));
        if let Some(owner) = &held.owner
            && let Some(ids) = self.by_owner.get_mut(owner)
        {
            ids.remove(id);
            if ids.is_empty() {
                self.by_owner.remove(owner);
            }
        }
        Some(held)
    }

    fn drop_expired(&mut self, now: Timestamp) {
        while let Some((expires, id)) = self.by_expiry.first().copied() {
            if expires > now {
                break;
            }
            self.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::{
        delta::DeltaKind,
        header::Header,
        lifetime::Lifetime,
        owner::Account,
        record::Record,
        token::{Token, Verifier},
    };

    const MINUTE: Duration = Duration::from_secs(60);

    fn id(byte: u8) -> SessionId {
        Token::for_new_session([byte; Token::ENTROPY]).id()
    }

    /// A session of a minute that begins at `now`.
    fn creation(now: Timestamp) -> Delta {
        let header = Header::new(Verifier([0; 32]), Lifetime::new(MINUTE, MINUTE), now);
        let kind = DeltaKind::Create(Record::assemble(header, vec![0; Header::LEN]));
        let nonce = [1; 8];
        Delta {
            nonce,
            now,
            is_repeated: false,
            is_use: true,
            account: Account::Nothing,
            kind,
        }
    }

    #[tokio::test]
    async fn expired_sessions_are_dropped_as_others_are_written() {
        let store = MemoryStore::new();
        let start = Timestamp(0);
        for (byte, at) in [
            (1, start),
            (2, start.after(MINUTE)),
            (3, start.after(2 * MINUTE)),
        ] {
            store.commit(&id(byte), &creation(at)).await.unwrap();
        }
        // A minute after the deadline, for those who loaded it in time.
        assert_eq!(store.load(&id(1)).await.unwrap(), None);
        assert!(store.load(&id(2)).await.unwrap().is_some());
        assert_eq!(store.sessions().by_expiry.len(), 2);
    }

    #[tokio::test]
    async fn a_full_store_refuses_new_sessions_and_keeps_the_others() {
        let store = MemoryStore::new().with_max_sessions(1);
        let start = Timestamp(0);
        store.commit(&id(1), &creation(start)).await.unwrap();
        assert!(store.commit(&id(2), &creation(start)).await.is_err());
        let now = start.after(MINUTE / 2);
        let kind = DeltaKind::Destroy;
        let nonce = [2; 8];
        let end = Delta {
            nonce,
            now,
            is_repeated: false,
            is_use: true,
            account: Account::Nothing,
            kind,
        };
        let answer = store.commit(&id(1), &end).await.unwrap();
        assert_eq!(answer, CommitAnswer::Committed);
        let later = creation(now.after(MINUTE));
        let answer = store.commit(&id(2), &later).await.unwrap();
        assert_eq!(answer, CommitAnswer::Committed, "there is room again");
    }
}
