//! A record: entries, each a key and its JSON, with their lengths before them.

use crate::content::{Content, Value};

pub(super) fn of(content: Content) -> Vec<u8> {
    let mut record = Vec::with_capacity(content.bytes + 5 * content.keys);
    for (key, value) in content.entries() {
        put(&mut record, key, &json(value));
    }
    record
}

/// The JSON of a key, if there is one of this name.
pub(super) fn value<'a>(mut record: &'a [u8], key: &str) -> Option<&'a [u8]> {
    loop {
        let (key_len, rest) = record.split_first()?;
        let (found, rest) = rest.split_at_checked(usize::from(*key_len))?;
        let (len, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        if found == key.as_bytes() {
            return Some(value);
        }
        record = rest;
    }
}

pub(super) fn json(value: Value) -> Vec<u8> {
    serde_json::to_vec(&value).expect("numbers and texts can be JSON")
}

fn put(record: &mut Vec<u8>, key: &str, value: &[u8]) {
    record.push(key.len() as u8);
    record.extend_from_slice(key.as_bytes());
    record.extend_from_slice(&(value.len() as u32).to_be_bytes());
    record.extend_from_slice(value);
}
