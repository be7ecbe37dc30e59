//! Whose session it is.

use std::time::Duration;

use bytes::Bytes;

use crate::session::{
    delta::{CommitAnswer, DeltaKind},
    error::SessionErrorKind::{InvalidOwner, NeedsRenewal, TooLarge},
    lifetime::{Lifetime, Timestamp},
    owner::Account,
    state::State,
    tests::{LIMITS, World, get, kind, put},
};

/// A session that belongs to Ann.
fn with_owner() -> World {
    let mut world = World::with_session();
    let mut state = world.load();
    state.sign_in(world.now).unwrap();
    state.set_owner("ann").unwrap();
    world.save(&mut state).unwrap();
    world
}

fn owner(state: &State) -> Option<String> {
    Some(state.owner()?.as_ref().into())
}

#[test]
fn an_owner_comes_with_a_new_token() {
    let mut state = World::with_session().load();
    assert_eq!(kind(state.set_owner("ann")), Some(NeedsRenewal));
    state.renew().unwrap();
    state.set_owner("ann").unwrap();
    assert_eq!(owner(&state).as_deref(), Some("ann"));

    let mut state = with_owner().load();
    state.set_owner("ann").unwrap();
    assert!(!state.pending.is_dirty(), "nothing changes");
    assert_eq!(kind(state.set_owner("bob")), Some(NeedsRenewal));

    let mut state = World::default().load();
    state.set_owner("ann").unwrap();
    assert!(state.pending.begin_a_session());
}

#[test]
fn a_name_and_what_is_said_of_a_session_have_a_length() {
    let mut state = World::default().load();
    for name in ["", &"x".repeat(256)] {
        assert_eq!(kind(state.set_owner(name)), Some(InvalidOwner));
    }
    state.set_owner(&"x".repeat(255)).unwrap();
    let long = |len| Bytes::from(vec![b'1'; len]);
    let mut state = World::with_session().load();
    state.limits.max_len = 4096;
    assert_eq!(kind(state.set_details(long(1025))), Some(TooLarge));
    state.set_details(long(1024)).unwrap();
}

/// Neither by its name as a key nor by clearing the session.
#[test]
fn an_owner_is_no_value() {
    let world = with_owner();
    let mut state = world.load();
    assert_eq!(get(&state, "@owner"), None);
    assert!(!state.remove("@owner"));
    state.take("@owner");
    assert!(!state.pending.is_dirty());
    state.set_details(Bytes::from_static(b"1")).unwrap();
    state.clear();
    assert_eq!(owner(&state).as_deref(), Some("ann"));
    assert_eq!(state.details(), Some(&b"1"[..]));
    assert!(state.is_empty());
    assert_eq!(state.keys().count(), 0);
}

#[test]
fn a_store_is_told_what_concerns_the_account_and_nothing_else() {
    type Deed = fn(&mut State);
    let absolute = LIMITS.lifetime.absolute();
    let rows: [(&str, Deed, Option<Timestamp>); 6] = [
        ("insert", |s| put(s, "b", "1"), None),
        ("touch", State::touch, None),
        ("renew", |s| s.renew().unwrap(), None),
        ("details", |s| s.set_details("1".into()).unwrap(), None),
        (
            "sign in",
            |s| s.sign_in(Timestamp(8)).unwrap(),
            Some(Timestamp(8).after(absolute)),
        ),
        (
            "lifetime",
            |s| s.set_lifetime(LONGER).unwrap(),
            Some(Timestamp(1).after(LONGER.absolute())),
        ),
    ];
    for (name, deed, until) in rows {
        let world = with_owner();
        let mut state = world.load();
        deed(&mut state);
        let step = state.next_step(&world.ingredients_of(99)).unwrap().unwrap();
        let listing = step.delta.account.listing();
        assert_eq!(listing.map(|it| it.until), until, "{name}");
    }
}

#[test]
fn the_end_of_a_session_says_whose_it_was() {
    let world = with_owner();
    let mut state = world.load();
    state.destroy();
    let step = state.next_step(&world.ingredients_of(99)).unwrap().unwrap();
    assert!(matches!(step.delta.kind, DeltaKind::Destroy));
    assert!(matches!(&step.delta.account, Account::Unlisted(owner) if &**owner == "ann"));
}

/// A request that signs in does not know that another one gave the session a longer life.
#[test]
fn a_session_that_would_outlive_its_account_is_entered_anew() {
    let mut world = with_owner();
    let (mut first, mut second) = (world.load(), world.load());
    second.set_lifetime(LONGER).unwrap();
    world.save(&mut second).unwrap();
    first.sign_in(world.now).unwrap();
    let answer = world.step(&mut first).unwrap();
    assert!(matches!(answer, Some(CommitAnswer::Conflict(_))));
    assert_eq!(
        world.step(&mut first).unwrap(),
        Some(CommitAnswer::Committed)
    );
    assert_eq!(first.lifetime(), LONGER);
}

const LONGER: Lifetime = Lifetime::new(Duration::from_millis(100), Duration::from_millis(2000));
