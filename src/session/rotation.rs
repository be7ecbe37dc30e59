//! When a secret may be replaced as a matter of routine, and how long its predecessor counts.

use std::time::Duration;

use crate::session::{
    error::SessionError,
    header::{Header, Previous, Replacement},
    lifetime::Timestamp,
    seal::Sealed,
    state::{Limits, State},
    token::{Token, Verifier},
};

/// How long a session remembers that its secret was replaced, or that it ended.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// How long a predecessor counts after its successor was first presented, unless configured.
pub(crate) const DEFAULT_GRACE: Duration = Duration::from_secs(60);

/// How long after a rotation its own response is waited for, before another one carries the
/// successor as well.
const DELIVERY: Duration = Duration::from_secs(2);

/// What a request can do about the routine replacement of its token.
pub(super) enum Rotation {
    /// Nothing: its token is not the current one, or what could be done is done.
    Impossible,
    /// It came with the current token.
    Possible(Token),
    /// It came with the current token, which is to be replaced.
    Due(Token),
    /// It came with the predecessor of a token which the browser does not seem to have.
    HandOver(Box<HandOver>),
}

/// A successor, and what the record said of it when the request was loaded: later it may say less.
pub(super) struct HandOver {
    pub(super) successor: Token,
    pub(super) predecessor: Verifier,
    pub(super) sealed: Sealed,
}

impl Rotation {
    /// For a request that came with the current token.
    pub(super) fn of_current(
        token: &Token,
        header: &Header,
        now: Timestamp,
        limits: &Limits,
    ) -> Self {
        let age = now.since(header.secret_since());
        let is_due = limits.rotate_every.is_some_and(|every| age >= every);
        match is_due && header.may_rotate(now, limits.grace) {
            true => Self::Due(token.clone()),
            false => Self::Possible(token.clone()),
        }
    }

    /// For a request that came with the predecessor of the current token.
    pub(super) fn of_predecessor(token: &Token, header: &Header, now: Timestamp) -> Self {
        let hand_over = header.undelivered(now).and_then(|sealed| {
            Some(HandOver {
                successor: token.unseal(sealed, header.verifier)?,
                predecessor: token.verifier(),
                sealed,
            })
        });
        hand_over.map_or(Self::Impossible, |it| Self::HandOver(it.into()))
    }

    pub(super) fn is_due(&self) -> bool {
        matches!(self, Self::Due(_) | Self::HandOver(_))
    }

    /// Takes back what the request asked for.
    pub(super) fn call_off(&mut self) {
        if let Self::Due(token) = self {
            *self = Self::Possible(token.clone());
        }
    }
}

impl State {
    /// Asks for a rotation. Where none is possible now, that is no error: it is routine.
    pub(crate) fn rotate(&mut self) -> Result<(), SessionError> {
        let Some(stored) = &mut self.stored else {
            return Ok(());
        };
        let may_rotate = (stored.record.header).may_rotate(stored.loaded, self.limits.grace);
        if let (Rotation::Possible(token), true) = (&stored.rotation, may_rotate) {
            let token = token.clone();
            self.head.check()?;
            stored.rotation = Rotation::Due(token);
        }
        Ok(())
    }
}

impl Header {
    /// Whether the secret may be replaced: not while the last replacement is still settling.
    pub(super) fn may_rotate(&self, now: Timestamp, grace: Duration) -> bool {
        let previous = self.previous.as_ref();
        previous.is_none_or(|previous| match previous.by {
            Replacement::Renewal => !self.was_renewed_lately(now),
            Replacement::Rotation { .. } => !previous.counts(now, grace),
        })
    }

    /// Whether the secret was replaced at a change of privilege, so lately that tokens from before
    /// are to be expected.
    pub(super) fn was_renewed_lately(&self, now: Timestamp) -> bool {
        self.previous.as_ref().is_some_and(|previous| {
            previous.by == Replacement::Renewal && now < previous.replaced.after(REMEMBERED)
        })
    }

    /// Whether `successor` is the current secret, replaced `predecessor` at routine, and was not
    /// presented yet.
    pub(super) fn awaits(&self, successor: Verifier, predecessor: Option<Verifier>) -> bool {
        let previous = self.previous.as_ref();
        self.verifier == successor
            && previous.is_some_and(|previous| {
                previous.awaits_its_successor()
                    && predecessor.is_none_or(|expected| previous.verifier == expected)
            })
    }

    /// Since when the secret is the current one.
    fn secret_since(&self) -> Timestamp {
        let previous = self.previous.as_ref();
        previous.map_or(self.created, |previous| previous.replaced)
    }

    /// The sealed successor, if its own response seems to be lost.
    fn undelivered(&self, now: Timestamp) -> Option<Sealed> {
        let previous = self.previous.as_ref()?;
        let is_missing = previous.awaits_its_successor();
        let is_late = now >= previous.replaced.after(DELIVERY);
        previous
            .sealed_successor()
            .filter(|_| is_missing && is_late)
    }
}

impl Previous {
    /// Whether the token is as good as its successor.
    pub(super) fn counts(&self, now: Timestamp, grace: Duration) -> bool {
        match self.by {
            Replacement::Renewal => false,
            Replacement::Rotation { presented, .. } => {
                presented.is_none_or(|presented| now < presented.after(grace))
            }
        }
    }

    pub(super) fn sealed_successor(&self) -> Option<Sealed> {
        match self.by {
            Replacement::Renewal => None,
            Replacement::Rotation { successor, .. } => successor,
        }
    }

    fn awaits_its_successor(&self) -> bool {
        matches!(
            self.by,
            Replacement::Rotation {
                presented: None,
                ..
            }
        )
    }

    /// Notes that the successor was presented, and erases it when the grace is over.
    pub(super) fn settle(&mut self, is_presented: bool, now: Timestamp, grace: Duration) {
        let is_over = !self.counts(now, grace);
        if let Replacement::Rotation {
            successor,
            presented,
        } = &mut self.by
        {
            successor.take_if(|_| is_over);
            if is_presented {
                presented.get_or_insert(now);
            }
        }
    }
}
