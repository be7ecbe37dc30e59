//! Limits of time and of size.

use crate::session::{
    error::SessionErrorKind,
    lifetime::Timestamp,
    outcome::Outcome,
    record::{entry_len, put_entry},
    tests::{LIMITS, World, kind, put},
};

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
fn a_record_may_become_exactly_as_long_as_the_limit_however_often_its_keys_are_set() {
    let mut world = World::with_session();
    let mut state = world.load();
    let room = LIMITS.max_len - state.measure();
    let longest = "1".repeat(room - entry_len("b", b""));
    for value in [&*longest, "1", &*longest] {
        put(&mut state, "b", value);
    }
    let refused = state.insert("a", b"11"[..].into());
    assert_eq!(kind(refused), Some(SessionErrorKind::TooLarge));
    put(&mut state, "a", "2");
    world.save(&mut state).unwrap();
    assert_eq!(world.stored.unwrap().len(), LIMITS.max_len);
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
fn a_damaged_record_that_has_a_key_twice_still_adds_up() {
    let mut world = World::with_session();
    let mut damaged = world.stored.take().unwrap().to_vec();
    put_entry(&mut damaged, "b", &[b'1'; 400]);
    put_entry(&mut damaged, "b", b"2");
    world.stored = Some(damaged.into());
    let mut state = world.load();
    // From now on the length is not that of the record, but what its entries add up to.
    state.discard();
    assert!(state.remove("b"));
    assert_eq!(state.value("b"), None);
    put(&mut state, "c", "3");
    world.save(&mut state).unwrap();
    let keys: Vec<_> = world.load().keys().map(String::from).collect();
    assert_eq!(keys, ["a", "c"]);
}
