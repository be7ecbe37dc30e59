//! One request of the model: where it stands, and what it knows.

use crate::session::tests::protocol::store::{Claim, Entries, Name, Record, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Read,
    /// Inserts a key of its own.
    Insert,
    /// Increments a number that all requests share.
    Update,
    /// Takes a value that is to be taken once.
    Take,
    /// Comes without a cookie and inserts a key of its own.
    Create,
    /// Signs in, and increments the number.
    SignIn,
    Renew,
    /// Inserts a key of its own, and then it is time for a new token.
    Rotate,
    Destroy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// The browser has not sent it yet.
    Waiting,
    /// It is on its way to the server.
    Sent(Token),
    /// It has a step to send to the store, or has sent it.
    Working(Work),
    Done(Done),
}

/// A request whose handler is through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub(super) from: Origin,
    pub(super) view: View,
    pub(super) step: Step,
    pub(super) is_unanswered: bool,
    /// The session that has the changes.
    pub(super) saved: Option<Name>,
}

/// With what a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) token: Option<Token>,
    /// Whether the token was replaced by a renewal, or ended, within the minute before the load.
    pub(super) is_past: bool,
}

/// What a request knows of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) claim: Claim,
    pub(super) epoch: u8,
    pub(super) nonce: Name,
    pub(super) entries: Entries,
    /// The present verifier, while its token is still unpresented.
    pub(super) unpresented: Option<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Change,
    Create,
    Destroy,
    /// To the secret that the request made up, or to the one that it was handed.
    Rotate(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Done {
    pub(super) from: Origin,
    pub(super) status: Status,
    /// The session that has the changes.
    pub(super) saved: Option<Name>,
    pub(super) cookie: Cookie,
    pub(super) is_delivered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Status {
    Ok,
    /// 409: nothing of it is stored.
    Refused,
    /// 503: perhaps it is stored.
    Unsure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cookie {
    None,
    Issue(Token, Why),
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Why {
    Created,
    SignedIn,
    Renewed,
    Rotated,
}

impl View {
    pub(super) fn new(claim: Claim, record: Option<Record>) -> Self {
        let record = record.filter(|_| claim.is_full());
        let unpresented = record.filter(Record::is_unpresented);
        Self {
            claim,
            epoch: record.map_or(0, |record| record.epoch),
            nonce: record.map_or(0, |record| record.nonce),
            entries: record.map(|record| record.entries).unwrap_or_default(),
            unpresented: unpresented.map(|record| record.verifier),
        }
    }
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Read,
        Self::Insert,
        Self::Update,
        Self::Take,
        Self::Create,
        Self::SignIn,
        Self::Renew,
        Self::Rotate,
        Self::Destroy,
    ];

    pub(super) fn inserts(self) -> bool {
        matches!(self, Self::Insert | Self::Create | Self::Rotate)
    }

    pub(super) fn increments(self) -> bool {
        matches!(self, Self::Update | Self::SignIn)
    }

    pub(super) fn renews(self) -> bool {
        matches!(self, Self::SignIn | Self::Renew)
    }
}

impl Work {
    /// The session that the request came with.
    pub(super) fn session(&self) -> Option<Name> {
        Some(self.from.token?.session)
    }

    pub(super) fn end(self, status: Status) -> Phase {
        self.end_with(status, Cookie::None)
    }

    pub(super) fn issue(self, token: Token, why: Why) -> Phase {
        self.end_with(Status::Ok, Cookie::Issue(token, why))
    }

    pub(super) fn end_with(self, status: Status, cookie: Cookie) -> Phase {
        Phase::Done(Done {
            from: self.from,
            status,
            saved: self.saved,
            cookie,
            is_delivered: false,
        })
    }
}
