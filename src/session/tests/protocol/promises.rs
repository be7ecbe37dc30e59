//! What must hold in every world.

use stateright::Property;

use crate::session::tests::protocol::{
    guards::Guards,
    request::{Cookie, Done, Kind, Phase, Status, Why},
    store::{FORGED, Name, Record, Token},
    world::{Breach, Protocol, Slot, World},
};

type Holds = fn(&Protocol, &World) -> bool;

pub(super) fn all() -> Vec<Property<Protocol>> {
    let promises = [
        &NO_LOST_UPDATES[..],
        &LOG_OUT_IS_FINAL,
        &NO_SIGN_IN_UNDONE,
        &NO_FOREIGN_IDENTITY,
        &TOKENS_ARE_ATOMIC,
    ];
    let promises = promises.into_iter().flatten();
    promises
        .map(|(name, holds)| Property::always(name, *holds))
        .collect()
}

const NO_LOST_UPDATES: [(&str, Holds); 5] = [
    ("what was answered as saved is saved", |_, world| {
        world.all_done(|at, done| world.has_what_it_saved(at, done))
    }),
    ("nothing is counted twice", |_, world| {
        let is_once = |record: &Record| record.entries.number & 0b10_10_10 == 0;
        world.records().all(is_once)
    }),
    ("what was refused is not stored", |_, world| {
        world.all_done(|at, done| done.status != Status::Refused || !world.has_anything_of(at))
    }),
    (
        "what was answered does not happen afterwards",
        |_, world| world.breach != Some(Breach::WrittenAfterTheAnswer),
    ),
    (
        "what began before a renewal does not write after it",
        |_, world| world.breach != Some(Breach::WrittenAfterARenewal),
    ),
];

const LOG_OUT_IS_FINAL: [(&str, Holds); 2] = [
    ("what ended is not alive again", |_, world| {
        let is_alive = |slot: &Slot| slot.record.is_some_and(|record| !record.destroyed);
        !world
            .slots
            .iter()
            .any(|slot| slot.is_ended && is_alive(slot))
    }),
    ("after a log-out no token is good", |_, world| {
        world.all_done(|at, done| match (world.requests[at].kind, done.saved) {
            (Kind::Destroy, Some(session)) => world.good_secrets(session) == 0,
            _ => true,
        })
    }),
];

const NO_SIGN_IN_UNDONE: [(&str, Holds); 4] = [
    ("a request from the past gets no cookie", |_, world| {
        world.all_done(|_, done| match done.cookie {
            Cookie::None | Cookie::Remove | Cookie::Issue(_, Why::SignedIn) => true,
            Cookie::Issue(..) => !done.from.is_past,
        })
    }),
    ("a response that is not ok has no cookie", |_, world| {
        world.all_done(|_, done| done.status == Status::Ok || done.cookie == Cookie::None)
    }),
    ("no late response undoes a sign-in", |_, world| {
        world.breach != Some(Breach::SignInUndone)
    }),
    (
        "a token that is on its way is good until its session ends",
        |_, world| {
            world.all_done(|_, done| match done.cookie {
                // What rotated may have reached the browser by another response, and gone on.
                Cookie::None | Cookie::Remove | Cookie::Issue(_, Why::Rotated) => true,
                Cookie::Issue(token, _) => {
                    done.is_delivered || world.is_ended(token) || world.is_good(token)
                }
            })
        },
    ),
];

const NO_FOREIGN_IDENTITY: [(&str, Holds); 1] =
    [("nobody but the server makes up a token", |_, world| {
        let previous = |record: &Record| record.previous.map(|previous| previous.verifier);
        let is_ours =
            |record: &Record| record.verifier != FORGED && previous(record) != Some(FORGED);
        world.records().all(is_ours)
    })];

const TOKENS_ARE_ATOMIC: [(&str, Holds); 4] = [
    ("a token has one successor", |_, world| {
        let all = || world.done().filter_map(rotated);
        all().all(|(from, to)| all().all(|(other, its)| from != other || to == its))
    }),
    ("what was renewed away is dead at once", |_, world| {
        let mut sessions = (0..).zip(world.slots);
        sessions.all(|(session, slot)| slot.dead & world.good_secrets(session) == 0)
    }),
    (
        "what is handed out is the present token, and unpresented",
        |_, world| world.breach != Some(Breach::HandedOutTooLate),
    ),
    ("a routine rotation logs nobody out", |_, world| {
        let is_ended = |token| world.is_ended(token) || world.is_dead(token);
        world
            .carried()
            .all(|token| token.secret == FORGED || is_ended(token) || world.is_good(token))
    }),
];

fn rotated(done: Done) -> Option<(Option<Token>, Token)> {
    match done.cookie {
        Cookie::Issue(token, Why::Rotated) => Some((done.from.token, token)),
        _ => None,
    }
}

impl World {
    fn all_done(&self, holds: impl Fn(usize, &Done) -> bool) -> bool {
        self.requests
            .iter()
            .enumerate()
            .all(|(at, request)| match &request.phase {
                Phase::Done(done) => holds(at, done),
                _ => true,
            })
    }

    fn has_what_it_saved(&self, at: usize, done: &Done) -> bool {
        let Some(session) = done.saved.filter(|_| done.status == Status::Ok) else {
            return true;
        };
        let slot = self.slots[usize::from(session)];
        let Some(record) = slot.record.filter(|_| !slot.is_ended) else {
            return slot.is_ended;
        };
        let who = self.who(at);
        match who.kind {
            Kind::Insert | Kind::Create | Kind::Rotate => record.entries.own & who.inserted() != 0,
            Kind::Update | Kind::SignIn => record.entries.number & who.increment() != 0,
            Kind::Take => record.entries.taken_by == Some(who.name),
            Kind::Read | Kind::Renew | Kind::Destroy => true,
        }
    }

    fn has_anything_of(&self, at: usize) -> bool {
        let who = self.who(at);
        self.records().any(|record| {
            record.entries.own >> who.name & 1 == 1
                || record.entries.number & (3 * who.increment()) != 0
                || record.entries.taken_by == Some(who.name)
        })
    }

    /// The tokens with which the browser comes, or is about to come.
    fn carried(&self) -> impl Iterator<Item = Token> {
        let sent = self
            .requests
            .iter()
            .filter_map(|request| match request.phase {
                Phase::Sent(token) => Some(token),
                _ => None,
            });
        self.jar.into_iter().chain(sent)
    }

    /// The secrets of a session that are served in full, as bits.
    fn good_secrets(&self, session: Name) -> u8 {
        let record = self.slots[usize::from(session)].record;
        record.map_or(0, |record| record.good_secrets())
    }

    pub(super) fn is_good(&self, token: Token) -> bool {
        self.good_secrets(token.session) >> token.secret & 1 == 1
    }

    fn is_ended(&self, token: Token) -> bool {
        self.slots[usize::from(token.session)].is_ended
    }

    fn is_dead(&self, token: Token) -> bool {
        self.slots[usize::from(token.session)].dead >> token.secret & 1 == 1
    }
}

impl Record {
    /// The secrets that are served in full, as bits.
    pub(super) fn good_secrets(&self) -> u8 {
        let is_good = |secret: &Name| self.judge(*secret, Guards::ALL).is_full();
        (0..=FORGED).filter(is_good).map(|secret| 1 << secret).sum()
    }
}
