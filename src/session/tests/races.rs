//! Requests that overlap.

use crate::session::{
    delta::CommitAnswer,
    error::SessionErrorKind,
    state::State,
    tests::{World, get, increment, kind, put},
};

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
    assert!(world.load_with(&before).id().is_none());
    put(&mut slow, "b", "1");
    assert_eq!(
        kind(world.save(&mut slow)),
        Some(SessionErrorKind::Superseded)
    );
    assert_eq!(get(&world.load(), "b"), None);
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
fn what_overwrites_an_update_relies_on_nothing() {
    for (value, name) in [(Some("9"), "insert"), (None, "remove")] {
        let (refused, stored) = after_another_insert(|state| {
            state.update("a", increment()).unwrap();
            match value {
                Some(value) => put(state, "a", value),
                None => drop(state.remove("a")),
            }
        });
        assert_eq!((refused, stored.as_deref()), (None, value), "{name}");
    }
}

#[test]
fn a_take_before_or_after_an_update_relies_on_what_was_there() {
    let deeds: [fn(&mut State); 2] = [
        |state| {
            state.update("a", increment()).unwrap();
            state.take("a");
        },
        |state| {
            state.take("a");
            state.update("a", increment()).unwrap();
        },
    ];
    for deed in deeds {
        let (refused, stored) = after_another_insert(deed);
        assert_eq!(refused, Some(SessionErrorKind::Conflict));
        assert_eq!(stored.as_deref(), Some("5"));
    }
}

/// What comes of `deed` if another request sets `a` to 5 before it is saved.
fn after_another_insert(deed: impl Fn(&mut State)) -> (Option<SessionErrorKind>, Option<String>) {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    deed(&mut one);
    put(&mut two, "a", "5");
    world.save(&mut two).unwrap();
    let refused = kind(world.save(&mut one));
    let stored = world.load();
    (refused, get(&stored, "a").map(String::from))
}

#[test]
fn a_rebased_request_sees_what_others_did() {
    let mut world = World::with_session();
    let (mut one, mut two) = (world.load(), world.load());
    one.update("n", increment()).unwrap();
    two.update("n", increment()).unwrap();
    put(&mut two, "b", "2");
    world.save(&mut two).unwrap();
    world.step(&mut one).unwrap();
    assert_eq!(get(&one, "b"), Some("2"));
    assert_eq!(one.len, one.measure());
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
fn a_commit_whose_answer_is_lost_is_made_once() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.update("n", increment()).unwrap();
    let with = world.ingredients_of(9);
    for _ in 0..2 {
        let lost = state.next_step(&with).unwrap().unwrap();
        assert_eq!(world.apply(&lost), CommitAnswer::Committed);
    }
    world.save(&mut state).unwrap();
    assert_eq!(get(&world.load(), "n"), Some("1"));
}

/// Even if the value is again what it was: somebody counted it down.
#[test]
fn a_lost_commit_that_others_followed_is_neither_repeated_nor_reported_as_saved() {
    for (happened, meanwhile) in [(true, "0"), (true, "7"), (false, "7")] {
        let mut world = World::with_session();
        let mut state = world.load();
        put(&mut state, "n", "0");
        world.save(&mut state).unwrap();
        let mut state = world.load();
        state.update("n", increment()).unwrap();
        let lost = state.next_step(&world.ingredients_of(9)).unwrap().unwrap();
        if happened {
            world.apply(&lost);
        }
        let mut other = world.load();
        put(&mut other, "n", meanwhile);
        world.save(&mut other).unwrap();
        let refused = kind(world.save(&mut state));
        assert_eq!(refused, Some(SessionErrorKind::Store), "it cannot be told");
        assert_eq!(get(&world.load(), "n"), Some(meanwhile));
    }
}
