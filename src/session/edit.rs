//! Changing the values of a session.

use bytes::Bytes;

use crate::session::{
    changes::{Seen, Update},
    error::{SessionError, SessionErrorKind},
    record::{RESERVED, entry_len},
    state::State,
};

impl State {
    pub(crate) fn insert(&mut self, key: &str, value: Bytes) -> Result<(), SessionError> {
        check_key(key)?;
        self.put(key, value)
    }

    /// The same, also under a reserved key.
    pub(super) fn put(&mut self, key: &str, value: Bytes) -> Result<(), SessionError> {
        self.check_can_begin()?;
        self.grow(key, &value)?;
        self.pending.put(key, Some(value));
        Ok(())
    }

    /// Removes an entry; `false` if there was none.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let Some(value) = self.value(key) else {
            self.refuse_unseen();
            return false;
        };
        self.len -= entry_len(key, value);
        self.pending.put(key, None);
        true
    }

    /// Removes an entry that the application got to see, and no other request may.
    pub(crate) fn take(&mut self, key: &str) {
        let Some(value) = self.shared_value(key) else {
            return;
        };
        self.len -= entry_len(key, &value);
        self.pending.take(key, value);
    }

    pub(crate) fn update(&mut self, key: &str, mut update: Update) -> Result<(), SessionError> {
        check_key(key)?;
        self.check_can_begin()?;
        let base = self.shared_value(key);
        let value = update(base.as_deref())?;
        self.grow(key, &value)?;
        self.pending.update(key, value, base, update);
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.refuse_unseen();
        if !self.is_empty() {
            self.pending.clear();
            self.len = self.measure();
        }
    }

    fn shared_value(&self, key: &str) -> Option<Bytes> {
        check_key(key).ok()?;
        match self.see_changes(key) {
            Seen::Here(value) => value.cloned(),
            Seen::Below => self.stored.as_ref()?.record.shared_value(key),
        }
    }

    /// Adds an entry to the length. What it replaces is looked up only if there might be no room: that
    /// goes through the whole record.
    fn grow(&mut self, key: &str, value: &[u8]) -> Result<(), SessionError> {
        let new = entry_len(key, value);
        if self.has_room_for(new) {
            self.len += new;
            return Ok(());
        }
        let old = self.entry_len(key).unwrap_or(0);
        self.len = self.measure() - old;
        if !self.has_room_for(new) && new > old {
            self.len += old;
            return Err(SessionErrorKind::TooLarge.into());
        }
        self.len += new;
        Ok(())
    }

    fn has_room_for(&self, entry: usize) -> bool {
        self.len + entry <= self.limits.max_len && entry <= self.limits.max_entry_len
    }

    /// A session that does not exist yet needs a cookie.
    fn check_can_begin(&self) -> Result<(), SessionError> {
        match self.stored {
            Some(_) => Ok(()),
            None => self.check_head(),
        }
    }
}

pub(super) fn check_key(key: &str) -> Result<(), SessionError> {
    match key.as_bytes() {
        [] | [RESERVED, ..] => Err(SessionErrorKind::InvalidKey.into()),
        key if key.len() > 255 => Err(SessionErrorKind::InvalidKey.into()),
        _ => Ok(()),
    }
}
