//! The store of the model: what a load says of a token, and what a commit does to a record.

use crate::session::tests::protocol::guards::Guards;

/// Names a session, a secret or a commit; which one, the field says.
pub(super) type Name = u8;

/// The secret of a token that somebody made up.
pub(super) const FORGED: Name = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Token {
    pub(super) session: Name,
    pub(super) secret: Name,
}

/// A record at some moment. Times are kept as what follows from them at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub(super) destroyed: bool,
    pub(super) epoch: u8,
    pub(super) verifier: Name,
    pub(super) previous: Option<Previous>,
    pub(super) nonce: Name,
    pub(super) entries: Entries,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Previous {
    pub(super) verifier: Name,
    pub(super) by: Replacement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Replacement {
    Renewal {
        /// Less than a minute ago.
        recent: bool,
    },
    Rotation {
        sealed: bool,
        successor: Successor,
    },
}

/// What became of the token that a rotation made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Successor {
    Unpresented,
    /// Presented; the grace of its predecessor is not over.
    InGrace,
    /// Presented, a grace or longer ago.
    Settled,
}

/// The entries, by who wrote them rather than by what was written: that shows what is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Entries {
    /// The requests that inserted a key of their own, as bits.
    pub(super) own: u8,
    /// How often each request incremented the key that all share, two bits for each.
    pub(super) number: u8,
    /// The request, counted from one, that took the value meant to be taken once.
    pub(super) taken_by: Option<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Delta {
    pub(super) nonce: Name,
    pub(super) kind: DeltaKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum DeltaKind {
    Create(Record),
    Change(Change),
    Rotate(Rotate),
    Destroy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Change {
    pub(super) epoch: u8,
    /// Of a change that is sent again: the nonce that its record was loaded with.
    pub(super) known: Option<Name>,
    pub(super) presents: Option<Name>,
    pub(super) renewal: Option<Name>,
    pub(super) base: Base,
    /// Added to what is there.
    pub(super) own: u8,
    pub(super) number: Option<u8>,
    pub(super) takes: Option<Name>,
}

/// What the entries must still be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Base {
    pub(super) number: Option<u8>,
    pub(super) untaken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Rotate {
    pub(super) epoch: u8,
    pub(super) from: Name,
    pub(super) to: Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    Committed,
    Gone,
    Superseded,
    Conflict(Record),
    Unknown,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Claim {
    Current,
    Predecessor,
    Unknown,
    Past { may_destroy: bool },
}

impl Claim {
    pub(super) fn is_full(self) -> bool {
        matches!(self, Self::Current | Self::Predecessor)
    }
}

impl Record {
    /// What `secret` is worth with this record.
    pub(super) fn judge(&self, secret: Name, guards: Guards) -> Claim {
        let claim = match self.destroyed {
            true => self.judge_ended(secret),
            false => self.judge_live(secret),
        };
        match claim {
            Claim::Past { .. } if !guards.past => Claim::Unknown,
            claim => claim,
        }
    }

    fn judge_ended(&self, secret: Name) -> Claim {
        let is_past = self.verifier == secret
            || self.previous.is_some_and(|previous| match previous.by {
                Replacement::Renewal { recent } => recent,
                Replacement::Rotation { successor, .. } => {
                    previous.verifier == secret && successor != Successor::Settled
                }
            });
        match is_past {
            true => Claim::Past { may_destroy: false },
            false => Claim::Unknown,
        }
    }

    fn judge_live(&self, secret: Name) -> Claim {
        if self.verifier == secret {
            return Claim::Current;
        }
        match self
            .previous
            .map(|previous| (previous.verifier == secret, previous.by))
        {
            Some((is_previous, Replacement::Renewal { recent: true })) => Claim::Past {
                may_destroy: is_previous,
            },
            Some((true, Replacement::Rotation { successor, .. }))
                if successor != Successor::Settled =>
            {
                Claim::Predecessor
            }
            _ => Claim::Unknown,
        }
    }

    /// Whether the previous token was replaced by routine, and nobody presented the new one.
    pub(super) fn is_unpresented(&self) -> bool {
        self.successor() == Some(Successor::Unpresented)
    }

    pub(super) fn successor(&self) -> Option<Successor> {
        match self.previous?.by {
            Replacement::Rotation { successor, .. } => Some(successor),
            Replacement::Renewal { .. } => None,
        }
    }
}
