//! Whose session it is, and what a list of somebody's sessions says of it.

use std::{num::NonZeroUsize, sync::Arc};

use bytes::Bytes;

use crate::session::{
    changes::Seen,
    delta::{Change, DeltaKind},
    error::{SessionError, SessionErrorKind},
    lifetime::Timestamp,
    record::Record,
    state::State,
    token::SessionId,
};

/// What a store that keeps account of owners has to note with a commit.
#[derive(Clone, Default)]
pub(crate) enum Account {
    #[default]
    Nothing,
    /// Whose session it is from now on, or goes on to be, with another end.
    Listed(Listing),
    /// Whose session it was: it ends.
    Unlisted(Arc<str>),
}

/// A session in the account of its owner.
#[derive(Clone)]
pub(crate) struct Listing {
    pub(crate) owner: Arc<str>,
    /// Until when it may be used at most. A record must not outlive this.
    pub(crate) until: Timestamp,
    /// How many sessions the owner may have, if the store is yet to make sure of that.
    pub(crate) limit: Option<NonZeroUsize>,
}

/// A session that ended, and whose it was.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) id: SessionId,
    pub(super) owner: Option<Arc<str>>,
}

impl Account {
    pub(crate) fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Listed(listing) => Some(listing),
            Self::Nothing | Self::Unlisted(_) => None,
        }
    }

    /// The same, with another end.
    pub(super) fn until(&self, until: Timestamp) -> Self {
        let listing = |listing: &Listing| Listing {
            until,
            ..listing.clone()
        };
        self.listing()
            .map(listing)
            .map_or(Self::Nothing, Self::Listed)
    }

    /// Whose session it is, or was.
    pub(crate) fn owner(&self) -> Option<&Arc<str>> {
        match self {
            Self::Listed(Listing { owner, .. }) | Self::Unlisted(owner) => Some(owner),
            Self::Nothing => None,
        }
    }
}

impl State {
    /// An owner comes with a new token: to belong to somebody is a privilege.
    pub(crate) fn set_owner(&mut self, owner: &str) -> Result<(), SessionError> {
        if owner.is_empty() || owner.len() > MAX_OWNER {
            return Err(SessionErrorKind::InvalidOwner.into());
        }
        // Said again with a new token, it is a change all the same: if the session is gone by then, the
        // sign-in begins another one with what this request set, and nothing else.
        if self.issues_a_token() {
            return self.put(OWNER, to_json(owner));
        }
        match self.owner().as_deref() == Some(owner) {
            true => Ok(()),
            false => Err(SessionErrorKind::NeedsRenewal.into()),
        }
    }

    pub(crate) fn set_details(&mut self, details: Bytes) -> Result<(), SessionError> {
        match details.len() > MAX_DETAILS {
            true => Err(SessionErrorKind::TooLarge.into()),
            false => self.put(DETAILS, details),
        }
    }

    pub(crate) fn owner(&self) -> Option<Arc<str>> {
        from_json(self.raw_value(OWNER)?)
    }

    pub(crate) fn details(&self) -> Option<&[u8]> {
        self.raw_value(DETAILS)
    }

    /// Whose session it is as far as the store was told.
    pub(crate) fn owner_in_store(&self) -> Option<Arc<str>> {
        let in_flight = self.in_flight.as_ref().map(|it| it.changes().see(OWNER));
        match in_flight {
            Some(Seen::Here(owner)) => from_json(owner?),
            Some(Seen::Below) | None => self.stored.as_ref()?.record.owner(),
        }
    }

    /// What a store that keeps account of owners has to note with the next write.
    pub(super) fn account_of(&self, write: &DeltaKind) -> Account {
        let until = match write {
            DeltaKind::Destroy => {
                let owner = self.ended.as_ref().and_then(|ended| ended.owner.clone());
                return owner.map_or(Account::Nothing, Account::Unlisted);
            }
            DeltaKind::Create(record) => record.header.absolute_deadline(),
            DeltaKind::Change(change) if change.concerns_the_account() => match &self.stored {
                Some(stored) => change.end_of(&stored.record.header),
                None => return Account::Nothing,
            },
            DeltaKind::Change(_) | DeltaKind::Rotate(_) => return Account::Nothing,
        };
        let listing = |owner| Listing {
            owner,
            until,
            limit: self.limits.max_sessions,
        };
        self.owner()
            .map_or(Account::Nothing, |it| Account::Listed(listing(it)))
    }
}

impl Change {
    /// Whether the session may belong to somebody else, or end at another time, after this.
    fn concerns_the_account(&self) -> bool {
        let renewal = self.renewal.as_ref();
        let is_sign_in = renewal.is_some_and(|it| it.authenticated.is_some());
        let has_owner = || self.entries.iter().any(|entry| &*entry.key == OWNER);
        is_sign_in || self.lifetime.is_some() || has_owner()
    }
}

impl Record {
    pub(crate) fn owner(&self) -> Option<Arc<str>> {
        from_json(self.value(OWNER)?)
    }

    pub(crate) fn details(&self) -> Option<&[u8]> {
        self.value(DETAILS)
    }

    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        !self.header.destroyed && now < self.header.deadline()
    }

    /// Whether this is a session of `owner` that somebody may still use at `now`. One that is idle for
    /// too long may be: by a request that began in time.
    pub(crate) fn is_of(&self, owner: &str, now: Timestamp) -> bool {
        let header = &self.header;
        let is_over = header.destroyed || header.absolute_deadline() <= now;
        !is_over && self.owner().as_deref() == Some(owner)
    }
}

/// Whether `record` is that of a session of `owner` that may be used at `now`; for a store that keeps
/// account of owners.
#[must_use]
pub fn is_owned(record: &Bytes, owner: &str, now: std::time::SystemTime) -> bool {
    let record = Record::parse(record.clone());
    record.is_ok_and(|record| record.is_of(owner, now.into()))
}

fn to_json(owner: &str) -> Bytes {
    serde_json::Value::from(owner).to_string().into()
}

fn from_json(owner: &[u8]) -> Option<Arc<str>> {
    serde_json::from_slice::<String>(owner).ok().map(Into::into)
}

/// No application can set or see these entries as values.
pub(super) const OWNER: &str = "@owner";
const DETAILS: &str = "@details";

const MAX_OWNER: usize = 255;
const MAX_DETAILS: usize = 1024;
