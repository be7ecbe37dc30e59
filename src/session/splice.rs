//! The record after a change: what stays, what goes, what is added.

use std::time::Duration;

use crate::session::{
    delta::{Base, Change, Delta, EntryChange, Rotate},
    header::{Header, Previous, Replacement},
    lifetime::Timestamp,
    record::{Entry, Record, entry_len, put_entry},
    rotation::REMEMBERED,
    token::Verifier,
};

impl Record {
    /// Whether the record would grow, and beyond its limit.
    pub(crate) fn outgrown_by(&self, change: &Change) -> bool {
        let old = self.as_bytes().len();
        if old + change.added_len() <= change.max_len {
            return false;
        }
        let kept = self.entries().filter(|entry| change.keeps(entry));
        let kept: usize = kept.map(|entry| entry.raw.len()).sum();
        let new = Header::LEN + kept + change.added_len();
        new > change.max_len && new > old
    }

    /// The record after `change`, whatever it was based on. Untouched entries stay in their
    /// order, changed ones follow in the order of the change.
    pub(crate) fn spliced(&self, change: &Change, delta: &Delta) -> Self {
        let mut bytes = Vec::with_capacity(self.as_bytes().len() + change.added_len());
        bytes.resize(Header::LEN, 0);
        for entry in self.entries().filter(|entry| change.keeps(entry)) {
            bytes.extend_from_slice(entry.raw);
        }
        for entry in &change.entries {
            if let Some(value) = &entry.value {
                put_entry(&mut bytes, &entry.key, value);
            }
        }
        if bytes.capacity() > 2 * bytes.len() {
            bytes.shrink_to_fit();
        }
        Self::assemble(self.header.changed(change, delta), bytes)
    }

    /// The record after a routine rotation; `None` if it cannot be.
    pub(crate) fn rotated(&self, rotate: &Rotate, delta: &Delta) -> Option<Self> {
        let mut header = self.header.clone();
        let is_current = header.verifier == rotate.from;
        if !is_current || !header.may_rotate(delta.now, rotate.grace) {
            return None;
        }
        let by = Replacement::Rotation {
            successor: Some(rotate.sealed),
            presented: None,
        };
        header.replace_verifier(rotate.to, delta.now, by);
        header.mark(delta);
        Some(Self::assemble(header, self.as_bytes().to_vec()))
    }
}

impl Change {
    pub(super) fn new_verifier(&self) -> Option<Verifier> {
        Some(self.renewal.as_ref()?.verifier)
    }

    /// The absolute deadline that a session with this header has after the change.
    pub(super) fn end_of(&self, header: &Header) -> Timestamp {
        let renewal = self.renewal.as_ref();
        let authenticated = renewal.and_then(|renewal| renewal.authenticated);
        let header = Header {
            authenticated: authenticated.or(header.authenticated),
            lifetime: self.lifetime.unwrap_or(header.lifetime),
            ..header.clone()
        };
        header.absolute_deadline()
    }

    /// Whether an entry stays as it is.
    fn keeps(&self, entry: &Entry<'_>) -> bool {
        let is_cleared = self.clear && !entry.is_reserved();
        !is_cleared && self.of(entry.key).is_none()
    }

    fn of(&self, key: &[u8]) -> Option<&EntryChange> {
        let by_key = |entry: &EntryChange| entry.key.as_bytes().cmp(key);
        let at = self.entries.binary_search_by(by_key).ok()?;
        Some(&self.entries[at])
    }

    /// Whether every entry that this change is based on is still what it was.
    pub(super) fn bases_stand_in(&self, record: &Record) -> bool {
        // Should a damaged record have a key twice, the first entry is the one that is read.
        self.entries.iter().all(|entry| match &entry.base {
            Base::Any => true,
            Base::Absent => record.value(&entry.key).is_none(),
            Base::Is(base) => record.value(&entry.key) == Some(base),
        })
    }

    fn added_len(&self) -> usize {
        self.entries.iter().map(EntryChange::len).sum()
    }
}

impl EntryChange {
    /// How much it adds to a record.
    fn len(&self) -> usize {
        let len = |value| entry_len(&self.key, value);
        self.value.as_deref().map_or(0, len)
    }
}

impl Header {
    fn changed(&self, change: &Change, delta: &Delta) -> Self {
        let mut header = self.clone();
        header.mark(delta);
        header.lifetime = change.lifetime.unwrap_or(header.lifetime);
        if let Some(previous) = &mut header.previous {
            let is_presented = change.presents == Some(header.verifier);
            previous.settle(is_presented, delta.now, change.grace);
        }
        if let Some(renewal) = &change.renewal {
            header.epoch = header.epoch.wrapping_add(1);
            header.authenticated = renewal.authenticated.or(header.authenticated);
            header.replace_verifier(renewal.verifier, delta.now, Replacement::Renewal);
        }
        header
    }

    /// Notes the commit, and with it a use of the session if it is one.
    fn mark(&mut self, delta: &Delta) {
        self.nonce = delta.nonce;
        if delta.is_use {
            self.touched = self.touched.max(delta.now);
        }
    }

    fn replace_verifier(&mut self, verifier: Verifier, now: Timestamp, by: Replacement) {
        self.previous = Some(Previous {
            verifier: std::mem::replace(&mut self.verifier, verifier),
            replaced: now,
            by,
        });
    }
}

/// How long a store has to keep a record.
pub(crate) fn keep_for(header: &Header, now: Timestamp) -> Duration {
    match header.destroyed {
        true => REMEMBERED,
        false => header.deadline().since(now) + SLACK,
    }
}

/// How long a record stays in the store after its deadline: requests that were loaded before it
/// may still commit.
pub(crate) const SLACK: Duration = Duration::from_secs(60);
