//! Looking at the values of a session: through the changes, newest first, down to the record.

use std::collections::BTreeMap;

use crate::session::{
    changes::{Seen, is_reserved},
    edit::check_key,
    header::Header,
    record::{Entry, Record, entry_len},
    state::State,
};

impl State {
    /// The raw value under `key`. A key that no application can set has none.
    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        check_key(key).ok()?;
        self.raw_value(key)
    }

    /// The same, also under a reserved key.
    pub(super) fn raw_value(&self, key: &str) -> Option<&[u8]> {
        match self.see_changes(key) {
            Seen::Here(value) => value.map(|value| &value[..]),
            Seen::Below => self.stored.as_ref()?.record.value(key),
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.entry_lens().into_keys();
        keys.filter(|key| !is_reserved(key))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// The length of the record with all changes.
    pub(super) fn measure(&self) -> usize {
        Header::LEN + self.entry_lens().into_values().sum::<usize>()
    }

    /// Each key, and how long its entry is.
    fn entry_lens(&self) -> BTreeMap<&str, usize> {
        let mut lens = BTreeMap::new();
        for entry in self.entries() {
            let (Ok(key), len) = (std::str::from_utf8(entry.key), entry.raw.len()) else {
                continue;
            };
            // Should a damaged record have a key twice, the first entry is the one that is read.
            lens.entry(key).or_insert(len);
        }
        for changes in self.layers().rev() {
            if changes.is_clear() {
                lens.retain(|key, _| is_reserved(key));
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
        Some(entry_len(key, self.raw_value(key)?))
    }
}
