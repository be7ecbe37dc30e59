//! What a request does, and what is written because of it.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    error::SessionErrorKind,
    lifetime::{Lifetime, Timestamp},
    outcome::Outcome,
    state::State,
    tests::{LIMITS, World, increment, kind, put},
};

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
    let refused = world.save(&mut two).unwrap_err();
    assert_eq!(refused.kind(), SessionErrorKind::Conflict);
    let cause = std::error::Error::source(&refused).unwrap();
    assert!(cause.to_string().contains("size limit"));
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
    let mut world = World::with_session();
    let mut state = world.load();
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
    world.save(&mut state).unwrap();
    let mut state = world.load();
    let longer = Lifetime::new(remembered.idle(), remembered.absolute() * 2).persistent();
    assert_eq!(
        kind(state.set_lifetime(longer)),
        Some(SessionErrorKind::NeedsRenewal),
        "the cookie would end before the session"
    );
    let shorter = Lifetime::new(remembered.idle(), remembered.absolute() / 2).persistent();
    state.set_lifetime(shorter).unwrap();
}

#[test]
fn a_renewal_does_not_undo_a_sign_in() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.sign_in(Timestamp(7)).unwrap();
    state.renew().unwrap();
    world.save(&mut state).unwrap();
    assert_eq!(world.load().authenticated(), Some(Timestamp(7)));
}
