//! Who did what, from when to when, and whether some order explains it.

use std::{
    collections::HashSet,
    fmt::Debug,
    hash::Hash,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::StatusCode;
use session_test_support::Page;

/// What is known of an operation afterwards.
#[derive(Debug, Clone)]
pub(crate) enum Outcome<R> {
    Answered(R),
    /// It did not take place.
    Refused,
    /// It may have taken place, or may yet.
    Unknown,
}

#[derive(Debug, Clone)]
pub(crate) struct Done<O, R> {
    player: usize,
    begun: usize,
    ended: usize,
    pub(crate) op: O,
    pub(crate) outcome: Outcome<R>,
}

impl<R> Outcome<R> {
    fn answer(&self) -> Option<&R> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Refused | Self::Unknown => None,
        }
    }
}

impl<O, R> Done<O, R> {
    /// When it had taken place; `None` if it may do so at any later time, or never.
    fn must_end(&self) -> Option<usize> {
        self.outcome.answer().map(|_| self.ended)
    }

    pub(crate) fn map<P>(self, map: impl FnOnce(O) -> P) -> Done<P, R> {
        Done {
            player: self.player,
            begun: self.begun,
            ended: self.ended,
            op: map(self.op),
            outcome: self.outcome,
        }
    }
}

/// Operations with the moments at which they were begun and ended.
pub(crate) struct History<O, R> {
    moment: AtomicUsize,
    done: Mutex<Vec<Done<O, R>>>,
}

impl<O, R> History<O, R> {
    pub(crate) fn new() -> Self {
        let (moment, done) = Default::default();
        Self { moment, done }
    }

    /// Takes down an operation, while `work` does it.
    pub(crate) async fn record(
        &self,
        player: usize,
        op: O,
        work: impl Future<Output = Outcome<R>>,
    ) {
        let begun = self.now();
        let outcome = work.await;
        let ended = self.now();
        self.done.lock().unwrap().push(Done {
            player,
            begun,
            ended,
            op,
            outcome,
        });
    }

    pub(crate) fn into_done(self) -> Vec<Done<O, R>> {
        self.done.into_inner().unwrap()
    }

    fn now(&self) -> usize {
        self.moment.fetch_add(1, Ordering::SeqCst)
    }
}

/// What operations do when one comes after the other.
pub(crate) trait Model: Clone + Eq + Hash {
    type Op: Debug;
    type Answer: Debug;

    /// Does an operation, if it can be answered like this; `None` if nobody saw the answer.
    fn step(&mut self, op: &Self::Op, answer: Option<&Self::Answer>) -> bool;
}

/// Fails if no order explains what was answered.
pub(crate) fn assert_explained<M: Model>(model: M, history: &[Done<M::Op, M::Answer>], name: &str) {
    if !is_explained(model, history) {
        let mut lines: Vec<_> = history.iter().collect();
        lines.sort_by_key(|done| done.begun);
        let lines: Vec<_> = lines.iter().map(|done| format!("{done:?}\n")).collect();
        panic!("{name}: no order explains\n{}", lines.concat());
    }
}

/// Whether there is an order in which every operation takes place between its begin and its end
/// and is answered as it was. This is the search of Wing and Gong, which Lowe made remember where
/// it has been.
pub(crate) fn is_explained<M: Model>(model: M, history: &[Done<M::Op, M::Answer>]) -> bool {
    let is_refused = |done: &&Done<_, _>| matches!(done.outcome, Outcome::Refused);
    let history: Vec<_> = history.iter().filter(|done| !is_refused(done)).collect();
    assert!(history.len() <= 64, "there is a bit for each");
    let mut seen = HashSet::new();
    let mut open = vec![(0_u64, model)];
    while let Some((taken, model)) = open.pop() {
        let left = || (0..history.len()).filter(|at| taken & (1 << at) == 0);
        let ends = left().filter_map(|at| history[at].must_end());
        let Some(end) = ends.min() else {
            return true;
        };
        for at in left().filter(|at| history[*at].begun < end) {
            let mut next = (taken | 1 << at, model.clone());
            let Done { op, outcome, .. } = history[at];
            if next.1.step(op, outcome.answer()) && seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    false
}

/// What a page says of an operation; `said` reads the text of one that took place.
pub(crate) fn outcome<R>(page: &Page, said: impl FnOnce(&str) -> R) -> Outcome<R> {
    match page.status {
        // An error of the store ended what the handler did, and was mended when it was done.
        StatusCode::OK if page.text.contains("Store") => Outcome::Unknown,
        StatusCode::OK => Outcome::Answered(said(&page.text)),
        StatusCode::CONFLICT => Outcome::Refused,
        StatusCode::SERVICE_UNAVAILABLE => Outcome::Unknown,
        status => panic!("nobody expects {status}"),
    }
}

/// An operation in a history by hand: who, begin and end, what, and what was answered.
pub(crate) type Row<O, R> = (usize, [usize; 2], O, Outcome<R>);

pub(crate) fn by_hand<O: Clone, R: Clone>(rows: &[Row<O, R>]) -> Vec<Done<O, R>> {
    let done = |(player, [begun, ended], op, outcome): Row<O, R>| Done {
        player,
        begun,
        ended,
        op,
        outcome,
    };
    rows.iter().cloned().map(done).collect()
}
