//! Applying a delta to a record: the law of every store, and the whole work of most.
//!
//! The Redis store runs the same law as a script; a test holds the two against each other.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    delta::{Applied, Base, Change, CommitAnswer, Delta, DeltaKind, EntryChange},
    header::{Header, Nonce, Previous, Replacement},
    lifetime::Timestamp,
    record::{Entry, Record, UnreadableRecord, entry_len, put_entry},
};

/// How long a tombstone stays, so that a request from before the log-out is recognised.
pub(crate) const TOMBSTONE: Duration = Duration::from_secs(60);

/// How long a record stays in the store after its deadline: requests that were loaded before it
/// may still commit.
pub(crate) const SLACK: Duration = Duration::from_secs(60);

impl Delta {
    /// Decides what this delta does to a record.
    ///
    /// `current` is what the store holds under the session's id, `None` if nothing or if it is
    /// past its time. Nobody may change the record between reading `current` and doing what the
    /// answer says.
    ///
    /// # Errors
    ///
    /// [`NotARecord`] if `current` was not written by this crate, or by a later version of it.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use tower_session_layer::{SessionId, store::{Applied, CommitAnswer, Delta, NotARecord}};
    /// # use bytes::Bytes;
    /// fn commit(
    ///     table: &mut HashMap<SessionId, Bytes>,
    ///     id: &SessionId,
    ///     delta: &Delta,
    /// ) -> Result<CommitAnswer, NotARecord> {
    ///     Ok(match delta.apply(table.get(id).cloned())? {
    ///         Applied::Write { record, .. } => {
    ///             table.insert(*id, record);
    ///             CommitAnswer::Committed
    ///         }
    ///         Applied::Keep(answer) => answer,
    ///     })
    /// }
    /// ```
    pub fn apply(&self, current: Option<Bytes>) -> Result<Applied, NotARecord> {
        let current = current.map(Record::parse).transpose()?;
        let decided = match &self.kind {
            DeltaKind::Create(record) => self.create(record, current),
            DeltaKind::Change(change) => self.change(change, current),
            DeltaKind::Destroy => self.destroy(current),
        };
        Ok(match decided {
            Ok(record) => Applied::Write {
                keep_for: keep_for(&record.header, self.now),
                record: record.into_bytes(),
            },
            Err(answer) => Applied::Keep(answer),
        })
    }

    fn create(&self, new: &Record, current: Option<Record>) -> Result<Record, CommitAnswer> {
        match current {
            None => Ok(new.clone()),
            Some(current) if current.header.nonce == self.nonce => Err(CommitAnswer::Committed),
            Some(_) => Err(CommitAnswer::Superseded),
        }
    }

    fn destroy(&self, current: Option<Record>) -> Result<Record, CommitAnswer> {
        let mut header = current.ok_or(CommitAnswer::Gone)?.header;
        if header.destroyed {
            let is_repeated = header.nonce == self.nonce;
            return Err(if is_repeated {
                CommitAnswer::Committed
            } else {
                CommitAnswer::Gone
            });
        }
        header.destroyed = true;
        header.nonce = self.nonce;
        header.touched = header.touched.max(self.now);
        Ok(Record::assemble(header, vec![0; Header::LEN]))
    }

    fn change(&self, change: &Change, current: Option<Record>) -> Result<Record, CommitAnswer> {
        let is_live = |record: &Record| !record.header.destroyed;
        let current = current.filter(is_live).ok_or(CommitAnswer::Gone)?;
        self.guard(change, &current)?;
        let conflict = || CommitAnswer::Conflict(current.as_bytes().clone());
        if !change.bases_stand_in(&current) {
            return Err(conflict());
        }
        if current.outgrown_by(change) {
            return Err(conflict());
        }
        Ok(current.spliced(change, self.nonce, self.now))
    }

    /// Refuses what may not write to this record, or already has.
    fn guard(&self, change: &Change, current: &Record) -> Result<(), CommitAnswer> {
        let header = &current.header;
        let proposed = change.renewal.as_ref().map(|renewal| renewal.verifier);
        if header.nonce == self.nonce || proposed == Some(header.verifier) {
            return Err(CommitAnswer::Committed);
        }
        if header.epoch != change.epoch {
            return Err(CommitAnswer::Superseded);
        }
        let is_idle = header.idle_deadline() <= change.loaded;
        if is_idle || header.absolute_deadline() <= self.now {
            return Err(CommitAnswer::Gone);
        }
        Ok(())
    }
}

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
    pub(crate) fn spliced(&self, change: &Change, nonce: Nonce, now: Timestamp) -> Self {
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
        Self::assemble(self.header.changed(change, nonce, now), bytes)
    }
}

impl Change {
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
    fn bases_stand_in(&self, record: &Record) -> bool {
        if self.entries.iter().all(|entry| entry.base == Base::Any) {
            return true;
        }
        let needs_entry = |entry: &&EntryChange| matches!(entry.base, Base::Is(_));
        let mut missing = self.entries.iter().filter(needs_entry).count();
        for entry in record.entries() {
            match self.of(entry.key).map(|change| &change.base) {
                None | Some(Base::Any) => {}
                Some(Base::Is(base)) if base == entry.value => missing = missing.saturating_sub(1),
                Some(Base::Is(_) | Base::Absent) => return false,
            }
        }
        missing == 0
    }

    fn added_len(&self) -> usize {
        let len = |entry: &EntryChange| Some(entry_len(&entry.key, entry.value.as_ref()?));
        self.entries.iter().filter_map(len).sum()
    }
}

impl Header {
    fn changed(&self, change: &Change, nonce: Nonce, now: Timestamp) -> Self {
        let mut header = self.clone();
        header.nonce = nonce;
        header.touched = header.touched.max(now);
        header.lifetime = change.lifetime.unwrap_or(header.lifetime);
        if let Some(renewal) = &change.renewal {
            header.epoch = header.epoch.wrapping_add(1);
            header.authenticated = renewal.authenticated.or(header.authenticated);
            header.previous = Some(Previous {
                verifier: std::mem::replace(&mut header.verifier, renewal.verifier),
                replaced: now,
                by: Replacement::Renewal,
            });
        }
        header
    }
}

/// What is in the store is not a session record of this version of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARecord(());

impl std::fmt::Display for NotARecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stored value is not a session record that this version can read")
    }
}

impl std::error::Error for NotARecord {}

impl From<UnreadableRecord> for NotARecord {
    fn from(_: UnreadableRecord) -> Self {
        Self(())
    }
}

/// How long a store has to keep a record.
pub(crate) fn keep_for(header: &Header, now: Timestamp) -> Duration {
    match header.destroyed {
        true => TOMBSTONE,
        false => header.deadline().since(now) + SLACK,
    }
}
