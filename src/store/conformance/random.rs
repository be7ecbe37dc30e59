//! Random commits, held against [`Delta::apply`] to the byte.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    session::{
        delta::{Applied, Base, Change, DeltaKind, Renewal, Rotate},
        lifetime::Lifetime,
        record::Record,
        seal::Sealed,
        token::Verifier,
    },
    store::{
        CommitAnswer, Delta, SessionStore,
        conformance::subject::{Subject, entry, new_id},
    },
};

/// Sixteen sessions with forty random commits each: the store gives the same answers and holds the
/// same bytes as the function that is the law.
pub(super) async fn every_commit_does_what_apply_does(on: &Subject<impl SessionStore>) {
    for seed in 1..=16 {
        let mut dice = Dice(seed);
        let id = new_id();
        let mut model = None;
        for step in 0..40 {
            let delta = dice.delta(on, model.as_ref());
            let expected = match delta.apply(model.clone()) {
                Ok(Applied::Keep(answer)) => answer,
                Ok(Applied::Write { record, .. }) => {
                    model = Some(record);
                    CommitAnswer::Committed
                }
                Err(error) => unreachable!("{error}: the model holds nothing but records"),
            };
            let answer = on.commit(&id, &delta).await;
            assert_eq!(answer, expected, "seed {seed}, step {step}: {delta:?}");
            assert_eq!(
                on.load(&id).await,
                model,
                "seed {seed}, step {step}: {delta:?}"
            );
        }
    }
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn once_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn delta(&mut self, on: &Subject<impl SessionStore>, model: Option<&Bytes>) -> Delta {
        let record = model.and_then(|bytes| Record::parse(bytes.clone()).ok());
        let mut delta = match self.roll(80) {
            0 => on.delta(DeltaKind::Destroy),
            1 | 2 => on.creation(&[("a", "1"), ("@owner", "\"me\"")]),
            3..=18 => on.delta(DeltaKind::Rotate(self.rotate(on, record.as_ref()))),
            _ => on.change(|change| self.fill(change, record.as_ref())),
        };
        let is_destroyed = record.as_ref().is_some_and(|it| it.header.destroyed);
        let last = record.map(|record| record.header.nonce);
        if let (true, Some(nonce)) = (self.once_in(10), last) {
            delta.nonce = nonce;
        }
        delta.now.0 += self.roll(2000);
        // After a minute a renewal has settled, and a store may have forgotten a tombstone.
        if !is_destroyed && self.once_in(3) {
            delta.now.0 += 61_000;
        }
        delta.is_repeated = self.once_in(6);
        delta.is_use = !self.once_in(4);
        delta
    }

    fn fill(&mut self, change: &mut Change, record: Option<&Record>) {
        if let Some(record) = record {
            change.epoch = record.header.epoch;
            change.max_len = record.as_bytes().len() + 40;
            change.known = record.header.nonce;
            change.presents = self.once_in(2).then_some(record.header.verifier);
        }
        change.grace = Duration::from_millis(self.roll(1000));
        if self.once_in(4) {
            change.known = [9; 8];
        }
        if self.once_in(20) {
            change.epoch ^= 1;
        }
        change.clear = self.once_in(10);
        change.lifetime = self.once_in(5).then(|| {
            let seconds = Duration::from_secs;
            let lifetime = Lifetime::new(seconds(60 + self.roll(60)), seconds(100 + self.roll(60)));
            match self.once_in(2) {
                true => lifetime.persistent(),
                false => lifetime,
            }
        });
        change.renewal = self.once_in(5).then(|| Renewal {
            verifier: Verifier([self.roll(200) as u8; 32]),
            authenticated: self.once_in(2).then_some(change.loaded),
        });
        for key in ["", "a", "a\u{0}", "b", "\u{e9}"] {
            let key = format!("k{key}");
            if self.once_in(3) {
                let base = self.base(record.and_then(|record| record.shared_value(&key)));
                let value = "x".repeat(self.roll(30) as usize);
                let value = (!self.once_in(3)).then_some(&*value);
                change.entries.push(entry(&key, base, value));
            }
        }
    }

    fn rotate(&mut self, on: &Subject<impl SessionStore>, record: Option<&Record>) -> Rotate {
        let header = record.map(|record| &record.header);
        let previous = header.and_then(|header| header.previous.as_ref());
        let mut rotate = Rotate {
            epoch: header.map_or(0, |header| header.epoch),
            loaded: on.now,
            from: header.map_or(Verifier([1; 32]), |header| header.verifier),
            to: Verifier([self.roll(200) as u8; 32]),
            sealed: Sealed([self.roll(3) as u8; 32]),
            grace: Duration::from_millis(self.roll(1000)),
        };
        match (header, previous) {
            (Some(header), Some(previous)) if self.once_in(3) => {
                (rotate.from, rotate.to) = (previous.verifier, header.verifier);
            }
            _ if self.once_in(8) => rotate.epoch ^= 1,
            _ if self.once_in(8) => rotate.from = Verifier([9; 32]),
            _ => {}
        }
        rotate
    }

    fn base(&mut self, present: Option<Bytes>) -> Base {
        match self.roll(6) {
            0 => Base::Absent,
            1 => Base::Is(Bytes::from_static(b"x")),
            2 | 3 => Base::Any,
            _ => Base::from(present),
        }
    }
}
