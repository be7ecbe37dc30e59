//! Calls of the script that keeps the account of an owner; `owners.lua` has their layout.

use std::{sync::LazyLock, time::Duration};

use redis::{Cmd, Value};

use crate::{
    session::{
        lifetime::{Timestamp, millis},
        owner::Listing,
        splice::SLACK,
        token::SessionId,
    },
    store::redis::{
        asking::{Failure, unexpected_reply},
        script::{Call, Script},
    },
};

/// Enters a session.
pub(super) struct Enrolment<'a> {
    pub(super) key: &'a str,
    pub(super) id: &'a SessionId,
    pub(super) listing: &'a Listing,
    pub(super) now: Timestamp,
    /// For how long its record may be on its way.
    pub(super) arrival: Duration,
}

impl Enrolment<'_> {
    /// Whether it was entered, and the time of Redis.
    pub(super) fn outcome(reply: Value) -> Result<(bool, i64), Failure> {
        let Value::Array(parts) = reply else {
            return Err(unexpected_reply());
        };
        match parts[..] {
            [Value::Int(outcome @ 0..=1), Value::Int(clock)] => Ok((outcome == 0, clock)),
            _ => Err(unexpected_reply()),
        }
    }
}

impl Call for Enrolment<'_> {
    fn script(&self) -> &'static Script {
        &SCRIPT
    }

    fn put_arguments(&self, call: &mut Cmd) {
        call.arg(1)
            .arg(self.key)
            .arg("enrol")
            .arg(self.id.as_bytes());
        call.arg(self.listing.until.0).arg(self.now.0);
        call.arg(millis(self.arrival));
        call.arg(self.listing.limit.map_or(0, |limit| limit.get()));
        call.arg(millis(SLACK));
    }
}

/// Strikes out sessions.
pub(super) struct StrikeOut<'a> {
    pub(super) key: &'a str,
    pub(super) ids: &'a [SessionId],
    pub(super) when: Strike,
}

/// When a session may be struck out.
#[derive(Clone, Copy)]
pub(super) enum Strike {
    /// At any time: it ended for good.
    Ever,
    /// Unless its record may be on its way, and not after this, by the clock of Redis: it may have
    /// been entered again by then.
    Until(u64),
}

impl Call for StrikeOut<'_> {
    fn script(&self) -> &'static Script {
        &SCRIPT
    }

    fn put_arguments(&self, call: &mut Cmd) {
        let (not_after, marks_protect) = match self.when {
            Strike::Ever => (u64::MAX, 0_u8),
            Strike::Until(not_after) => (not_after, 1),
        };
        call.arg(1).arg(self.key).arg("strike");
        call.arg(not_after).arg(marks_protect);
        for id in self.ids {
            call.arg(id.as_bytes());
        }
    }
}

const SOURCE: &str = include_str!("owners.lua");
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(SOURCE));
