//! A store that checks what it is told to write.

use std::collections::BTreeMap;

use bytes::Bytes;
use tower_session_layer::{
    SessionId,
    fuzzing::{self, Write},
    store::{Applied, CommitAnswer},
};

use crate::record::{Header, Reading, canonical, read};

#[derive(Debug)]
pub struct Store {
    pub records: BTreeMap<SessionId, Bytes>,
    pub max_len: usize,
}

impl Store {
    /// Does what the law says about a write; `true` if that changed a record.
    pub fn commit(&mut self, write: &Write) -> (CommitAnswer, bool) {
        let before = self.records.get(&write.id);
        match write.delta.apply(before.cloned()).unwrap() {
            Applied::Keep(answer) => (answer, false),
            Applied::Write { record, .. } => {
                let max_len = self.max_len.max(before.map_or(0, Bytes::len));
                assert!(record.len() <= max_len, "{} bytes", record.len());
                check_form(&record);
                check_once(write, &record);
                if let Some(before) = before {
                    check_history(before, &record);
                }
                self.records.insert(write.id, record);
                (CommitAnswer::Committed, true)
            }
        }
    }
}

/// What is written can be read, and has one form.
fn check_form(record: &Bytes) {
    assert!(matches!(read(record), Reading::Record(_)));
    assert_eq!(canonical(record), record[..]);
    assert_eq!(fuzzing::record(record), Some(Ok(record.clone())));
}

/// A write that comes twice happens once.
fn check_once(write: &Write, written: &Bytes) {
    for again in [
        write.delta.apply(Some(written.clone())),
        write.delta.repeated().apply(Some(written.clone())),
    ] {
        assert_eq!(again, Ok(Applied::Keep(CommitAnswer::Committed)));
    }
}

/// What no write may do to a record.
fn check_history(before: &[u8], after: &[u8]) {
    let (Reading::Record(old), Reading::Record(new)) = (read(before), read(after)) else {
        unreachable!("both were read before");
    };
    let [before, after] = [before, after].map(Header::of);
    assert!(!before.is_destroyed, "what ended stays as it is");
    assert_eq!(before.created, after.created);
    assert!(before.touched <= after.touched);
    match after.is_destroyed {
        true => assert!(new.values.is_empty() && new.reserved.is_empty()),
        false => assert_eq!(old.reserved, new.reserved, "no application reaches these"),
    }
    if before.epoch != after.epoch {
        assert_eq!(before.epoch.wrapping_add(1), after.epoch);
        assert_ne!(before.verifier, after.verifier);
        assert_eq!(after.replaced_by, 1);
    }
    if before.verifier != after.verifier {
        assert_eq!(before.verifier, after.previous);
    }
}
