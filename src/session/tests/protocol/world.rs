//! Everything that can happen between one browser, three requests and the store.

use stateright::{Model, Property};

use crate::session::tests::protocol::{
    guards::Guards,
    promises,
    request::{Kind, Phase, Status},
    sights,
    store::{Answer, Delta, Name, Record, Token},
};

pub(super) const REQUESTS: usize = 3;

/// Every order of three requests, of every kind each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protocol {
    pub(super) guards: Guards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) requests: [Request; REQUESTS],
    pub(super) slots: [Slot; REQUESTS + 1],
    /// What the browser keeps.
    pub(super) jar: Option<Token>,
    pub(super) breach: Option<Breach>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) phase: Phase,
    /// A message to a session that may arrive yet.
    pub(super) late: Option<(Name, Delta)>,
}

/// What the store holds for one session, and what we remember of it to judge the store by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Slot {
    pub(super) record: Option<Record>,
    pub(super) is_ended: bool,
    /// Secrets that were good until the session ended within the last minute, as bits.
    pub(super) ended: u8,
    /// Secrets that were renewed away, as bits.
    pub(super) dead: u8,
}

/// What a single step did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Breach {
    WrittenAfterTheAnswer,
    WrittenAfterARenewal,
    HandedOutTooLate,
    SignInUndone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Start(usize),
    Load(usize),
    /// The step in hand is sent, done and answered.
    Commit(usize),
    /// The step in hand is sent and not answered: it may be done later, or never.
    Lose(usize),
    Arrive(usize),
    SendAgain(usize),
    /// It is sent again and done, but not answered.
    SendAgainInVain(usize),
    GiveUp(usize),
    /// It is too early to hand the successor over once more.
    HandNothingOver(usize),
    Deliver(usize),
    /// The graces of presented tokens end.
    GraceEnds,
    /// A minute passes.
    MinuteEnds,
    /// The response goes before the commit.
    AnswerEarly(usize),
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let mut worlds = Vec::new();
        for (a, one) in Kind::ALL.into_iter().enumerate() {
            for (b, two) in Kind::ALL.into_iter().enumerate().skip(a) {
                for three in Kind::ALL.into_iter().skip(b) {
                    worlds.extend(World::beginnings([one, two, three]));
                }
            }
        }
        worlds
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.breach.is_some() {
            return;
        }
        for at in 0..REQUESTS {
            world.actions_of(at, self.guards, actions);
        }
        // A request that takes longer than that to arrive is as good as lost.
        if !world.is_any_sent() {
            actions.extend(world.is_any_in_grace().then_some(Action::GraceEnds));
            actions.extend(world.is_any_recent().then_some(Action::MinuteEnds));
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = *world;
        match action {
            Action::Start(at) => world.start(at, self.guards),
            Action::Load(at) => world.load(at, self.guards),
            Action::Commit(at) => world.commit(at, false, self.guards),
            Action::SendAgain(at) => world.commit(at, true, self.guards),
            Action::Lose(at) => world.lose(at),
            Action::Arrive(at) => world.arrive(at, self.guards),
            Action::SendAgainInVain(at) => {
                let work = world.work(at)?;
                let (session, delta) = world.who(at).message(&work, true);
                world.write(session, delta, self.guards);
                world.give_up(at, self.guards);
            }
            Action::GiveUp(at) => world.give_up(at, self.guards),
            Action::HandNothingOver(at) => {
                world.requests[at].phase = world.work(at)?.end(Status::Ok);
            }
            Action::Deliver(at) => world.deliver(at),
            Action::GraceEnds => world.end_graces(),
            Action::MinuteEnds => world.end_minute(),
            Action::AnswerEarly(at) => {
                let work = world.work(at)?;
                world.requests[at].late = Some(world.who(at).message(&work, false));
                world.requests[at].phase = world.who(at).answered(work, Answer::Committed);
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let sights = match self.guards == Guards::ALL {
            true => sights::all(),
            false => Vec::new(),
        };
        promises::all().into_iter().chain(sights).collect()
    }
}
