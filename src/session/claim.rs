//! What a token is worth: judged once, when the record is loaded.

use std::time::Duration;

use crate::session::{
    error::SessionErrorKind,
    header::{Header, Replacement},
    lifetime::Timestamp,
    record::Record,
    rotation::{REMEMBERED, Rotation},
    standing::Standing,
    state::{Limits, State, Stored},
    token::Token,
};

/// What a token is worth at the record that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is the current one.
    Current,
    /// It was replaced at routine, and its successor may not have arrived.
    Predecessor,
    /// It was good a moment ago; why it no longer is, and whether it still may end the session.
    Past {
        because: SessionErrorKind,
        may_end: bool,
    },
    /// It was replaced at routine long ago: somebody kept a copy.
    Reused,
    /// It is as good as none.
    Unknown,
}

impl Claim {
    /// The one of several tokens of a record that is worth most there, and what it is worth.
    pub(crate) fn strongest<'a>(
        first: &'a Token,
        others: &'a [Token],
        header: &Header,
        now: Timestamp,
        grace: Duration,
    ) -> (&'a Token, Self) {
        let mut strongest = (first, Self::judge(first, header, now, grace));
        for token in others {
            let claim = Self::judge(token, header, now, grace);
            if claim.strength() > strongest.1.strength() {
                strongest = (token, claim);
            }
        }
        strongest
    }

    pub(crate) fn judge(token: &Token, header: &Header, now: Timestamp, grace: Duration) -> Self {
        let verifier = token.verifier();
        let is_current = header.verifier == verifier;
        let previous = header.previous.as_ref();
        let previous = previous.filter(|previous| previous.verifier == verifier);
        let is_predecessor = previous.is_some_and(|previous| previous.counts(now, grace));
        if header.destroyed {
            let was_good = is_current || is_predecessor || header.was_renewed_lately(now);
            return match was_good && now < header.touched.after(REMEMBERED) {
                true => Self::Past {
                    because: SessionErrorKind::Gone,
                    may_end: false,
                },
                false => Self::Unknown,
            };
        }
        if now >= header.deadline() {
            return Self::Unknown;
        }
        match (is_current, is_predecessor, previous) {
            (true, _, _) => Self::Current,
            (_, true, _) => Self::Predecessor,
            _ if header.was_renewed_lately(now) => Self::Past {
                because: SessionErrorKind::Superseded,
                may_end: previous.is_some(),
            },
            (_, _, Some(previous)) if previous.by != Replacement::Renewal => Self::Reused,
            _ => Self::Unknown,
        }
    }

    fn strength(self) -> u8 {
        match self {
            Self::Current => 5,
            Self::Predecessor => 4,
            Self::Past { may_end: true, .. } => 3,
            Self::Past { may_end: false, .. } => 2,
            Self::Reused => 1,
            Self::Unknown => 0,
        }
    }
}

impl State {
    /// The session that a request sees whose `token` has this claim on `record`.
    pub(crate) fn resume(
        claim: Claim,
        token: &Token,
        record: Record,
        now: Timestamp,
        limits: Limits,
    ) -> Self {
        let rotation = match claim {
            Claim::Current => Rotation::of_current(token, &record.header, now, &limits),
            Claim::Predecessor => Rotation::of_predecessor(token, &record.header, now),
            Claim::Past { because, may_end } => {
                let ends = may_end.then_some(token.id());
                let standing = Standing::OnlyBySignIn { because, ends };
                return Self::empty(standing, limits);
            }
            Claim::Reused | Claim::Unknown => return Self::empty(Standing::Free, limits),
        };
        let header = &record.header;
        let is_presented = claim == Claim::Current && header.awaits(header.verifier, None);
        let idle_for = now.since(header.touched);
        Self {
            len: record.as_bytes().len(),
            stored: Some(Stored {
                id: token.id(),
                is_touch_due: idle_for >= header.lifetime.touch_interval(),
                presents: is_presented.then_some(header.verifier),
                rotation,
                record,
                ahead: None,
                loaded: now,
            }),
            ..Self::empty(Standing::Free, limits)
        }
    }
}
