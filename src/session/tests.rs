//! The pure floor as a whole: requests as states, the store as a variable.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use proptest::prelude::*;

use crate::session::{
    changes::Update,
    delta::{Applied, CommitAnswer},
    error::{SessionError, SessionErrorKind},
    lifetime::{Lifetime, Timestamp},
    outcome::{Ingredients, Outcome},
    record::{Header, Record},
    state::{Announcement, Limits, State},
    token::Token,
};

/// The browser, the store and the clock of one visitor.
#[derive(Default)]
struct World {
    stored: Option<Bytes>,
    token: Option<Token>,
    now: Timestamp,
    nonces: u64,
}

const LIMITS: Limits = Limits {
    lifetime: Lifetime::new(Duration::from_millis(100), Duration::from_millis(1000)),
    max_len: 1024,
};

impl World {
    fn with_session() -> Self {
        let mut world = Self {
            now: Timestamp(1),
            ..Self::default()
        };
        let mut state = world.load();
        put(&mut state, "a", "1");
        world.save(&mut state).unwrap();
        world
    }

    fn load(&self) -> State {
        match (&self.token, &self.stored) {
            (Some(token), Some(stored)) => {
                let record = Record::parse(stored.clone()).unwrap();
                State::resume(token, record, self.now, LIMITS)
            }
            _ => State::empty(LIMITS),
        }
    }

    /// One write: `None` if there is none, else whether the store accepted it.
    fn step(&mut self, state: &mut State) -> Result<Option<CommitAnswer>, SessionError> {
        self.nonces += 1;
        let with = Ingredients {
            now: self.now,
            nonce: self.nonces.to_be_bytes(),
            entropy,
        };
        let Some(step) = state.next_step(&with)? else {
            return Ok(None);
        };
        let answer = match step.delta.apply(self.stored.clone()).unwrap() {
            Applied::Keep(answer) => answer,
            Applied::Write { record, .. } => {
                let again = step.delta.apply(Some(record.clone())).unwrap();
                assert_eq!(again, Applied::Keep(CommitAnswer::Committed), "idempotent");
                self.stored = Some(record);
                CommitAnswer::Committed
            }
        };
        state.answered(answer.clone())?;
        Ok(Some(answer))
    }

    fn save(&mut self, state: &mut State) -> Result<(), SessionError> {
        while self.step(state)?.is_some() {}
        match state.send_head() {
            Announcement::Nothing => {}
            Announcement::Issue(token, _) => self.token = Some(token),
            Announcement::Remove => self.token = None,
        }
        Ok(())
    }
}

fn entropy() -> Result<[u8; Token::ENTROPY], SessionError> {
    let mut bytes = [0; Token::ENTROPY];
    getrandom::fill(&mut bytes).unwrap();
    Ok(bytes)
}

fn put(state: &mut State, key: &str, value: &str) {
    state
        .insert(key, Bytes::copy_from_slice(value.as_bytes()))
        .unwrap();
}

fn get<'a>(state: &'a State, key: &str) -> Option<&'a str> {
    state
        .value(key)
        .map(|value| std::str::from_utf8(value).unwrap())
}

fn increment() -> Update {
    Box::new(|value| {
        let number = value.map_or(0, |value| value[0] - b'0');
        Ok(vec![number + 1 + b'0'].into())
    })
}

fn kind<T>(result: Result<T, SessionError>) -> Option<SessionErrorKind> {
    result.err().map(|error| error.kind())
}

type Deed = fn(&mut State);

fn put_b(state: &mut State) {
    put(state, "b", "1");
}

#[test]
fn without_a_session_only_a_value_or_a_sign_in_begins_one() {
    let rows: [(&str, &[Deed], Outcome); 9] = [
        ("nothing", &[], Outcome::Nothing),
        ("insert", &[put_b], Outcome::Create),
        (
            "insert, remove",
            &[put_b, |s| {
                s.remove("b");
            }],
            Outcome::Nothing,
        ),
        (
            "insert, destroy",
            &[put_b, State::destroy],
            Outcome::Nothing,
        ),
        (
            "sign in",
            &[|s| s.sign_in(Timestamp(1)).unwrap()],
            Outcome::Create,
        ),
        ("renew", &[|s| s.renew().unwrap()], Outcome::Nothing),
        ("touch", &[State::touch], Outcome::Nothing),
        (
            "lifetime",
            &[|s| s.set_lifetime(REMEMBERED).unwrap()],
            Outcome::Nothing,
        ),
        ("destroy", &[State::destroy], Outcome::Nothing),
    ];
    check_outcomes(&World::default(), &rows);
}

#[test]
fn what_a_request_does_to_a_session_decides_what_is_written() {
    let rows: [(&str, &[Deed], Outcome); 11] = [
        ("nothing", &[], Outcome::Nothing),
        ("insert", &[put_b], Outcome::Commit),
        (
            "remove what is absent",
            &[|s| {
                s.remove("b");
            }],
            Outcome::Nothing,
        ),
        ("take what is absent", &[|s| s.take("b")], Outcome::Nothing),
        (
            "remove",
            &[|s| {
                s.remove("a");
            }],
            Outcome::Commit,
        ),
        ("clear", &[State::clear], Outcome::Commit),
        ("renew", &[|s| s.renew().unwrap()], Outcome::Commit),
        ("touch", &[State::touch], Outcome::Touch),
        ("destroy", &[State::destroy], Outcome::Destroy),
        (
            "destroy, insert",
            &[State::destroy, put_b],
            Outcome::Destroy,
        ),
        (
            "insert, discard",
            &[put_b, State::discard],
            Outcome::Nothing,
        ),
    ];
    check_outcomes(&World::with_session(), &rows);
}

fn check_outcomes(world: &World, rows: &[(&str, &[Deed], Outcome)]) {
    for (name, acts, expected) in rows {
        let mut state = world.load();
        acts.iter().for_each(|act| act(&mut state));
        assert_eq!(state.outcome(), *expected, "{name}");
    }
}

const REMEMBERED: Lifetime = Lifetime::remembered();

#[test]
fn clearing_what_is_empty_is_nothing() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.remove("a");
    world.save(&mut state).unwrap();
    let mut state = world.load();
    state.clear();
    assert_eq!(state.outcome(), Outcome::Nothing);
}

#[test]
fn a_touch_is_due_after_a_tenth_of_the_idle_limit() {
    let mut world = World::with_session();
    world.now = Timestamp(10);
    assert_eq!(world.load().outcome(), Outcome::Nothing);
    world.now = Timestamp(11);
    let mut state = world.load();
    assert_eq!(state.outcome(), Outcome::Touch);
    world.save(&mut state).unwrap();
    assert_eq!(world.load().outcome(), Outcome::Nothing);
    assert_eq!(state.header().unwrap().touched, Timestamp(11));
}

#[test]
fn idle_and_absolute_limits_end_a_session() {
    let mut world = World::with_session();
    world.now = Timestamp(100);
    assert!(world.load().id().is_some());
    world.now = Timestamp(101);
    assert!(world.load().id().is_none(), "idle");

    let mut world = World::with_session();
    for now in (1..=1000).step_by(50) {
        world.now = Timestamp(now);
        world.save(&mut world.load()).unwrap();
    }
    world.now = Timestamp(1000);
    assert!(world.load().id().is_some());
    world.now = Timestamp(1001);
    assert!(world.load().id().is_none(), "absolute");
}

#[test]
fn a_commit_judges_the_idle_limit_by_the_load_and_the_absolute_one_by_the_commit() {
    let mut world = World::with_session();
    let mut slow = world.load();
    put(&mut slow, "b", "1");
    world.now = Timestamp(500);
    world.save(&mut slow).unwrap();
    put(&mut slow, "c", "1");
    world.now = Timestamp(1001);
    assert_eq!(kind(world.save(&mut slow)), Some(SessionErrorKind::Gone));
}

#[test]
fn sign_in_restarts_the_absolute_limit_and_renewal_does_not() {
    for (signs_in, alive) in [(true, true), (false, false)] {
        let mut world = World::with_session();
        for now in (1..=900).step_by(50) {
            world.now = Timestamp(now);
            world.save(&mut world.load()).unwrap();
        }
        let mut state = world.load();
        match signs_in {
            true => state.sign_in(world.now).unwrap(),
            false => state.renew().unwrap(),
        }
        world.save(&mut state).unwrap();
        for now in (900..=1050).step_by(50) {
            world.now = Timestamp(now);
            world.save(&mut world.load()).unwrap();
        }
        assert_eq!(world.load().id().is_some(), alive, "signs in: {signs_in}");
    }
}

#[test]
fn a_new_secret_kills_the_old_token_and_what_began_before() {
    let mut world = World::with_session();
    let before = world.token.clone().unwrap();
    let mut slow = world.load();
    let mut state = world.load();
    let id = state.id();
    state.renew().unwrap();
    world.save(&mut state).unwrap();
    assert_eq!(world.load().id(), id, "the id stays");
    let old = Record::parse(world.stored.clone().unwrap()).unwrap();
    assert!(
        State::resume(&before, old, world.now, LIMITS)
            .id()
            .is_none()
    );
    put(&mut slow, "b", "1");
    assert_eq!(
        kind(world.save(&mut slow)),
        Some(SessionErrorKind::Superseded)
    );
    assert_eq!(get(&world.load(), "b"), None);
}

#[test]
fn a_destroyed_session_does_not_come_back() {
    let mut world = World::with_session();
    let mut slow = world.load();
    let mut state = world.load();
    state.destroy();
    world.save(&mut state).unwrap();
    put(&mut slow, "b", "1");
    assert_eq!(kind(world.save(&mut slow)), Some(SessionErrorKind::Gone));
    let tombstone = world.stored.unwrap();
    assert_eq!(tombstone.len(), Header::LEN);
}

#[test]
fn destroy_then_insert_begins_another_session() {
    let mut world = World::with_session();
    let old = world.load().id();
    let mut state = world.load();
    state.destroy();
    put(&mut state, "b", "2");
    assert!(world.step(&mut state).unwrap().is_some());
    world.stored = None;
    world.save(&mut state).unwrap();
    let new = world.load();
    assert_ne!(new.id(), old);
    assert_eq!((get(&new, "a"), get(&new, "b")), (None, Some("2")));
}

#[test]
fn overlapping_changes_of_different_keys_both_survive() {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    put(&mut one, "one", "1");
    put(&mut two, "two", "2");
    world.save(&mut one).unwrap();
    world.save(&mut two).unwrap();
    let state = world.load();
    assert_eq!(
        (get(&state, "one"), get(&state, "two")),
        (Some("1"), Some("2"))
    );
}

#[test]
fn overlapping_updates_of_one_key_all_count() {
    let mut world = World::with_session();
    let mut states: Vec<_> = (0..5).map(|_| world.load()).collect();
    for state in &mut states {
        state.update("n", increment()).unwrap();
        state.update("n", increment()).unwrap();
        assert_eq!(get(state, "n"), Some("2"));
    }
    for state in states.iter_mut().take(4) {
        world.save(state).unwrap();
    }
    assert_eq!(get(&world.load(), "n"), Some("8"));
}

#[test]
fn a_change_during_a_commit_is_made_again_if_the_commit_conflicts() {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    one.update("n", increment()).unwrap();
    two.update("n", increment()).unwrap();
    world.save(&mut two).unwrap();
    let answer = world.step(&mut one).unwrap();
    assert!(matches!(answer, Some(CommitAnswer::Conflict(_))));
    one.update("n", increment()).unwrap();
    assert_eq!(get(&one, "n"), Some("3"));
    world.save(&mut one).unwrap();
    assert_eq!(get(&world.load(), "n"), Some("3"));
}

#[test]
fn a_value_is_taken_once() {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    one.take("a");
    two.take("a");
    put(&mut two, "a", "again");
    two.clear();
    world.save(&mut one).unwrap();
    assert_eq!(kind(world.save(&mut two)), Some(SessionErrorKind::Conflict));
}

#[test]
fn an_update_whose_commit_may_have_happened_is_not_made_again() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.update("n", increment()).unwrap();
    let with = Ingredients {
        now: world.now,
        nonce: [9; 8],
        entropy,
    };
    let lost = state.next_step(&with).unwrap().unwrap();
    let Applied::Write { record, .. } = lost.delta.apply(world.stored.take()).unwrap() else {
        panic!("nothing stands against it");
    };
    world.stored = Some(record);
    let mut other = world.load();
    other.update("n", increment()).unwrap();
    world.save(&mut other).unwrap();
    assert_eq!(
        kind(world.save(&mut state)),
        Some(SessionErrorKind::Conflict)
    );
    assert_eq!(get(&world.load(), "n"), Some("2"));
}

#[test]
fn keys_and_sizes_are_checked_before_anything_changes() {
    let world = World::with_session();
    let mut state = world.load();
    for key in ["", "@owner", &"k".repeat(256)] {
        let refused = state.insert(key, Bytes::new());
        assert_eq!(kind(refused), Some(SessionErrorKind::InvalidKey), "{key}");
        assert!(state.update(key, increment()).is_err());
    }
    let large = Bytes::from(vec![b'1'; LIMITS.max_len]);
    assert_eq!(
        kind(state.insert("b", large)),
        Some(SessionErrorKind::TooLarge)
    );
    assert_eq!(state.outcome(), Outcome::Nothing);
    state.insert("b", vec![b'1'; 500].into()).unwrap();
    state.clear();
    state.insert("b", vec![b'1'; 800].into()).unwrap();
}

#[test]
fn two_requests_cannot_outgrow_the_limit_together() {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    one.insert("one", vec![b'1'; 500].into()).unwrap();
    two.insert("two", vec![b'2'; 500].into()).unwrap();
    world.save(&mut one).unwrap();
    assert_eq!(kind(world.save(&mut two)), Some(SessionErrorKind::TooLarge));
    let mut smaller = world.load();
    smaller.remove("one");
    world.save(&mut smaller).unwrap();
}

#[test]
fn without_the_head_no_session_can_begin_or_be_renewed() {
    let mut state = World::default().load();
    state.send_head();
    assert_eq!(
        kind(state.insert("a", Bytes::new())),
        Some(SessionErrorKind::HeadSent)
    );
    assert_eq!(
        kind(state.sign_in(Timestamp(1))),
        Some(SessionErrorKind::HeadSent)
    );
    let mut state = World::with_session().load();
    state.send_head();
    put(&mut state, "b", "1");
    assert_eq!(kind(state.renew()), Some(SessionErrorKind::HeadSent));
}

#[test]
fn a_lifetime_that_needs_a_new_cookie_needs_a_renewal() {
    let mut state = World::with_session().load();
    let shorter = Lifetime::new(Duration::from_millis(1), Duration::from_millis(2));
    state.set_lifetime(shorter).unwrap();
    let remembered = Lifetime::remembered();
    assert_eq!(
        kind(state.set_lifetime(remembered)),
        Some(SessionErrorKind::NeedsRenewal)
    );
    state.renew().unwrap();
    state.set_lifetime(remembered).unwrap();
    assert_eq!(state.lifetime(), remembered);
}

#[derive(Debug, Clone)]
enum Act {
    Insert(u8, u8),
    Remove(u8),
    Take(u8),
    Update(u8),
    Clear,
    Renew,
    Save,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..5u8, 0..9u8).prop_map(|(key, value)| Act::Insert(key, value)),
        2 => (0..5u8).prop_map(Act::Remove),
        2 => (0..5u8).prop_map(Act::Take),
        4 => (0..5u8).prop_map(Act::Update),
        1 => Just(Act::Clear),
        1 => Just(Act::Renew),
        2 => Just(Act::Save),
    ]
}

fn on_model(act: &Act, model: &mut BTreeMap<String, String>) {
    match act {
        Act::Insert(key, value) => drop(model.insert(key.to_string(), value.to_string())),
        Act::Remove(key) | Act::Take(key) => drop(model.remove(&key.to_string())),
        Act::Update(key) => {
            let value = model.entry(key.to_string()).or_insert("0".to_owned());
            *value = char::from(value.as_bytes()[0] + 1).to_string();
        }
        Act::Clear => model.clear(),
        Act::Renew | Act::Save => {}
    }
}

fn on_state(act: &Act, state: &mut State) {
    match act {
        Act::Insert(key, value) => put(state, &key.to_string(), &value.to_string()),
        Act::Remove(key) => drop(state.remove(&key.to_string())),
        Act::Take(key) => state.take(&key.to_string()),
        Act::Update(key) => state.update(&key.to_string(), increment()).unwrap(),
        Act::Clear => state.clear(),
        Act::Renew => state.renew().unwrap(),
        Act::Save => {}
    }
}

proptest! {
    /// One request after the other sees and stores what a plain map would hold.
    #[test]
    fn a_session_behaves_like_a_map(acts in proptest::collection::vec(act(), 0..40)) {
        let mut world = World::with_session();
        let mut model = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        let mut state = world.load();
        for act in acts {
            if let Act::Save = act {
                world.save(&mut state).unwrap();
                state = world.load();
            }
            on_model(&act, &mut model);
            on_state(&act, &mut state);
            prop_assert_eq!(state.len, state.measure());
            let keys: Vec<_> = state.keys().into_iter().map(String::from).collect();
            let seen: Vec<_> = keys.iter().map(|key| get(&state, key).unwrap()).collect();
            prop_assert_eq!(&keys, &model.keys().cloned().collect::<Vec<_>>());
            prop_assert_eq!(seen, model.values().collect::<Vec<_>>());
        }
    }
}
