//! The law of every store in the words of the model: its commits become real ones, its records
//! come from real ones.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    claim,
    delta::{self, Applied, CommitAnswer},
    header,
    lifetime::{Lifetime, Timestamp},
    owner::Account,
    record,
    rotation::REMEMBERED,
    tests::protocol::{
        names::{
            NUMBER, TAKEN, counted, entries, name_of, own_keys, real_token, verifier_of, with_prize,
        },
        store::{
            Answer, Change, Claim, Delta, DeltaKind, Entries, Name, Previous, Record, Replacement,
            Rotate, Successor, Token,
        },
        world::REQUESTS,
    },
};

pub(super) const LIFETIME: Lifetime =
    Lifetime::new(Duration::from_secs(1 << 30), Duration::from_secs(1 << 30));

/// The records as a store holds them, by the names of their sessions, and the time.
pub(super) struct Bench {
    stored: [Option<Bytes>; REQUESTS + 1],
    pub(super) now: Timestamp,
    pub(super) grace: Duration,
}

impl Bench {
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            stored: Default::default(),
            now: Timestamp(1),
            grace,
        }
    }

    /// Time passes, and the store forgets its tombstones.
    pub(super) fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
        let now = self.now;
        for stored in &mut self.stored {
            stored.take_if(|bytes| {
                let header = parsed(bytes).header;
                header.destroyed && header.touched.after(REMEMBERED) <= now
            });
        }
    }

    pub(super) fn apply(&mut self, session: Name, delta: Delta) -> Answer {
        let delta = self.real(session, delta);
        let answer = self.commit(session, &delta);
        self.project_answer(&answer)
    }

    /// What the store does and says.
    pub(super) fn commit(&mut self, session: Name, delta: &delta::Delta) -> CommitAnswer {
        let stored = &mut self.stored[usize::from(session)];
        match delta.apply(stored.clone()).unwrap() {
            Applied::Keep(answer) => answer,
            Applied::Write { record, .. } => {
                *stored = Some(match delta.kind {
                    delta::DeltaKind::Create(_) => with_prize(&record),
                    _ => record,
                });
                CommitAnswer::Committed
            }
        }
    }

    pub(super) fn load(&self, session: Name) -> Option<record::Record> {
        self.stored[usize::from(session)].as_ref().map(parsed)
    }

    pub(super) fn judge(&self, token: Token) -> Claim {
        let Some(record) = self.load(token.session) else {
            return Claim::Unknown;
        };
        match claim::Claim::judge(&real_token(token), &record.header, self.now, self.grace) {
            claim::Claim::Current => Claim::Current,
            claim::Claim::Predecessor => Claim::Predecessor,
            claim::Claim::Unknown | claim::Claim::Reused => Claim::Unknown,
            claim::Claim::Past { may_end, .. } => Claim::Past {
                may_destroy: may_end,
            },
        }
    }

    /// What the model says of the record.
    pub(super) fn record(&self, session: Name) -> Option<Record> {
        Some(self.project(&self.load(session)?))
    }

    /// What the model says of the answer.
    pub(super) fn project_answer(&self, answer: &CommitAnswer) -> Answer {
        match answer {
            CommitAnswer::Committed => Answer::Committed,
            // The model damages nothing, and its sessions belong to nobody.
            CommitAnswer::Gone | CommitAnswer::Unreadable | CommitAnswer::Full => Answer::Gone,
            CommitAnswer::Superseded => Answer::Superseded,
            CommitAnswer::Unknown => Answer::Unknown,
            CommitAnswer::Conflict(bytes) => Answer::Conflict(self.project(&parsed(bytes))),
        }
    }

    fn project(&self, record: &record::Record) -> Record {
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
                false => entries(record),
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
                    Some(at) if self.now < at.after(self.grace) => Successor::InGrace,
                    Some(_) => Successor::Settled,
                },
            },
        }
    }

    fn real(&self, session: Name, delta: Delta) -> delta::Delta {
        let (kind, is_repeated) = match delta.kind {
            DeltaKind::Destroy => (delta::DeltaKind::Destroy, false),
            DeltaKind::Create(record) => (delta::DeltaKind::Create(self.creation(record)), false),
            DeltaKind::Rotate(rotate) => {
                let rotate = self.rotation(session, rotate);
                (delta::DeltaKind::Rotate(rotate), false)
            }
            DeltaKind::Change(change) => {
                let is_repeated = change.known.is_some();
                (delta::DeltaKind::Change(self.change(change)), is_repeated)
            }
        };
        delta::Delta {
            nonce: [delta.nonce; 8],
            now: self.now,
            is_repeated,
            is_use: true,
            account: Account::Nothing,
            kind,
        }
    }

    fn creation(&self, record: Record) -> record::Record {
        let verifier = verifier_of(record.verifier);
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

    fn rotation(&self, session: Name, rotate: Rotate) -> delta::Rotate {
        let token = |secret| real_token(Token { session, secret });
        let (from, to) = (token(rotate.from), token(rotate.to));
        delta::Rotate {
            epoch: rotate.epoch.into(),
            loaded: self.now,
            from: from.verifier(),
            to: to.verifier(),
            sealed: from.seal(&to),
            grace: self.grace,
        }
    }

    fn change(&self, change: Change) -> delta::Change {
        let entries = changed_entries(&change);
        delta::Change {
            epoch: change.epoch.into(),
            loaded: self.now,
            known: [change.known.unwrap_or_default(); 8],
            presents: change.presents.map(verifier_of),
            grace: self.grace,
            renewal: change.renewal.map(|secret| delta::Renewal {
                verifier: verifier_of(secret),
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

fn parsed(bytes: &Bytes) -> record::Record {
    record::Record::parse(bytes.clone()).unwrap()
}
