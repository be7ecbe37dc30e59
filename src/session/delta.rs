//! What a commit carries: everything a request changed, ready to be applied as one atomic step.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::session::{
    header::Nonce,
    lifetime::{Lifetime, Timestamp},
    owner::Account,
    record::Record,
    seal::Sealed,
    step::Ingredients,
    token::Verifier,
};

/// A change of one record, to be applied as one atomic step.
///
/// A [`SessionStore`](crate::SessionStore) gets it in `commit`. A store that can hold a record
/// still while it thinks (a lock, a database transaction) calls [`apply`](Self::apply) and does as
/// it says; that is all there is to implementing one.
///
/// Applied twice in a row, it has the effect of once. A store that sends a delta again, because the
/// answer got lost, sends it as [`repeated`](Self::repeated).
#[derive(Clone)]
pub struct Delta {
    pub(crate) nonce: Nonce,
    pub(crate) now: Timestamp,
    /// Whether it was sent before and nobody saw the answer: it may have happened.
    pub(crate) is_repeated: bool,
    /// Whether it counts as a use of the session, so that the idle limit starts anew.
    pub(crate) is_use: bool,
    pub(crate) account: Account,
    pub(crate) kind: DeltaKind,
}

impl Delta {
    /// The end of a session, from outside of its requests.
    pub(crate) fn of_end(with: &Ingredients, owner: Option<Arc<str>>) -> Self {
        Self {
            nonce: with.nonce,
            now: with.now,
            is_repeated: false,
            is_use: false,
            account: owner.map_or(Account::Nothing, Account::Unlisted),
            kind: DeltaKind::Destroy,
        }
    }

    /// The same delta, to be sent once more because nobody saw the answer to it: it may have
    /// happened already. If others committed since, it is answered
    /// [`Unknown`](CommitAnswer::Unknown) and not applied.
    ///
    /// Send it only when the first copy can no longer happen.
    #[must_use]
    pub fn repeated(&self) -> Self {
        let is_repeated = true;
        Self {
            is_repeated,
            ..self.clone()
        }
    }

    /// Whose session this is from now on, if it says so.
    ///
    /// A store that keeps account of owners finds the session among
    /// [theirs](crate::SessionStore::owned_by) from the moment it is committed.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        Some(&self.account.listing()?.owner)
    }

    /// How many sessions [the owner](Self::owner) may have at most, this one included.
    ///
    /// A store that keeps account of owners makes sure of it within the same atomic step. It applies the
    /// delta as [`admitted`](Self::admitted); but if there is something to write, the session is not yet
    /// among theirs, and they have as many others (see [`is_owned`]), it writes nothing and answers
    /// [`CommitAnswer::Full`]. A store that does not do this answers so to every such delta.
    ///
    /// [`is_owned`]: crate::store::is_owned
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        self.account.listing()?.limit.map(NonZeroUsize::get)
    }

    /// The same delta, once the store has made sure of [the limit](Self::limit).
    #[must_use]
    pub fn admitted(&self) -> Self {
        let mut admitted = self.clone();
        if let Account::Listed(listing) = &mut admitted.account {
            listing.limit = None;
        }
        admitted
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            DeltaKind::Create(_) => "Create",
            DeltaKind::Change(_) => "Change",
            DeltaKind::Rotate(_) => "Rotate",
            DeltaKind::Destroy => "Destroy",
        };
        f.debug_tuple("Delta").field(&kind).finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(crate) enum DeltaKind {
    /// A session begins: its whole record, written unless something is there already.
    Create(Record),
    /// A session that was loaded changes.
    Change(Change),
    /// The secret of a session is replaced at routine.
    Rotate(Rotate),
    /// A session ends: a tombstone takes its place for a minute.
    Destroy,
}

/// A change of a record that was loaded and proven.
#[derive(Clone)]
pub(crate) struct Change {
    /// The epoch that was loaded; another one in the store means the session was renewed since.
    pub(crate) epoch: u32,
    /// When the record was loaded: the idle limit is judged at that time.
    pub(crate) loaded: Timestamp,
    /// The last commit that is known to this one. If it is repeated and there is another since,
    /// nobody can tell whether it happened before that.
    pub(crate) known: Nonce,
    /// The secret that the request came with, if it is the successor of a rotation and was not
    /// presented before.
    pub(crate) presents: Option<Verifier>,
    /// How long the predecessor of a successor counts after that was presented.
    pub(crate) grace: Duration,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) lifetime: Option<Lifetime>,
    /// Removes every entry that is not reserved before `entries` are applied.
    pub(crate) clear: bool,
    /// In the order of their keys, each key once.
    pub(crate) entries: Vec<EntryChange>,
    /// A record must not grow beyond this many bytes.
    pub(crate) max_len: usize,
}

/// A new secret at a change of privilege.
#[derive(Clone)]
pub(crate) struct Renewal {
    pub(crate) verifier: Verifier,
    /// Set by a sign-in: the authentication and the absolute limit start anew.
    pub(crate) authenticated: Option<Timestamp>,
}

/// A new secret at routine. The old one counts until a grace after the new one was presented.
///
/// Applied once more while nobody presented the new secret, it is committed and changes nothing:
/// that is how a request with the old one learns that it may hand out the new one.
#[derive(Clone)]
pub(crate) struct Rotate {
    pub(crate) epoch: u32,
    pub(crate) loaded: Timestamp,
    pub(crate) from: Verifier,
    pub(crate) to: Verifier,
    /// The new secret, sealed under the old one.
    pub(crate) sealed: Sealed,
    pub(crate) grace: Duration,
}

#[derive(Clone)]
pub(crate) struct EntryChange {
    pub(crate) key: Arc<str>,
    pub(crate) base: Base,
    /// `None` removes the entry.
    pub(crate) value: Option<Bytes>,
}

/// What an entry must still be for its change to apply.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Base {
    Any,
    Absent,
    Is(Bytes),
}

impl From<Option<Bytes>> for Base {
    fn from(value: Option<Bytes>) -> Self {
        value.map_or(Self::Absent, Self::Is)
    }
}

/// What has to happen to a record, as [`Delta::apply`] found it.
#[derive(Clone, PartialEq, Eq)]
pub enum Applied {
    /// Put `record` in the place of what is there, forget it after `keep_for`, and answer
    /// [`CommitAnswer::Committed`].
    #[non_exhaustive]
    Write {
        /// The bytes to store.
        record: Bytes,
        /// How long the store has to keep them.
        keep_for: Duration,
    },
    /// Leave everything as it is and give this answer.
    Keep(CommitAnswer),
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { record, keep_for } => f
                .debug_struct("Write")
                .field("record_len", &record.len())
                .field("keep_for", keep_for)
                .finish(),
            Self::Keep(answer) => f.debug_tuple("Keep").field(answer).finish(),
        }
    }
}

/// What became of a commit.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitAnswer {
    /// The record is as the delta wants it.
    Committed,
    /// There is no such session (any more).
    Gone,
    /// The session was renewed since it was loaded; or, for a routine rotation, another one came
    /// first.
    Superseded,
    /// An entry is not what the change was based on, or the record would grow beyond its limit.
    /// Carries the record as it is.
    Conflict(Bytes),
    /// The commit was sent before without an answer, and others came since: whether it happened
    /// cannot be told. It was not applied now.
    Unknown,
    /// What is there is damaged, or no record at all: as good as none. It was left as it is.
    Unreadable,
    /// The owner has as many sessions as they may: nothing was applied.
    Full,
}

impl fmt::Debug for CommitAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => f.write_str("Committed"),
            Self::Gone => f.write_str("Gone"),
            Self::Superseded => f.write_str("Superseded"),
            Self::Unknown => f.write_str("Unknown"),
            Self::Unreadable => f.write_str("Unreadable"),
            Self::Full => f.write_str("Full"),
            Self::Conflict(record) => write!(f, "Conflict({} bytes)", record.len()),
        }
    }
}
