//! The law of every store in the words of the model: names become secrets, and back.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    claim,
    delta::{self, Applied, CommitAnswer},
    header,
    lifetime::{Lifetime, Timestamp},
    record,
    rotation::REMEMBERED,
    tests::protocol::store::{
        Answer, Change, Claim, Delta, DeltaKind, Entries, FORGED, Name, Previous, Record,
        Replacement, Rotate, Successor,
    },
    token::{Token, Verifier},
};

const GRACE: Duration = Duration::from_secs(20);
const LIFETIME: Lifetime =
    Lifetime::new(Duration::from_secs(1 << 30), Duration::from_secs(1 << 30));

/// One record as a store holds it, and the time.
pub(super) struct Bench {
    pub(super) stored: Option<Bytes>,
    pub(super) now: Timestamp,
}

impl Bench {
    /// Time passes, and the store forgets a tombstone.
    pub(super) fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
        let now = self.now;
        self.stored.take_if(|bytes| {
            let header = parsed(bytes).header;
            header.destroyed && header.touched.after(REMEMBERED) <= now
        });
    }

    pub(super) fn apply(&mut self, delta: Delta) -> Answer {
        match self.real(delta).apply(self.stored.clone()).unwrap() {
            Applied::Write { record, .. } => {
                self.stored = Some(record);
                Answer::Committed
            }
            Applied::Keep(CommitAnswer::Committed) => Answer::Committed,
            Applied::Keep(CommitAnswer::Gone) => Answer::Gone,
            Applied::Keep(CommitAnswer::Superseded) => Answer::Superseded,
            Applied::Keep(CommitAnswer::Unknown) => Answer::Unknown,
            Applied::Keep(CommitAnswer::Conflict(bytes)) => Answer::Conflict(self.project(&bytes)),
        }
    }

    pub(super) fn judge(&self, secret: Name) -> Claim {
        let Some(bytes) = &self.stored else {
            return Claim::Unknown;
        };
        match claim::Claim::judge(&token(secret), &parsed(bytes).header, self.now, GRACE) {
            claim::Claim::Current => Claim::Current,
            claim::Claim::Predecessor => Claim::Predecessor,
            claim::Claim::Unknown | claim::Claim::Reused => Claim::Unknown,
            claim::Claim::Past { may_end, .. } => Claim::Past {
                may_destroy: may_end,
            },
        }
    }

    /// What the model says of the record.
    pub(super) fn record(&self) -> Option<Record> {
        Some(self.project(self.stored.as_ref()?))
    }

    fn project(&self, bytes: &Bytes) -> Record {
        let record = parsed(bytes);
        let header = &record.header;
        let previous = header.previous.as_ref().map(|previous| Previous {
            verifier: name_of(previous.verifier),
            by: self.replacement(previous),
        });
        Record {
            destroyed: header.destroyed,
            epoch: header.epoch as u8,
            verifier: name_of(header.verifier),
            previous,
            nonce: header.nonce[0],
            entries: match header.destroyed {
                true => Entries::default(),
                false => entries(&record),
            },
        }
    }

    fn replacement(&self, previous: &header::Previous) -> Replacement {
        match previous.by {
            header::Replacement::Renewal => Replacement::Renewal {
                recent: self.now < previous.replaced.after(REMEMBERED),
            },
            header::Replacement::Rotation {
                successor,
                presented,
            } => Replacement::Rotation {
                sealed: successor.is_some(),
                successor: match presented {
                    None => Successor::Unpresented,
                    Some(at) if self.now < at.after(GRACE) => Successor::InGrace,
                    Some(_) => Successor::Settled,
                },
            },
        }
    }

    fn real(&self, delta: Delta) -> delta::Delta {
        let (kind, is_repeated) = match delta.kind {
            DeltaKind::Destroy => (delta::DeltaKind::Destroy, false),
            DeltaKind::Create(record) => (delta::DeltaKind::Create(self.creation(record)), false),
            DeltaKind::Rotate(rotate) => (delta::DeltaKind::Rotate(self.rotation(rotate)), false),
            DeltaKind::Change(change) => {
                let is_repeated = change.known.is_some();
                (delta::DeltaKind::Change(self.change(change)), is_repeated)
            }
        };
        delta::Delta {
            nonce: [delta.nonce; 8],
            now: self.now,
            is_repeated,
            kind,
        }
    }

    fn creation(&self, record: Record) -> record::Record {
        let verifier = token(record.verifier).verifier();
        let mut header = header::Header::new(verifier, LIFETIME, self.now);
        header.nonce = [record.nonce; 8];
        let mut bytes = vec![0; header::Header::LEN];
        let number = counted(record.entries.number);
        if let Some(number) = number {
            record::put_entry(&mut bytes, NUMBER, &number);
        }
        for key in own_keys(record.entries.own) {
            record::put_entry(&mut bytes, key, b"1");
        }
        record::Record::assemble(header, bytes)
    }

    fn rotation(&self, rotate: Rotate) -> delta::Rotate {
        let (from, to) = (token(rotate.from), token(rotate.to));
        delta::Rotate {
            epoch: rotate.epoch.into(),
            loaded: self.now,
            from: from.verifier(),
            to: to.verifier(),
            sealed: from.seal(&to),
            grace: GRACE,
        }
    }

    fn change(&self, change: Change) -> delta::Change {
        let verifier = |secret| token(secret).verifier();
        let entries = changed_entries(&change);
        delta::Change {
            epoch: change.epoch.into(),
            loaded: self.now,
            known: [change.known.unwrap_or_default(); 8],
            presents: change.presents.map(verifier),
            grace: GRACE,
            renewal: change.renewal.map(|secret| delta::Renewal {
                verifier: verifier(secret),
                authenticated: None,
            }),
            lifetime: None,
            clear: false,
            entries,
            max_len: usize::MAX / 2,
        }
    }
}

/// In the order of their keys.
fn changed_entries(change: &Change) -> Vec<delta::EntryChange> {
    let number = change.number.map(|number| delta::EntryChange {
        key: NUMBER.into(),
        base: change
            .base
            .number
            .map_or(delta::Base::Any, |base| counted(base).into()),
        value: counted(number),
    });
    let taken = change.takes.map(|taker| delta::EntryChange {
        key: TAKEN.into(),
        base: match change.base.untaken {
            true => delta::Base::Absent,
            false => delta::Base::Any,
        },
        value: Some(vec![taker].into()),
    });
    let own = own_keys(change.own).map(|key| delta::EntryChange {
        key: key.into(),
        base: delta::Base::Any,
        value: Some(Bytes::from_static(b"1")),
    });
    number.into_iter().chain(own).chain(taken).collect()
}

fn entries(record: &record::Record) -> Entries {
    let first = |key: &str| record.value(key).map(|value| value[0]);
    let bit = |(bit, key): (u8, &&str)| u8::from(first(key).is_some()) << bit;
    Entries {
        own: (0..).zip(&OWN).map(bit).sum(),
        number: first(NUMBER).unwrap_or_default(),
        taken_by: first(TAKEN),
    }
}

fn own_keys(bits: u8) -> impl Iterator<Item = &'static str> {
    let is_set = move |(bit, _): &(usize, &str)| bits >> bit & 1 == 1;
    OWN.into_iter()
        .enumerate()
        .filter(is_set)
        .map(|(_, key)| key)
}

/// Zero is absent.
fn counted(number: u8) -> Option<Bytes> {
    (number != 0).then(|| vec![number].into())
}

/// The token of the one session that there is.
fn token(secret: Name) -> Token {
    Token::for_new_session([secret; Token::ENTROPY])
}

fn name_of(verifier: Verifier) -> Name {
    let has_it = |secret: &Name| token(*secret).verifier() == verifier;
    (0..=FORGED).find(has_it).unwrap()
}

fn parsed(bytes: &Bytes) -> record::Record {
    record::Record::parse(bytes.clone()).unwrap()
}

const NUMBER: &str = "number";
const OWN: [&str; 4] = ["own 0", "own 1", "own 2", "own 3"];
const TAKEN: &str = "taken";
