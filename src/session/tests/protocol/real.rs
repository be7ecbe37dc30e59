//! A request with the state of a real session, driven as the middleware drives it.

use std::{cell::Cell, time::Duration};

use crate::session::{
    announcement::Announcement,
    claim::Claim,
    delta::{CommitAnswer, DeltaKind},
    error::{SessionError, SessionErrorKind},
    header::Nonce,
    outcome::Outcome,
    standing::Standing,
    state::{Limits, State},
    step::{Ingredients, Step},
    tests::protocol::{
        bench::{Bench, LIFETIME},
        names::{NUMBER, PRIZE, TAKEN, entropy_of, name_of_token, own_keys, real_token},
        request::{Kind, Status},
        steps::Who,
        store::{self, Name},
    },
};

pub(super) struct Real {
    who: Who,
    state: State,
    /// Sent, and not answered.
    pub(super) unanswered: Option<Step>,
    done: Option<Seen>,
}

/// What is to be seen of a request from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has this to write next.
    Write(Write),
    Done(Status, Told),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Create,
    Change,
    Touch,
    Rotate,
    Destroy,
}

/// What the browser is told about its cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    Issue(store::Token),
    Remove,
}

impl Real {
    /// Loads the session, and lets the handler do what a request of this kind does.
    pub(super) fn begin(
        who: Who,
        token: Option<store::Token>,
        bench: &Bench,
        rotates_by_age: bool,
    ) -> Self {
        let is_rotation_wanted = who.kind == Kind::Rotate;
        let limits = Limits {
            lifetime: LIFETIME,
            max_len: usize::MAX / 2,
            max_entry_len: usize::MAX,
            max_sessions: None,
            rotate_every: (is_rotation_wanted && rotates_by_age).then_some(Duration::ZERO),
            grace: bench.grace,
        };
        let mut state = resumed(token, bench, limits);
        handle(&mut state, who, bench).unwrap();
        if is_rotation_wanted && !rotates_by_age {
            state.rotate().unwrap();
        }
        let mut real = Self {
            who,
            state,
            unanswered: None,
            done: None,
        };
        real.go_on();
        real
    }

    /// The next step, or the one in flight once more.
    pub(super) fn send(&mut self, nonce: Name, bench: &Bench) -> Step {
        match self.unanswered.take() {
            // The store tries again by itself; that of a routine, nobody else does.
            Some(mut step) if step.is_routine => {
                step.delta = step.delta.repeated().into();
                step
            }
            _ => self.next_step([nonce; 8], bench).unwrap().unwrap(),
        }
    }

    /// See `take_in` and `finish` of the middleware.
    pub(super) fn take_in(&mut self, step: &Step, answer: Result<CommitAnswer, SessionError>) {
        self.unanswered = None;
        match answer.and_then(|answer| self.state.answered(answer)) {
            Err(_) if step.is_routine => self.state.give_up_routine(),
            Err(error) => return self.fail(&error),
            Ok(()) => {}
        }
        self.go_on();
    }

    /// Nobody waits for the answer any longer.
    pub(super) fn give_up(&mut self, step: &Step) {
        self.take_in(step, Err(SessionErrorKind::Store.into()));
    }

    pub(super) fn is_in_flight(&self) -> bool {
        self.state.in_flight.is_some()
    }

    pub(super) fn seen(&self) -> Seen {
        self.done.unwrap_or_else(|| Seen::Write(self.next_write()))
    }

    fn next_step(&mut self, nonce: Nonce, bench: &Bench) -> Result<Option<Step>, SessionError> {
        NAME.set(self.who.name);
        self.state.next_step(&Ingredients {
            now: bench.now,
            nonce,
            entropy: || Ok(entropy_of(NAME.get()).into()),
        })
    }

    /// Answers, if there is nothing left to write.
    fn go_on(&mut self) {
        match self.state.outcome() {
            Outcome::Nothing => self.finish(Status::Ok),
            Outcome::Refused(kind) => self.fail(&kind.into()),
            _ => {}
        }
    }

    fn fail(&mut self, error: &SessionError) {
        self.state.forget();
        self.finish(match error.kind() {
            SessionErrorKind::Gone | SessionErrorKind::Superseded | SessionErrorKind::Conflict => {
                Status::Refused
            }
            SessionErrorKind::Store => Status::Unsure,
            kind => panic!("the model knows nothing of {kind:?}"),
        });
    }

    fn finish(&mut self, status: Status) {
        let told = match self.state.send_head() {
            Announcement::Nothing => Told::Nothing,
            Announcement::Issue { token, .. } => Told::Issue(name_of_token(&token)),
            Announcement::Remove => Told::Remove,
        };
        assert!(!self.state.is_left_unsaved(), "{:?}", self.who);
        self.done = Some(Seen::Done(status, told));
    }

    fn next_write(&self) -> Write {
        match self.state.outcome() {
            Outcome::Create => Write::Create,
            Outcome::Commit => Write::Change,
            Outcome::Touch => Write::Touch,
            Outcome::Rotate => Write::Rotate,
            Outcome::Destroy => Write::Destroy,
            Outcome::Send => write_of(&self.state.in_flight.as_ref().unwrap().step),
            Outcome::Nothing | Outcome::Refused(_) => panic!("{:?} is done", self.who),
        }
    }
}

fn resumed(token: Option<store::Token>, bench: &Bench, limits: Limits) -> State {
    let loaded = token.and_then(|token| Some((real_token(token), bench.load(token.session)?)));
    let Some((token, record)) = loaded else {
        return State::empty(Standing::Free, limits);
    };
    let claim = Claim::judge(&token, &record.header, bench.now, bench.grace);
    State::resume(claim, &token, record, bench.now, limits)
}

fn handle(state: &mut State, who: Who, bench: &Bench) -> Result<(), SessionError> {
    for key in own_keys(who.inserted()) {
        state.insert(key, b"1"[..].into())?;
    }
    if who.kind.increments() {
        let number = |value: Option<&[u8]>| value.map_or(0, |value| value[0]);
        let update = move |value: Option<&[u8]>| Ok(vec![number(value) + who.increment()].into());
        state.update(NUMBER, Box::new(update))?;
    }
    match who.kind {
        Kind::Take if state.value(PRIZE).is_some() => {
            state.take(PRIZE);
            state.insert(TAKEN, vec![who.name].into())?;
        }
        Kind::SignIn => state.sign_in(bench.now)?,
        Kind::Renew => state.renew()?,
        Kind::Destroy => state.destroy(),
        _ => {}
    }
    Ok(())
}

fn write_of(step: &Step) -> Write {
    match step.delta.kind {
        DeltaKind::Create(_) => Write::Create,
        DeltaKind::Change(_) if step.is_routine => Write::Touch,
        DeltaKind::Change(_) => Write::Change,
        DeltaKind::Rotate(_) => Write::Rotate,
        DeltaKind::Destroy => Write::Destroy,
    }
}

thread_local! {
    /// Whose turn it is to make a token.
    static NAME: Cell<Name> = const { Cell::new(0) };
}
