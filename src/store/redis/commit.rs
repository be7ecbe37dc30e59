//! The commit script and its arguments; `commit.lua` has their layout.

use std::sync::LazyLock;

use bytes::BufMut;
use redis::Cmd;

use crate::{
    session::{
        delta::{Base, Change, Delta, DeltaKind, EntryChange, Rotate},
        lifetime::millis,
        rotation::REMEMBERED,
        splice::{SLACK, keep_for},
    },
    store::redis::script::{Call, Script},
};

/// One call of the script.
pub(super) struct CommitScript<'a> {
    /// `None` for a call that only comes too late.
    pub(super) key: Option<&'a str>,
    pub(super) delta: &'a Delta,
    /// By the clock of Redis, in Unix milliseconds.
    pub(super) not_after: u64,
    /// Whether it may have been sent before.
    pub(super) is_repeated: bool,
}

impl Call for CommitScript<'_> {
    fn script(&self) -> &'static Script {
        &SCRIPT
    }

    fn put_arguments(&self, call: &mut Cmd) {
        match self.key {
            Some(key) => call.arg(1).arg(key),
            None => call.arg(0),
        };
        match &self.delta.kind {
            DeltaKind::Create(record) => {
                let keep_for = millis(keep_for(&record.header, self.delta.now));
                self.verb(call, "create");
                call.arg(&record.as_bytes()[..]).arg(keep_for);
            }
            DeltaKind::Destroy => {
                self.verb(call, "destroy");
                call.arg(self.delta.now.0).arg(millis(REMEMBERED));
            }
            DeltaKind::Rotate(rotate) => {
                self.verb(call, "rotate");
                call.arg(self.rotate(rotate));
            }
            DeltaKind::Change(change) => {
                self.verb(call, "change");
                self.change(call, change);
            }
        }
    }
}

impl CommitScript<'_> {
    fn verb(&self, call: &mut Cmd, verb: &str) {
        call.arg(verb).arg(&self.delta.nonce).arg(self.not_after);
    }

    fn change(&self, call: &mut Cmd, change: &Change) {
        let mut buffer = Vec::with_capacity(80);
        self.put_fixed(&mut buffer, change);
        call.arg(&buffer);
        buffer.clear();
        if let Some(renewal) = &change.renewal {
            buffer.put_slice(&renewal.verifier.0);
            buffer.put_u64(renewal.authenticated.map_or(0, |time| time.0));
        }
        call.arg(&buffer);
        call.arg(change.presents.as_ref().map_or(&[][..], |it| &it.0));
        let known = self.is_repeated.then_some(change.known);
        call.arg(known.as_ref().map_or(&[][..], |it| it));
        for entry in &change.entries {
            put_entry(call, &mut buffer, entry);
        }
    }

    fn put_fixed(&self, out: &mut Vec<u8>, change: &Change) {
        let lifetime = change.lifetime.unwrap_or_default();
        out.put_u64(self.delta.now.0);
        out.put_u64(self.used());
        out.put_u64(change.loaded.0);
        out.put_u32(change.epoch);
        out.put_u64(change.max_len as u64);
        out.put_u8(change.clear.into());
        out.put_u8(match change.lifetime {
            Some(lifetime) => lifetime.is_persistent().into(),
            None => 2,
        });
        out.put_u64(millis(lifetime.idle()));
        out.put_u64(millis(lifetime.absolute()));
        out.put_u64(millis(SLACK));
        out.put_u64(millis(change.grace));
        let listing = self.delta.account.listing();
        out.put_u64(listing.map_or(0, |listing| listing.until.0));
    }

    fn used(&self) -> u64 {
        match self.delta.is_use {
            true => self.delta.now.0,
            false => 0,
        }
    }

    fn rotate(&self, rotate: &Rotate) -> Vec<u8> {
        let mut out = Vec::with_capacity(148);
        out.put_u64(self.delta.now.0);
        out.put_u64(self.used());
        out.put_u64(rotate.loaded.0);
        out.put_u32(rotate.epoch);
        out.put_u64(millis(rotate.grace));
        out.put_u64(millis(REMEMBERED));
        out.put_u64(millis(SLACK));
        out.put_slice(&rotate.from.0);
        out.put_slice(&rotate.to.0);
        out.put_slice(&rotate.sealed.0);
        out
    }
}

fn put_entry(call: &mut Cmd, buffer: &mut Vec<u8>, entry: &EntryChange) {
    buffer.clear();
    buffer.put_u8(match (&entry.base, &entry.value) {
        (Base::Any, Some(_)) => b's',
        (Base::Any, None) => b'r',
        (Base::Absent | Base::Is(_), Some(_)) => b'S',
        (Base::Absent | Base::Is(_), None) => b'R',
    });
    buffer.put_slice(entry.key.as_bytes());
    call.arg(&*buffer);
    buffer.clear();
    if let Base::Is(base) = &entry.base {
        buffer.put_u8(b'=');
        buffer.put_slice(base);
    }
    call.arg(&*buffer);
    call.arg(entry.value.as_deref().unwrap_or_default());
}

const SOURCE: &str = include_str!("commit.lua");
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(SOURCE));
