//! The record, by the table in its module's documentation.

use std::collections::{BTreeMap, btree_map::Entry};

pub const HEADER: usize = 168;
pub const VERIFIER: usize = 8;
pub const PREVIOUS: usize = 40;
pub const SEALED: usize = 72;
pub const NONCE: usize = 120;

/// What bytes are, taken for a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    Corrupt,
    Newer,
    Record(Entries),
}

/// The entries of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Entries {
    pub values: BTreeMap<String, Vec<u8>>,
    /// Those that no application can see, in their order.
    pub reserved: Vec<(String, Vec<u8>)>,
    /// Some key is there twice; the first one counts.
    pub has_twins: bool,
}

pub fn read(bytes: &[u8]) -> Reading {
    match bytes {
        [1, 0..=1, 0..=2, 0..=1, ..] if bytes.len() >= HEADER => {}
        [2..=31, ..] => return Reading::Newer,
        _ => return Reading::Corrupt,
    }
    let mut entries = Entries::default();
    let mut at = HEADER;
    while at < bytes.len() {
        let Some((key, value, next)) = entry(bytes, at) else {
            return Reading::Corrupt;
        };
        entries.add(key, value);
        at = next;
    }
    Reading::Record(entries)
}

impl Entries {
    fn add(&mut self, key: String, value: Vec<u8>) {
        if key.starts_with('@') {
            return self.reserved.push((key, value));
        }
        match self.values.entry(key) {
            Entry::Occupied(_) => self.has_twins = true,
            Entry::Vacant(place) => drop(place.insert(value)),
        }
    }

    pub fn reserved_len(&self) -> usize {
        let len = |(key, value): &(String, Vec<u8>)| entry_len(key, value);
        self.reserved.iter().map(len).sum()
    }
}

pub fn entry_len(key: &str, value: &[u8]) -> usize {
    5 + key.len() + value.len()
}

/// The key and the value of the entry at `at`, and where the next one is.
fn entry(bytes: &[u8], at: usize) -> Option<(String, Vec<u8>, usize)> {
    let key_at = at + 1;
    let len_at = key_at + usize::from(*bytes.get(at)?);
    let value_at = len_at + 4;
    let len = bytes.get(len_at..value_at)?;
    let len = len
        .iter()
        .fold(0, |len, byte| len << 8 | usize::from(*byte));
    let next = value_at + len;
    let key = String::from_utf8(bytes.get(key_at..len_at)?.to_vec()).ok()?;
    let value = bytes.get(value_at..next)?.to_vec();
    (!key.is_empty()).then_some((key, value, next))
}

/// The record that is most like these bytes.
pub fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut record = bytes.to_vec();
    record.resize(record.len().max(HEADER), 0);
    record[0] = 1;
    record[1] %= 2;
    record[2] %= 3;
    record[3] %= 2;
    let mut at = HEADER;
    while let Some((_, _, next)) = entry(&record, at) {
        at = next;
    }
    record.truncate(at);
    record
}

/// A record as it is written: fields that say nothing are zeros, limits are a century at most.
pub fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut record = bytes.to_vec();
    match record[2] {
        0 => record[PREVIOUS..NONCE].fill(0),
        1 => {
            record[SEALED..104].fill(0);
            record[112..NONCE].fill(0);
        }
        _ => {}
    }
    for limit in [152, 160] {
        let capped = u64_at(bytes, limit).min(CENTURY);
        record[limit..limit + 8].copy_from_slice(&capped.to_be_bytes());
    }
    record
}

/// The header of a record.
#[derive(Debug)]
pub struct Header<'a> {
    pub is_destroyed: bool,
    pub replaced_by: u8,
    pub epoch: u32,
    pub verifier: &'a [u8],
    pub previous: &'a [u8],
    pub presented: u64,
    pub created: u64,
    pub touched: u64,
    pub idle_deadline: u64,
    pub absolute_deadline: u64,
}

impl<'a> Header<'a> {
    pub fn of(record: &'a [u8]) -> Self {
        let [created, authenticated, touched, idle, absolute] =
            [128, 136, 144, 152, 160].map(|at| u64_at(record, at));
        let began = created.max(authenticated);
        Self {
            is_destroyed: record[1] == 1,
            replaced_by: record[2],
            epoch: u32::from_be_bytes(record[4..8].try_into().unwrap()),
            verifier: &record[VERIFIER..PREVIOUS],
            previous: &record[PREVIOUS..SEALED],
            presented: u64_at(record, 112),
            created,
            touched,
            idle_deadline: touched.saturating_add(idle.min(CENTURY)),
            absolute_deadline: began.saturating_add(absolute.min(CENTURY)),
        }
    }

    /// Whether a request with the secret behind `verifier` has this session.
    pub fn admits(&self, verifier: &[u8], now: u64, grace: u64) -> bool {
        let is_in_grace = self.presented == 0 || now < self.presented.saturating_add(grace);
        let is_previous = self.replaced_by == 2 && self.previous == verifier && is_in_grace;
        let is_over = now >= self.idle_deadline || now >= self.absolute_deadline;
        !self.is_destroyed && !is_over && (self.verifier == verifier || is_previous)
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

const CENTURY: u64 = 36_525 * 24 * 60 * 60 * 1000;
