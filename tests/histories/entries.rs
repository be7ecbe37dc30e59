//! The values of a session: each key on its own is a register that can also count, and be taken.

use futures::future::{join, join_all};
use tokio::task::yield_now;

use crate::{
    common::{
        dice::Dice,
        duo::{Duo, Visitor},
        race::race,
        visitor::COOKIE,
    },
    history::{History, Model, Outcome, assert_explained, by_hand, is_explained, outcome},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Get,
    Insert(u64),
    Remove,
    Take,
    Update,
}

/// The value under a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Entry(Option<u64>);

impl Model for Entry {
    type Op = Op;
    /// What the answer says of the value.
    type Answer = Option<u64>;

    fn step(&mut self, op: &Op, answer: Option<&Option<u64>>) -> bool {
        let said = match op {
            Op::Get => self.0,
            Op::Take => self.0.take(),
            Op::Update => {
                self.0 = Some(self.0.unwrap_or(0) + 1);
                self.0
            }
            Op::Insert(value) => {
                self.0 = Some(*value);
                None
            }
            Op::Remove => {
                self.0 = None;
                None
            }
        };
        answer.is_none_or(|answer| *answer == said)
    }
}

impl Op {
    fn any(dice: &mut Dice) -> Self {
        match dice.roll(6) {
            0 => Self::Insert(10 * (1 + dice.roll(9) as u64)),
            1 => Self::Remove,
            2 => Self::Take,
            3 => Self::Get,
            _ => Self::Update,
        }
    }

    fn action(self, key: &str) -> String {
        match self {
            Self::Get => format!("get:{key}"),
            Self::Insert(value) => format!("number:{key}:{value}"),
            Self::Remove => format!("remove:{key}"),
            Self::Take => format!("take:{key}"),
            Self::Update => format!("update_now:{key}"),
        }
    }

    fn said(self, text: &str) -> Option<u64> {
        match (self, text) {
            (Self::Insert(_) | Self::Remove, _) | (_, "none") => None,
            (_, text) => Some(text.parse().unwrap()),
        }
    }
}

type Seen = History<(&'static str, Op), Option<u64>>;

const KEYS: [&str; 2] = ["k", "l"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_about_a_key_is_explained_by_some_order() {
    race("histories of keys", 300, async |duo, seed| {
        live(duo, seed, None).await;
    })
    .await;
}

/// A history of four players on one session. If there is a `storm`, the connections to the store
/// fail in one of so many operations.
pub(crate) async fn live(duo: &Duo, seed: usize, storm: Option<usize>) {
    let visitor = duo.visitor();
    // Connections that failed at the end of the last history may only show it now.
    while visitor[0].jar().get(COOKIE).is_none() {
        visitor[0].get("/insert:a:1").await;
    }
    let history = Seen::new();
    let players = (0..4).map(|player| {
        let dice = Dice::of(player, seed);
        play(duo, &visitor[player % 2], player, dice, storm, &history)
    });
    join_all(players).await;
    let done = history.into_done();
    let knows_nothing = |outcome: &Outcome<_>| matches!(outcome, Outcome::Unknown);
    let is_known = !done.iter().any(|done| knows_nothing(&done.outcome));
    assert!(storm.is_some() || is_known, "nothing fails: {done:?}");
    for key in KEYS {
        let of_key = done.iter().filter(|done| done.op.0 == key).cloned();
        let of_key: Vec<_> = of_key.map(|done| done.map(|(_, op)| op)).collect();
        assert_explained(Entry::default(), &of_key, key);
    }
}

async fn play(
    duo: &Duo,
    visitor: &Visitor,
    player: usize,
    mut dice: Dice,
    storm: Option<usize>,
    history: &Seen,
) {
    for _ in 0..6 {
        let key = KEYS[dice.roll(KEYS.len())];
        let op = Op::any(&mut dice);
        let path = format!("/yield:{}/{}", dice.roll(4), op.action(key));
        let turns = dice.roll(100);
        let is_cut = storm.is_some_and(|sides| dice.roll(sides) == 0);
        let cut = async {
            if is_cut {
                for _ in 0..turns {
                    yield_now().await;
                }
                duo.cut();
            }
        };
        let visit = async {
            let (page, ()) = join(visitor.get(&path), cut).await;
            outcome(&page, |text| op.said(text))
        };
        history.record(player, (key, op), visit).await;
    }
}

/// A checker that explains everything would be of no use.
#[test]
fn no_order_explains_these_histories_of_a_key() {
    let answered = Outcome::Answered;
    let lost = [
        (0, [0, 2], Op::Update, answered(Some(1))),
        (1, [1, 3], Op::Update, answered(Some(1))),
    ];
    let taken_twice = [
        (0, [0, 1], Op::Insert(7), answered(None)),
        (0, [2, 4], Op::Take, answered(Some(7))),
        (1, [3, 5], Op::Take, answered(Some(7))),
    ];
    let stale = [
        (0, [0, 1], Op::Insert(7), answered(None)),
        (0, [2, 3], Op::Remove, answered(None)),
        (1, [4, 5], Op::Get, answered(Some(7))),
    ];
    let refused = [
        (0, [0, 1], Op::Insert(7), Outcome::Refused),
        (1, [2, 3], Op::Get, answered(Some(7))),
    ];
    for rows in [&lost[..], &taken_twice, &stale, &refused] {
        let history = by_hand(rows);
        assert!(!is_explained(Entry::default(), &history), "{rows:?}");
    }
}

#[test]
fn some_order_explains_these_histories_of_a_key() {
    let answered = Outcome::Answered;
    let overlap = [
        (0, [0, 2], Op::Update, answered(Some(2))),
        (1, [1, 3], Op::Update, answered(Some(1))),
    ];
    let happened_later = [
        (0, [0, 1], Op::Insert(7), Outcome::Unknown),
        (0, [2, 3], Op::Get, answered(None)),
        (1, [4, 5], Op::Get, answered(Some(7))),
    ];
    for rows in [&overlap[..], &happened_later] {
        let history = by_hand(rows);
        assert!(is_explained(Entry::default(), &history), "{rows:?}");
    }
}
