//! The pure floor as a whole: requests as states, the store as a variable.

mod endings;
mod limits;
mod model;
mod outcomes;
mod owners;
mod past;
mod protocol;
mod races;
mod rotation;

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    announcement::Announcement,
    changes::Update,
    claim::Claim,
    delta::{Applied, CommitAnswer},
    error::{SessionError, SessionErrorKind},
    lifetime::{Lifetime, Timestamp},
    record::Record,
    standing::Standing,
    state::{Limits, State},
    step::{Ingredients, Step},
    token::{Entropy, Token},
};

/// The browser, the store and the clock of one visitor.
#[derive(Default)]
pub(super) struct World {
    pub(super) stored: Option<Bytes>,
    pub(super) token: Option<Token>,
    pub(super) now: Timestamp,
    pub(super) nonces: u64,
}

pub(super) const LIMITS: Limits = Limits {
    lifetime: Lifetime::new(Duration::from_millis(100), Duration::from_millis(1000)),
    max_len: 1024,
    max_entry_len: usize::MAX,
    max_sessions: None,
    rotate_every: Some(Duration::from_millis(50)),
    grace: GRACE,
};

pub(super) const GRACE: Duration = Duration::from_millis(20);

impl World {
    pub(super) fn with_session() -> Self {
        let mut world = Self {
            now: Timestamp(1),
            ..Self::default()
        };
        let mut state = world.load();
        put(&mut state, "a", "1");
        world.save(&mut state).unwrap();
        world
    }

    pub(super) fn load(&self) -> State {
        match &self.token {
            Some(token) => self.load_with(token),
            None => State::empty(Standing::Free, LIMITS),
        }
    }

    /// What a request with this token sees.
    pub(super) fn load_with(&self, token: &Token) -> State {
        let Some(stored) = &self.stored else {
            return State::empty(Standing::Free, LIMITS);
        };
        let record = Record::parse(stored.clone()).unwrap();
        let claim = Claim::judge(token, &record.header, self.now, GRACE);
        State::resume(claim, token, record, self.now, LIMITS)
    }

    /// One write: `None` if there is none, else whether the store accepted it.
    pub(super) fn step(&mut self, state: &mut State) -> Result<Option<CommitAnswer>, SessionError> {
        self.nonces += 1;
        let Some(step) = state.next_step(&self.ingredients())? else {
            return Ok(None);
        };
        let answer = self.apply(&step);
        state.answered(answer.clone())?;
        state.catch_up();
        Ok(Some(answer))
    }

    pub(super) fn ingredients(&self) -> Ingredients {
        self.ingredients_of(self.nonces)
    }

    pub(super) fn ingredients_of(&self, nonce: u64) -> Ingredients {
        Ingredients {
            now: self.now,
            nonce: nonce.to_be_bytes(),
            entropy,
        }
    }

    /// What the store does and says.
    pub(super) fn apply(&mut self, step: &Step) -> CommitAnswer {
        match step.delta.apply(self.stored.clone()).unwrap() {
            Applied::Keep(answer) => answer,
            Applied::Write { record, .. } => {
                let again = step.delta.apply(Some(record.clone())).unwrap();
                assert_eq!(again, Applied::Keep(CommitAnswer::Committed), "idempotent");
                self.stored = Some(record);
                CommitAnswer::Committed
            }
        }
    }

    pub(super) fn save(&mut self, state: &mut State) -> Result<(), SessionError> {
        while self.step(state)?.is_some() {}
        match state.send_head() {
            Announcement::Nothing => {}
            Announcement::Issue { token, .. } => self.token = Some(token),
            Announcement::Remove => self.token = None,
        }
        Ok(())
    }
}

pub(super) fn entropy() -> Result<Entropy, SessionError> {
    let mut bytes = Entropy::new([0; Token::ENTROPY]);
    getrandom::fill(&mut bytes[..]).unwrap();
    Ok(bytes)
}

pub(super) fn put(state: &mut State, key: &str, value: &str) {
    state
        .insert(key, Bytes::copy_from_slice(value.as_bytes()))
        .unwrap();
}

pub(super) fn get<'a>(state: &'a State, key: &str) -> Option<&'a str> {
    state
        .value(key)
        .map(|value| std::str::from_utf8(value).unwrap())
}

pub(super) fn increment() -> Update {
    Box::new(|value| {
        let number = value.map_or(0, |value| value[0] - b'0');
        Ok(vec![number + 1 + b'0'].into())
    })
}

pub(super) fn kind<T>(result: Result<T, SessionError>) -> Option<SessionErrorKind> {
    result.err().map(|error| error.kind())
}
