//! The requests of the model beside the state of real sessions: the same walk, the same steps.
//!
//! What the model allows and the walk leaves out: time that passes while a step is on its way. The
//! model takes what happens late for written then, the code for written when it was first sent; a
//! store gives a step up long before that makes a difference.
//!
//! Where a request knows that it is too early to rotate, or to hand a successor over, it does not
//! ask; the model asks in vain, or hands nothing over. So there the model is told not to ask.

use std::time::Duration;

use proptest::{prelude::*, test_runner::TestCaseResult};
use stateright::Model as _;

use crate::session::{
    rotation::REMEMBERED,
    step,
    tests::protocol::{
        bench::Bench,
        guards::Guards,
        names::name_of_session,
        real::{Real, Seen, Told, Write},
        request::{Cookie, Phase, Step, Work},
        store::{Claim, Delta, DeltaKind, Name, Record, Rotate, Token},
        world::{Action, Protocol, REQUESTS, World},
    },
};

const MODEL: Protocol = Protocol {
    guards: Guards::ALL,
};

/// After that, a successor counts as lost.
const DELAY: Duration = Duration::from_secs(3);

pub(super) struct Lockstep {
    world: World,
    bench: Bench,
    requests: [Option<Real>; REQUESTS],
    may_rotate: [bool; REQUESTS],
    rotates_by_age: bool,
}

impl Lockstep {
    pub(super) fn new(world: World, grace: Duration, rotates_by_age: bool) -> Self {
        let mut bench = Bench::new(grace);
        for (session, slot) in (0..).zip(world.slots) {
            if let Some(record) = slot.record {
                set_up(&mut bench, session, record);
            }
        }
        Self {
            world,
            bench,
            requests: Default::default(),
            may_rotate: Default::default(),
            rotates_by_age,
        }
    }

    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        MODEL.actions(&self.world, &mut actions);
        let is_in_flight = self.requests.iter().flatten().any(Real::is_in_flight);
        actions.retain(|action| match action {
            Action::GraceEnds | Action::MinuteEnds => !is_in_flight,
            Action::HandNothingOver(_) => false,
            _ => true,
        });
        actions
    }

    pub(super) fn act(&mut self, action: Action, is_delayed: bool) -> TestCaseResult {
        let before = self.world;
        self.next(action);
        match action {
            Action::Start(at) | Action::Load(at) => self.load(at, &before, is_delayed),
            Action::Commit(at) => self.commit(at, &before, false)?,
            Action::SendAgain(at) => self.commit(at, &before, true)?,
            Action::Lose(at) => {
                let step = self.send(at, &before);
                self.real(at).unanswered = Some(step);
            }
            Action::Arrive(at) => {
                let step = self.real(at).unanswered.clone().unwrap();
                self.bench.commit(name_of_session(step.id), &step.delta);
            }
            Action::SendAgainInVain(at) => {
                let step = self.send(at, &before);
                self.bench.commit(name_of_session(step.id), &step.delta);
                self.real(at).give_up(&step);
            }
            Action::GiveUp(at) => {
                let step = self.real(at).unanswered.clone().unwrap();
                self.real(at).give_up(&step);
            }
            Action::Deliver(_) => {}
            // The shorter time ends with the longer one.
            Action::GraceEnds => {
                self.bench.pass(self.bench.grace);
                if self.bench.grace > REMEMBERED {
                    self.next(Action::MinuteEnds);
                }
            }
            Action::MinuteEnds => {
                self.bench.pass(REMEMBERED);
                if self.bench.grace < REMEMBERED {
                    self.next(Action::GraceEnds);
                }
            }
            Action::HandNothingOver(_) | Action::AnswerEarly(_) => unreachable!("{action:?}"),
        }
        self.skip_rotations();
        self.compare()
    }

    fn next(&mut self, action: Action) {
        self.world = MODEL.next_state(&self.world, action).unwrap();
    }

    fn load(&mut self, at: usize, before: &World, is_delayed: bool) {
        if let Phase::Sent(_) = self.world.requests[at].phase {
            return;
        }
        if is_delayed {
            self.bench.pass(DELAY);
        }
        let token = match before.requests[at].phase {
            Phase::Sent(token) => Some(token),
            _ => None,
        };
        let real = Real::begin(before.who(at), token, &self.bench, self.rotates_by_age);
        self.requests[at] = Some(real);
        self.may_rotate[at] = token.is_some_and(|token| self.may_rotate(token));
    }

    fn may_rotate(&self, token: Token) -> bool {
        let Some(record) = self.bench.load(token.session) else {
            return false;
        };
        match self.bench.judge(token) {
            Claim::Predecessor => {
                let replaced = record.header.previous.map(|previous| previous.replaced);
                replaced != Some(self.bench.now)
            }
            _ => self.bench.record(token.session).unwrap().is_settled(),
        }
    }

    fn commit(&mut self, at: usize, before: &World, is_sent_again: bool) -> TestCaseResult {
        let work = before.work(at).unwrap();
        let (session, delta) = before.who(at).message(&work, is_sent_again);
        let expected = { *before }.write(session, delta, Guards::ALL);
        let step = self.send(at, before);
        prop_assert_eq!(name_of_session(step.id), session);
        prop_assert_eq!(step.delta.is_repeated, is_sent_again);
        let answer = self.bench.commit(session, &step.delta);
        prop_assert_eq!(self.bench.project_answer(&answer), expected);
        self.real(at).take_in(&step, Ok(answer));
        Ok(())
    }

    fn send(&mut self, at: usize, before: &World) -> step::Step {
        let work = before.work(at).unwrap();
        let (_, delta) = before.who(at).message(&work, false);
        let real = self.requests[at].as_mut().unwrap();
        real.send(delta.nonce, &self.bench)
    }

    fn real(&mut self, at: usize) -> &mut Real {
        self.requests[at].as_mut().unwrap()
    }

    fn skip_rotations(&mut self) {
        for at in 0..REQUESTS {
            let step = self.world.work(at).map(|work| work.step);
            if !self.may_rotate[at] && matches!(step, Some(Step::Rotate(_))) {
                self.next(Action::HandNothingOver(at));
            }
        }
    }

    pub(super) fn compare(&self) -> TestCaseResult {
        for (at, real) in self.requests.iter().enumerate() {
            let real = real.as_ref().map(Real::seen);
            prop_assert_eq!(real, seen(&self.world, at), "request {}", at);
        }
        for (session, slot) in (0..).zip(self.world.slots) {
            let record = self.bench.record(session);
            prop_assert_eq!(record, slot.record, "session {}", session);
        }
        Ok(())
    }
}

/// What was there before the first request.
fn set_up(bench: &mut Bench, session: Name, record: Record) {
    let mut apply = |nonce, kind| bench.apply(session, Delta { nonce, kind });
    let Some(previous) = record.previous else {
        apply(record.nonce, DeltaKind::Create(record));
        return;
    };
    let (from, to) = (previous.verifier, record.verifier);
    let unrotated = Record {
        verifier: from,
        previous: None,
        nonce: record.nonce + 1,
        ..record
    };
    apply(unrotated.nonce, DeltaKind::Create(unrotated));
    let epoch = record.epoch;
    apply(record.nonce, DeltaKind::Rotate(Rotate { epoch, from, to }));
}

/// What is to be seen of a request of the model.
fn seen(world: &World, at: usize) -> Option<Seen> {
    let write = |work: Work| match work.step {
        Step::Create => Write::Create,
        Step::Change if world.who(at).is_change_due(&work.view) => Write::Change,
        Step::Change => Write::Touch,
        Step::Rotate(_) => Write::Rotate,
        Step::Destroy => Write::Destroy,
    };
    match world.requests[at].phase {
        Phase::Waiting | Phase::Sent(_) => None,
        Phase::Working(work) => Some(Seen::Write(write(work))),
        Phase::Done(done) => {
            let told = match done.cookie {
                Cookie::None => Told::Nothing,
                Cookie::Issue(token, _) => Told::Issue(token),
                Cookie::Remove => Told::Remove,
            };
            Some(Seen::Done(done.status, told))
        }
    }
}
