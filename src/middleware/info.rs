//! One session in a list.

use std::{cmp::Reverse, fmt, sync::Arc, time::SystemTime};

use serde::de::DeserializeOwned;

use crate::{
    middleware::{json::decode, session::Session},
    session::{
        error::SessionError,
        lifetime::{Lifetime, Timestamp},
        record::Record,
        token::SessionId,
    },
};

/// One of the [`Sessions`](crate::Sessions) of an owner. Nothing in it gives access to the session.
#[derive(Clone)]
pub struct SessionInfo {
    id: SessionId,
    record: Record,
}

impl SessionInfo {
    /// The public id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Whether this is the session of the present request.
    #[must_use]
    pub fn is_current(&self, session: &Session) -> bool {
        session.id() == Some(self.id)
    }

    /// When it began.
    #[must_use]
    pub fn created_at(&self) -> SystemTime {
        self.record.header.created.into()
    }

    /// When somebody last signed in, if anybody did.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.record.header.authenticated.map(Into::into)
    }

    /// When it was last used; uses are noted at most every tenth of its idle limit.
    #[must_use]
    pub fn last_used_at(&self) -> SystemTime {
        self.record.header.touched.into()
    }

    /// When it ends if nobody uses it from now on.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.record.header.deadline().into()
    }

    /// Its lifetime.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.record.header.lifetime
    }

    /// What the application attached by [`Session::set_details`].
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::SessionErrorKind::Decode) if it is of another type.
    pub fn details<T: DeserializeOwned>(&self) -> Result<Option<T>, SessionError> {
        self.record.details().map(decode).transpose()
    }

    pub(super) fn owner(&self) -> Option<Arc<str>> {
        self.record.owner()
    }

    pub(super) fn epoch(&self) -> u32 {
        self.record.header.epoch
    }

    pub(super) fn of(id: SessionId, record: Record) -> Self {
        Self { id, record }
    }

    /// `None` if the bytes are no record that can be read.
    pub(super) fn new((id, record): (SessionId, bytes::Bytes)) -> Option<Self> {
        let record = Record::parse(record).ok()?;
        Some(Self { id, record })
    }

    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        self.record.is_alive(now)
    }

    /// Of several the one that was used last comes first.
    pub(super) fn by_use(&self) -> impl Ord + use<> {
        (Reverse(self.record.header.touched), self.id)
    }

    /// Of several the one whose owner signed in first comes first.
    pub(super) fn by_age(&self) -> impl Ord + use<> {
        let header = &self.record.header;
        (header.authenticated.unwrap_or(header.created), self.id)
    }
}

impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
