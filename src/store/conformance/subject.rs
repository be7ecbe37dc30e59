//! The store under test, and the material to test it with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use crate::{
    session::{
        delta::{Base, Change, Delta, DeltaKind, EntryChange, Renewal, Rotate},
        header::{Header, Nonce},
        lifetime::{Lifetime, Timestamp},
        owner::Account,
        record::{Record, put_entry},
        rotation::DEFAULT_GRACE,
        seal::Sealed,
        token::{SessionId, Token, Verifier},
    },
    store::{CommitAnswer, SessionStore},
};

/// A store, and deltas for it that never share a nonce.
pub(super) struct Subject<S> {
    pub(super) store: Arc<S>,
    pub(super) now: Timestamp,
    nonces: AtomicU64,
}

impl<S: SessionStore> Subject<S> {
    pub(super) fn new(store: S) -> Self {
        Self {
            store: Arc::new(store),
            now: SystemTime::now().into(),
            nonces: AtomicU64::new(1),
        }
    }

    pub(super) fn delta(&self, kind: DeltaKind) -> Delta {
        let nonce = self.nonces.fetch_add(1, Ordering::Relaxed);
        Delta {
            nonce: nonce.to_be_bytes(),
            now: self.now,
            is_repeated: false,
            is_use: true,
            account: Account::Nothing,
            kind,
        }
    }

    /// A delta that begins a session with these entries.
    pub(super) fn creation(&self, entries: &[(&str, &str)]) -> Delta {
        let mut header = Header::new(Verifier([1; 32]), LIFETIME, self.now);
        let mut bytes = vec![0; Header::LEN];
        for (key, value) in entries {
            put_entry(&mut bytes, key, value.as_bytes());
        }
        let delta = self.delta(DeltaKind::Destroy);
        header.nonce = delta.nonce;
        let kind = DeltaKind::Create(Record::assemble(header, bytes));
        Delta { kind, ..delta }
    }

    /// A delta that changes a session in its first epoch.
    pub(super) fn change(&self, adjust: impl FnOnce(&mut Change)) -> Delta {
        let mut change = Change {
            epoch: 0,
            loaded: self.now,
            known: Nonce::default(),
            presents: None,
            grace: DEFAULT_GRACE,
            renewal: None,
            lifetime: None,
            clear: false,
            entries: Vec::new(),
            max_len: 64 * 1024,
        };
        adjust(&mut change);
        self.delta(DeltaKind::Change(change))
    }

    /// A delta that sets one entry, based on `base`.
    pub(super) fn set(&self, key: &str, base: Base, value: &str) -> Delta {
        self.change(|change| change.entries.push(entry(key, base, Some(value))))
    }

    /// A delta that renews a session in its first epoch.
    pub(super) fn renewal(&self, verifier: u8) -> Delta {
        self.change(|change| {
            change.renewal = Some(Renewal {
                verifier: Verifier([verifier; 32]),
                authenticated: None,
            });
        })
    }

    /// A delta that rotates a session in its first epoch, so long after the beginning.
    pub(super) fn rotation(&self, from: u8, to: u8, after: Duration) -> Delta {
        let rotate = Rotate {
            epoch: 0,
            loaded: self.now,
            from: Verifier([from; 32]),
            to: Verifier([to; 32]),
            sealed: Sealed([to; 32]),
            grace: DEFAULT_GRACE,
        };
        Delta {
            now: self.now.after(after),
            ..self.delta(DeltaKind::Rotate(rotate))
        }
    }

    /// A session that exists, with these entries.
    pub(super) async fn session(&self, entries: &[(&str, &str)]) -> SessionId {
        let id = new_id();
        let answer = self.commit(&id, &self.creation(entries)).await;
        assert_eq!(answer, CommitAnswer::Committed, "a session can be created");
        id
    }

    pub(super) async fn load(&self, id: &SessionId) -> Option<Bytes> {
        let loaded = self.store.load(id).await;
        loaded.unwrap_or_else(|error| fail("load", &error))
    }

    pub(super) async fn commit(&self, id: &SessionId, delta: &Delta) -> CommitAnswer {
        let answer = self.store.commit(id, delta).await;
        answer.unwrap_or_else(|error| fail("commit", &error))
    }

    /// The raw value of one entry.
    pub(super) async fn value(&self, id: &SessionId, key: &str) -> Option<Bytes> {
        Record::parse(self.load(id).await?).ok()?.shared_value(key)
    }
}

pub(super) fn entry(key: &str, base: Base, value: Option<&str>) -> EntryChange {
    EntryChange {
        key: key.into(),
        base,
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
    }
}

pub(super) fn new_id() -> SessionId {
    let mut entropy = [0; Token::ENTROPY];
    getrandom::fill(&mut entropy).unwrap_or_else(|error| fail("getrandom", &error));
    Token::for_new_session(entropy).id()
}

#[track_caller]
#[allow(clippy::panic)]
pub(super) fn fail(what: &str, error: &dyn std::error::Error) -> ! {
    panic!("{what} failed: {error:?}")
}

pub(super) const LIFETIME: Lifetime =
    Lifetime::new(Duration::from_secs(180), Duration::from_secs(240));
