//! One request that changes a session, beside a map that has what it should see.

use std::collections::BTreeMap;

use bytes::Bytes;
use tower_session_layer::{
    SessionError, SessionErrorKind,
    fuzzing::{self, Act, Change, Request, Rules},
};

use crate::{
    plan::lifetime,
    record::{self, Entries, HEADER, Header, Reading, entry_len},
    store::Store,
};

/// A request, and what it should see.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) request: Request,
    pub(crate) values: BTreeMap<String, Vec<u8>>,
    /// The length of the entries that no application sees; `None` if that is not known.
    reserved_len: Option<usize>,
    pub(crate) is_head_held: bool,
    /// Nobody else changed the session meanwhile, and every write was answered.
    pub(crate) is_alone: bool,
    /// The record was never one of ours: two entries have the same key.
    pub(crate) has_twins: bool,
}

impl Visit {
    pub(crate) fn new(cookie: &str, store: &Store, now: u64, rules: &Rules) -> Self {
        let request = Request::new(cookie, &store.records, now, rules).unwrap();
        let grace = rules.grace.as_millis() as u64;
        let record = fuzzing::parts(cookie).and_then(|(id, verifier)| {
            let record = store.records.get(&id)?;
            let is_admitted = Header::of(record).admits(&verifier, now, grace);
            is_admitted.then_some(record)
        });
        assert_eq!(
            request.id().is_some(),
            record.is_some(),
            "what the token is worth"
        );
        let entries = record.map_or_else(Entries::default, |record| entries_of(record));
        let mut visit = Self {
            request,
            reserved_len: Some(entries.reserved_len()),
            has_twins: entries.has_twins,
            values: entries.values,
            is_head_held: true,
            is_alone: true,
        };
        visit.check();
        visit
    }

    pub(crate) fn act(&mut self, act: u8, one: u8, two: u8, rules: &Rules, now: u64) {
        let key = &self.key(one);
        match act {
            0..=2 => self.insert(key, value(two), rules),
            3 => {
                let was_there = self.request.act(Act::Remove(key)).unwrap();
                assert_eq!(was_there, self.values.remove(key).is_some());
            }
            4 => {
                self.request.act(Act::Take(key)).unwrap();
                self.values.remove(key);
            }
            5..=7 => self.update(key, two, rules),
            8 => {
                self.request.act(Act::Clear).unwrap();
                self.values.clear();
            }
            9 => {
                self.request.act(Act::Destroy).unwrap();
                self.values.clear();
                self.reserved_len = Some(0);
            }
            10 => {
                let signed_in = self.request.act(Act::SignIn(now)).is_ok();
                assert_eq!(signed_in, self.is_head_held);
            }
            11 => drop(self.request.act(Act::Renew)),
            12 => drop(self.request.act(Act::Rotate)),
            13 => drop(self.request.act(Act::SetLifetime(lifetime(one)))),
            14 if one.is_multiple_of(2) => drop(self.request.act(Act::Touch)),
            14 => drop(self.request.act(Act::MarkPassive)),
            _ => self.act_and_forget(Act::Discard),
        }
        self.check();
    }

    fn insert(&mut self, key: &str, value: Vec<u8>, rules: &Rules) {
        let expected = self.refusal(key, &value, rules);
        let inserted = self.request.act(Act::Insert(key, value.clone().into()));
        self.compare(inserted, expected, key, value);
    }

    fn update(&mut self, key: &str, how: u8, rules: &Rules) {
        let new = changed(self.values.get(key).map(|it| &it[..]), how);
        let refusal = self.refusal(key, new.as_deref().unwrap_or_default(), rules);
        let expected = match (refusal, &new) {
            (None | Some(SessionErrorKind::TooLarge), None) => Some(SessionErrorKind::Encode),
            _ => refusal,
        };
        let change: Change = Box::new(move |old| {
            let new = changed(old, how).map(Bytes::from);
            new.ok_or(SessionErrorKind::Encode.into())
        });
        let updated = self.request.act(Act::Update(key, change));
        self.compare(updated, expected, key, new.unwrap_or_default());
    }

    fn compare(
        &mut self,
        result: Result<bool, SessionError>,
        expected: Option<SessionErrorKind>,
        key: &str,
        value: Vec<u8>,
    ) {
        let refusal = result.err().map(|error| error.kind());
        let too_large = Some(SessionErrorKind::TooLarge);
        let is_len_known = !self.has_twins && self.reserved_len.is_some();
        if is_len_known || ![refusal, expected].contains(&too_large) {
            assert_eq!(refusal, expected);
        }
        if refusal.is_none() {
            self.values.insert(key.to_owned(), value);
        }
    }

    /// Why a value cannot be set.
    fn refusal(&self, key: &str, value: &[u8], rules: &Rules) -> Option<SessionErrorKind> {
        if !(1..=255).contains(&key.len()) || key.starts_with('@') {
            return Some(SessionErrorKind::InvalidKey);
        }
        if !self.is_head_held && self.request.id().is_none() {
            return Some(SessionErrorKind::HeadSent);
        }
        let lens = self.values.iter().map(|(key, value)| entry_len(key, value));
        let all = HEADER + self.reserved_len.unwrap_or(0) + lens.sum::<usize>();
        let old = self
            .values
            .get(key)
            .map_or(0, |value| entry_len(key, value));
        let new = entry_len(key, value);
        let is_too_large = all - old + new > rules.max_len || new > rules.max_entry_len;
        (is_too_large && new > old).then_some(SessionErrorKind::TooLarge)
    }

    /// Does what lets changes go that were made. What is left depends on whether writes arrived of
    /// which nobody heard.
    pub(crate) fn act_and_forget(&mut self, act: Act<'_>) {
        self.request.act(act).unwrap();
        self.values = present(self.request.values());
        self.reserved_len = None;
        self.is_alone = false;
    }

    /// The request sees what it should.
    pub(crate) fn check(&mut self) {
        if self.is_alone {
            let expected = self.values.iter();
            let expected = expected.map(|(key, value)| (&key[..], Some(&value[..])));
            assert!(self.request.values().into_iter().eq(expected));
        } else {
            self.values = present(self.request.values());
        }
    }

    pub(crate) fn check_saved(&self, store: &Store) {
        let record = self.request.id().map(|id| &store.records[&id]);
        if let Some(record) = record {
            assert_eq!(entries_of(record).values, self.values);
        }
    }

    /// A key of the session, or one from a list.
    fn key(&self, byte: u8) -> String {
        let existing = self.values.keys().nth(usize::from(byte & 0x7f));
        let listed = || match byte % 8 {
            0 => "a".to_owned(),
            1 => "b".to_owned(),
            2 => "user".to_owned(),
            3 => String::new(),
            4 => "@a".to_owned(),
            5 => "\u{e9}".to_owned(),
            6 => "k".repeat(255),
            _ => "k".repeat(256),
        };
        let existing = existing.filter(|_| byte >= 0x80).cloned();
        existing.unwrap_or_else(listed)
    }
}

fn entries_of(record: &[u8]) -> Entries {
    match record::read(record) {
        Reading::Record(entries) => entries,
        other => unreachable!("{other:?}"),
    }
}

/// A key that is shown has a value.
fn present(values: BTreeMap<&str, Option<&[u8]>>) -> BTreeMap<String, Vec<u8>> {
    let value = |(key, value): (&str, Option<&[u8]>)| (key.to_owned(), value.unwrap().to_vec());
    values.into_iter().map(value).collect()
}

fn value(byte: u8) -> Vec<u8> {
    let len = usize::from(byte % 64);
    match byte / 64 {
        0 => vec![byte; len],
        1 => byte.to_string().into_bytes(),
        2 => vec![byte; 16 * len],
        _ if byte == 255 => vec![byte; 65_000],
        _ => vec![],
    }
}

/// What an update makes of a value; `None` if it fails.
fn changed(old: Option<&[u8]>, how: u8) -> Option<Vec<u8>> {
    let mut value = old.unwrap_or_default().to_vec();
    match how % 8 {
        0 if value.len() % 2 == 1 => return None,
        1 => value.truncate(value.len() / 2),
        2 => value.clear(),
        3 => value.extend([how; 100]),
        _ => value.push(how),
    }
    Some(value)
}
