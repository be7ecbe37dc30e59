//! Applying a delta to a record: the law of every store, and the whole work of most.
//!
//! The Redis store runs the same law as a script; a test holds the two against each other.

use bytes::Bytes;

use crate::session::{
    delta::{Applied, Change, CommitAnswer, Delta, DeltaKind, Rotate},
    header::{Header, Nonce},
    lifetime::Timestamp,
    record::{Record, UnreadableRecord},
    splice::keep_for,
    token::Verifier,
};

impl Delta {
    /// Decides what this delta does to a record.
    ///
    /// `current` is what the store holds under the session's id, `None` if nothing or if it is
    /// past its time. Nobody may change the record between reading `current` and doing what the
    /// answer says.
    ///
    /// # Errors
    ///
    /// [`NotARecord`] if `current` was written by a later version of this crate, which alone can
    /// judge it. What is damaged is no error: the answer is [`CommitAnswer::Unreadable`].
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
        if self.limit().is_some() {
            return Ok(Applied::Keep(CommitAnswer::Full));
        }
        let current = match current.map(Record::parse_header).transpose() {
            Err(UnreadableRecord::NewerVersion) => return Err(NotARecord(())),
            Err(UnreadableRecord::Corrupt) => {
                return Ok(Applied::Keep(CommitAnswer::Unreadable));
            }
            Ok(current) => current,
        };
        let decided = match &self.kind {
            DeltaKind::Create(record) => self.create(record, current),
            DeltaKind::Change(change) => self.change(change, current),
            DeltaKind::Rotate(rotate) => self.rotate(rotate, current),
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
            return Err(match is_repeated {
                true => CommitAnswer::Committed,
                false => CommitAnswer::Gone,
            });
        }
        header.destroyed = true;
        header.nonce = self.nonce;
        header.touched = header.touched.max(self.now);
        Ok(Record::assemble(header, vec![0; Header::LEN]))
    }

    fn change(&self, change: &Change, current: Option<Record>) -> Result<Record, CommitAnswer> {
        let (proposed, known) = (change.new_verifier(), Some(change.known));
        let current = self.admit(change.epoch, proposed, known, current)?;
        self.check_limits(change.loaded, &current.header)?;
        if !current.has_valid_entries() {
            return Err(CommitAnswer::Unreadable);
        }
        let is_stale = !change.bases_stand_in(&current) || self.ends_its_listing(change, &current);
        if is_stale || current.outgrown_by(change) {
            return Err(CommitAnswer::Conflict(current.into_bytes()));
        }
        Ok(current.spliced(change, self))
    }

    fn rotate(&self, rotate: &Rotate, current: Option<Record>) -> Result<Record, CommitAnswer> {
        let current = self.admit(rotate.epoch, None, None, current)?;
        self.check_limits(rotate.loaded, &current.header)?;
        // Whoever hands out the same successor writes nothing: no commit leaves its nonce twice, or
        // others could not tell what happened since.
        if current.header.awaits(rotate.to, Some(rotate.from)) {
            return Err(CommitAnswer::Committed);
        }
        let rotated = current.rotated(rotate, self);
        rotated.ok_or(CommitAnswer::Superseded)
    }

    /// The live record, unless this may not write to it, or already has.
    fn admit(
        &self,
        epoch: u32,
        proposed: Option<Verifier>,
        known: Option<Nonce>,
        current: Option<Record>,
    ) -> Result<Record, CommitAnswer> {
        let is_live = |record: &Record| !record.header.destroyed;
        let current = current.filter(is_live).ok_or(CommitAnswer::Gone)?;
        let header = &current.header;
        if header.nonce == self.nonce || proposed == Some(header.verifier) {
            return Err(CommitAnswer::Committed);
        }
        // If others committed since, this may have happened before them.
        if self.is_repeated && known.is_some_and(|known| known != header.nonce) {
            return Err(CommitAnswer::Unknown);
        }
        match header.epoch == epoch {
            true => Ok(current),
            false => Err(CommitAnswer::Superseded),
        }
    }

    /// Whether the session would outlive what the account of its owner says.
    fn ends_its_listing(&self, change: &Change, current: &Record) -> bool {
        let until = self.account.listing().map(|listing| listing.until);
        until.is_some_and(|until| change.end_of(&current.header) > until)
    }

    /// The idle limit is judged at the time of loading, the absolute one now.
    fn check_limits(&self, loaded: Timestamp, header: &Header) -> Result<(), CommitAnswer> {
        let is_idle = header.idle_deadline() <= loaded;
        match is_idle || header.absolute_deadline() <= self.now {
            true => Err(CommitAnswer::Gone),
            false => Ok(()),
        }
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
