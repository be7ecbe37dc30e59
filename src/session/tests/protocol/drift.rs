//! The store of the model beside the law of every store: the same commits, the same outcome.

use std::time::Duration;

use proptest::prelude::*;

use crate::session::tests::protocol::{
    bench::Bench,
    guards::Guards,
    store::{
        Answer, Base, Change, Claim, Delta, DeltaKind, Entries, FORGED, Name, Record, Rotate, Token,
    },
};

/// Makes a commit that has to do with the record.
type Draft = fn(&Pick, &Record) -> DeltaKind;

/// What a commit is made from; `None` stands for what the record has.
#[derive(Debug, Clone)]
struct Pick {
    draft: usize,
    nonce: Option<Name>,
    epoch: Option<u8>,
    secret: Option<Name>,
    new_secret: Name,
    /// Of a commit that is sent again: the nonce that it knows.
    known: Option<Option<Name>>,
    number: Option<u8>,
    own: u8,
}

const DRAFTS: [Draft; 7] = [
    |_, _| DeltaKind::Destroy,
    |pick, _| {
        DeltaKind::Create(Record {
            destroyed: false,
            epoch: 0,
            verifier: pick.new_secret,
            previous: None,
            nonce: pick.nonce.unwrap_or(1),
            entries: Entries {
                own: pick.own,
                ..Entries::default()
            },
        })
    },
    |pick, record| pick.rotate(record, record.verifier, pick.new_secret),
    |pick, record| {
        let previous = record.previous.map(|previous| previous.verifier);
        pick.rotate(record, previous.unwrap_or_default(), record.verifier)
    },
    |pick, record| DeltaKind::Change(pick.change(record)),
    |pick, record| {
        DeltaKind::Change(Change {
            renewal: Some(pick.new_secret),
            ..pick.change(record)
        })
    },
    |pick, record| {
        DeltaKind::Change(Change {
            base: Base {
                number: Some(pick.number.unwrap_or(record.entries.number)),
                untaken: pick.own == 0,
            },
            number: Some(record.entries.number % 3 + 1),
            takes: (pick.own == 0).then_some(pick.new_secret),
            ..pick.change(record)
        })
    },
];

impl Pick {
    fn delta(&self, record: Option<Record>) -> Delta {
        let nothing = Record {
            destroyed: false,
            epoch: 0,
            verifier: 0,
            previous: None,
            nonce: 1,
            entries: Entries::default(),
        };
        let record = record.unwrap_or(nothing);
        Delta {
            nonce: self.nonce.unwrap_or(record.nonce),
            kind: DRAFTS[self.draft](self, &record),
        }
    }

    fn rotate(&self, record: &Record, from: Name, to: Name) -> DeltaKind {
        DeltaKind::Rotate(Rotate {
            epoch: self.epoch.unwrap_or(record.epoch),
            from: self.secret.unwrap_or(from),
            to,
        })
    }

    fn change(&self, record: &Record) -> Change {
        Change {
            epoch: self.epoch.unwrap_or(record.epoch),
            known: self.known.map(|known| known.unwrap_or(record.nonce)),
            presents: Some(self.secret.unwrap_or(record.verifier)),
            renewal: None,
            base: Base {
                number: None,
                untaken: false,
            },
            own: self.own,
            number: None,
            takes: None,
        }
    }
}

prop_compose! {
    fn pick()(
        draft in 0..DRAFTS.len(),
        nonce in proptest::option::weighted(0.9, 1..8u8),
        epoch in proptest::option::weighted(0.1, 0..3u8),
        secret in proptest::option::weighted(0.2, 0..FORGED),
        new_secret in 0..FORGED,
        known in proptest::option::weighted(0.3, proptest::option::weighted(0.3, 1..8u8)),
        number in proptest::option::weighted(0.2, 0..4u8),
        own in 0..16u8,
    ) -> Pick {
        Pick { draft, nonce, epoch, secret, new_secret, known, number, own }
    }
}

proptest! {
    #[test]
    fn the_model_and_the_law_of_stores_agree(
        story in proptest::collection::vec((0..25u64, pick()), 0..40),
    ) {
        let (session, mut bench) = (0, Bench::new(Duration::from_secs(20)));
        for (seconds, pick) in story {
            bench.pass(Duration::from_secs(seconds));
            let before = bench.record(session);
            for secret in 0..=FORGED {
                let expected = before.map_or(Claim::Unknown, |it| it.judge(secret, Guards::ALL));
                let token = Token { session, secret };
                prop_assert_eq!(bench.judge(token), expected, "{} at {:?}", secret, before);
            }
            let delta = pick.delta(before);
            let (answer, after) = match delta.apply(before, Guards::ALL) {
                Ok(record) => (Answer::Committed, Some(record)),
                Err(answer) => (answer, before),
            };
            prop_assert_eq!(bench.apply(session, delta), answer, "{:?} at {:?}", delta, before);
            prop_assert_eq!(bench.record(session), after, "{:?} at {:?}", delta, before);
        }
    }
}
