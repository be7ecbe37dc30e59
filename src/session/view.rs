//! Looking at the values of a session: through the changes, newest first, down to the record.

use std::collections::BTreeMap;

use crate::session::{
    changes::Seen,
    edit::check_key,
    header::Header,
    record::{Entry, Record, entry_len},
    state::State,
};

impl State {
    /// The raw value under `key`. A key that no application can set has none.
    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        check_key(key).ok()?;
        match self.see_changes(key) {
            Seen::Here(value) => value.map(|value| &value[..]),
            Seen::Below => self.stored.as_ref()?.record.value(key),
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entry_lens().into_keys()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entry_lens().is_empty()
    }

    /// The length of the record with all changes.
    pub(super) fn measure(&self) -> usize {
        let reserved = self.entries().filter(Entry::is_reserved);
        let reserved: usize = reserved.map(|entry| entry.raw.len()).sum();
        let public: usize = self.entry_lens().into_values().sum();
        Header::LEN + reserved + public
    }

    /// Each key that the application sees, and how long its entry is.
    fn entry_lens(&self) -> BTreeMap<&str, usize> {
        let stored = self.entries();
        let public = stored.filter_map(|entry| Some((entry.public_key()?, entry.raw.len())));
        let mut lens = BTreeMap::new();
        for (key, len) in public {
            // Should a damaged record have a key twice, the first entry is the one that is read.
            lens.entry(key).or_insert(len);
        }
        for changes in self.layers().rev() {
            if changes.is_clear() {
                lens.clear();
            }
            for (key, value) in changes.edits() {
                match value {
                    Some(value) => lens.insert(key, entry_len(key, value)),
                    None => lens.remove(key),
                };
            }
        }
        lens
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let records = self.stored.iter().map(|stored| &stored.record);
        records.flat_map(Record::entries)
    }

    pub(super) fn see_changes(&self, key: &str) -> Seen<'_> {
        match (self.pending.see(key), &self.in_flight) {
            (Seen::Below, Some(in_flight)) => in_flight.changes().see(key),
            (seen, _) => seen,
        }
    }

    pub(super) fn entry_len(&self, key: &str) -> Option<usize> {
        Some(entry_len(key, self.value(key)?))
    }
}
