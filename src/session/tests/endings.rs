//! Sessions that end, and requests that fail.

use crate::session::{
    delta::CommitAnswer,
    error::SessionErrorKind,
    header::Header,
    lifetime::Timestamp,
    outcome::Outcome,
    record::Record,
    tests::{World, get, kind, put},
};

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
fn a_session_that_is_destroyed_while_it_is_created_does_not_stay() {
    for is_answered in [true, false] {
        let mut world = World {
            now: Timestamp(1),
            ..World::default()
        };
        let mut state = world.load();
        put(&mut state, "a", "1");
        let with = world.ingredients();
        let creation = state.next_step(&with).unwrap().unwrap();
        world.apply(&creation);
        state.destroy();
        put(&mut state, "b", "2");
        if is_answered {
            state.answered(CommitAnswer::Committed).unwrap();
        }
        assert_eq!((get(&state, "a"), get(&state, "b")), (None, Some("2")));
        assert_eq!(state.outcome(), Outcome::Destroy, "answered: {is_answered}");
        world.step(&mut state).unwrap();
        let record = Record::parse(world.stored.clone().unwrap()).unwrap();
        assert!(record.header.destroyed);
    }
}

#[test]
fn destroying_what_is_gone_succeeds() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.destroy();
    world.stored = None;
    world.save(&mut state).unwrap();
    assert!(world.token.is_none());
}

#[test]
fn a_failed_request_forgets_also_what_is_on_its_way() {
    let world = World::with_session();
    let mut state = world.load();
    put(&mut state, "b", "2");
    state.next_step(&world.ingredients()).unwrap();
    state.discard();
    assert_eq!(state.outcome(), Outcome::Nothing);
    assert_eq!(get(&state, "b"), None);
    assert_eq!(state.len, state.measure());
}
