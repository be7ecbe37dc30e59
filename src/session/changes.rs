//! What a request changed, kept apart from what came in.

use std::sync::Arc;

use bytes::Bytes;

use crate::session::{
    delta::{Base, EntryChange},
    error::{SessionError, SessionErrorKind},
    lifetime::{Lifetime, Timestamp},
    record::{RESERVED, entry_len},
    state::Limits,
};

/// The changes of a request, as one layer above the record or above an earlier layer.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) renewal: Option<NewSecret>,
    pub(crate) lifetime: Option<Lifetime>,
    clear: bool,
    /// In the order of their keys.
    edits: Vec<(Arc<str>, Edit)>,
}

/// Why the session gets a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewSecret {
    Renewal,
    SignIn(Timestamp),
}

/// What a layer of changes says about a key.
pub(crate) enum Seen<'a> {
    /// Nothing: ask the layer below.
    Below,
    /// It is this, or absent.
    Here(Option<&'a Bytes>),
}

/// Computes the new value of an entry from its present one, each time it is asked.
pub(crate) type Update = Box<dyn FnMut(Option<&[u8]>) -> Result<Bytes, SessionError> + Send>;

impl Changes {
    pub(crate) fn see(&self, key: &str) -> Seen<'_> {
        match self.find(key) {
            Ok(at) => Seen::Here(self.edits[at].1.value.as_ref()),
            Err(_) if self.clear && !is_reserved(key) => Seen::Here(None),
            Err(_) => Seen::Below,
        }
    }

    /// Sets or removes an entry, whatever others do to it meanwhile.
    pub(crate) fn put(&mut self, key: &str, value: Option<Bytes>) {
        match self.find(key) {
            Ok(at) => self.edits[at].1.overwrite(value),
            Err(at) => self.add(at, key, value, Basis::None),
        }
    }

    /// Removes an entry that was handed to the application: no other request may have it too.
    pub(crate) fn take(&mut self, key: &str, taken: Bytes) {
        match self.find(key) {
            Ok(at) => self.edits[at].1.take(),
            Err(at) => self.add(at, key, None, Basis::Taken(Some(taken))),
        }
    }

    /// Sets an entry to what `update` made of `base`, the value it has below this layer.
    pub(crate) fn update(&mut self, key: &str, value: Bytes, base: Option<Bytes>, update: Update) {
        let basis = |update| match self.clear {
            true => Basis::None,
            false => Basis::Updated(base, vec![update]),
        };
        match self.find(key) {
            Ok(at) => self.edits[at].1.update(value, update),
            Err(at) => self.add(at, key, Some(value), basis(update)),
        }
    }

    /// Removes everything that is not reserved. A value that was taken stays taken.
    pub(crate) fn clear(&mut self) {
        self.clear = true;
        self.edits.retain_mut(|(key, edit)| {
            let is_reserved = is_reserved(key);
            if !is_reserved {
                edit.value = None;
            }
            is_reserved || matches!(edit.basis, Basis::Taken(_))
        });
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.clear
    }

    /// Whether there is something to save in a session that exists.
    pub(crate) fn is_dirty(&self) -> bool {
        let Self {
            renewal,
            lifetime,
            clear,
            edits,
        } = self;
        renewal.is_some() || lifetime.is_some() || *clear || !edits.is_empty()
    }

    /// Whether these changes make a session where there was none.
    pub(crate) fn begin_a_session(&self) -> bool {
        let has_value = |(_, edit): &(_, Edit)| edit.value.is_some();
        self.is_sign_in() || self.edits.iter().any(has_value)
    }

    pub(crate) fn is_sign_in(&self) -> bool {
        matches!(self.renewal, Some(NewSecret::SignIn(_)))
    }

    /// Each edited key with its new value.
    pub(crate) fn edits(&self) -> impl Iterator<Item = (&str, Option<&Bytes>)> {
        let edits = self.edits.iter();
        edits.map(|(key, edit)| (&**key, edit.value.as_ref()))
    }

    pub(crate) fn to_entry_changes(&self) -> Vec<EntryChange> {
        let entry = |(key, edit): &(Arc<str>, Edit)| EntryChange {
            key: Arc::clone(key),
            base: edit.basis.base(),
            value: edit.value.clone(),
        };
        self.edits.iter().map(entry).collect()
    }

    /// Makes the changes again on top of other values.
    ///
    /// # Errors
    ///
    /// `Conflict` if a value that was taken is no longer there; whatever an update returns.
    pub(crate) fn rebase(
        &mut self,
        below: impl Fn(&str) -> Option<Bytes>,
    ) -> Result<(), SessionError> {
        for (key, edit) in &mut self.edits {
            edit.rebase(|| below(key))?;
        }
        Ok(())
    }

    /// Whether an entry that was computed from another value grew, and beyond its limit.
    pub(crate) fn outgrow_an_entry(&self, limits: &Limits) -> bool {
        let is_too_long = |(key, edit): &(Arc<str>, Edit)| {
            let Basis::Updated(base, _) = &edit.basis else {
                return false;
            };
            let len = |value: &Option<Bytes>| value.as_ref().map_or(0, |it| entry_len(key, it));
            len(&edit.value) > limits.max_entry_len.max(len(base))
        };
        self.edits.iter().any(is_too_long)
    }

    /// These changes with `later` ones on top, as those of a session that is yet to begin.
    pub(crate) fn followed_by(mut self, later: Self) -> Self {
        self.renewal = match (self.renewal, later.renewal) {
            (Some(sign_in @ NewSecret::SignIn(_)), Some(NewSecret::Renewal)) => Some(sign_in),
            (earlier, later) => later.or(earlier),
        };
        self.lifetime = later.lifetime.or(self.lifetime);
        if later.clear {
            self.clear();
        }
        for (key, edit) in later.edits {
            self.put(&key, edit.value);
        }
        self
    }

    /// Where the edit of `key` is, or has to go.
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.edits.binary_search_by(|(other, _)| (**other).cmp(key))
    }

    fn add(&mut self, at: usize, key: &str, value: Option<Bytes>, basis: Basis) {
        self.edits.insert(at, (key.into(), Edit { value, basis }));
    }
}

pub(super) fn is_reserved(key: &str) -> bool {
    key.as_bytes().first() == Some(&RESERVED)
}

struct Edit {
    value: Option<Bytes>,
    basis: Basis,
}

/// What an edit relies on.
enum Basis {
    /// Nothing: it applies whatever is there.
    None,
    /// What was there was handed out, and must still be there to be removed.
    Taken(Option<Bytes>),
    /// The new value was computed from this one.
    Updated(Option<Bytes>, Vec<Update>),
}

impl Edit {
    fn overwrite(&mut self, value: Option<Bytes>) {
        self.value = value;
        if let Basis::Updated(..) = self.basis {
            self.basis = Basis::None;
        }
    }

    fn take(&mut self) {
        self.value = None;
        if let Basis::Updated(base, _) = &mut self.basis {
            self.basis = Basis::Taken(base.take());
        }
    }

    fn update(&mut self, value: Bytes, update: Update) {
        self.value = Some(value);
        if let Basis::Updated(_, updates) = &mut self.basis {
            updates.push(update);
        }
    }

    fn rebase(&mut self, below: impl FnOnce() -> Option<Bytes>) -> Result<(), SessionError> {
        match &mut self.basis {
            Basis::None => {}
            Basis::Taken(taken) => {
                if below() != *taken {
                    return Err(SessionErrorKind::Conflict.into());
                }
            }
            Basis::Updated(base, updates) => {
                *base = below();
                self.value.clone_from(base);
                for update in updates {
                    self.value = Some(update(self.value.as_deref())?);
                }
            }
        }
        Ok(())
    }
}

impl Basis {
    fn base(&self) -> Base {
        match self {
            Self::None => Base::Any,
            Self::Taken(base) | Self::Updated(base, _) => Base::from(base.clone()),
        }
    }
}
