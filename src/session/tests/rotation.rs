//! Tokens that are replaced, and requests that come with old ones.

use crate::session::{
    claim::Claim,
    error::SessionErrorKind,
    header::{Previous, Replacement},
    lifetime::Timestamp,
    outcome::Outcome,
    record::Record,
    state::State,
    tests::{GRACE, World, get, increment, kind, put},
    token::Token,
};

/// A session whose token was just rotated, and the token from before.
fn rotated() -> (World, Token) {
    let mut world = World::with_session();
    let old = world.token.clone().unwrap();
    let mut state = world.load();
    state.rotate().unwrap();
    world.save(&mut state).unwrap();
    assert_ne!(world.token, Some(old.clone()), "the cookie is another one");
    (world, old)
}

fn previous(world: &World) -> Previous {
    let record = Record::parse(world.stored.clone().unwrap()).unwrap();
    record.header.previous.unwrap()
}

#[test]
fn a_secret_is_rotated_when_it_is_old_enough_and_only_with_the_current_token() {
    let mut world = World::with_session();
    let old = world.token.clone().unwrap();
    assert_eq!(world.load().outcome(), Outcome::Nothing);
    world.now = Timestamp(51);
    let mut state = world.load();
    assert_eq!(state.outcome(), Outcome::Rotate);
    world.save(&mut state).unwrap();
    assert_ne!(world.token, Some(old.clone()));
    assert_eq!(
        get(&world.load_with(&old), "a"),
        Some("1"),
        "served in full"
    );
    let mut state = world.load_with(&old);
    state.rotate().unwrap();
    assert_eq!(state.outcome(), Outcome::Nothing);
}

#[test]
fn what_changed_is_saved_before_the_token_is_rotated() {
    let mut world = World::with_session();
    let mut state = world.load();
    state.rotate().unwrap();
    put(&mut state, "b", "2");
    assert_eq!(state.outcome(), Outcome::Commit);
    world.step(&mut state).unwrap();
    assert_eq!(state.outcome(), Outcome::Rotate);
    world.save(&mut state).unwrap();
    assert_eq!(get(&world.load(), "b"), Some("2"));
}

#[test]
fn of_racing_rotations_one_wins_and_losing_fails_nobody() {
    let mut world = World::with_session();
    world.now = Timestamp(51);
    let mut states: Vec<_> = (0..3).map(|_| world.load()).collect();
    for state in &mut states {
        while let Some(step) = state.next_step(&world.ingredients()).unwrap() {
            world.nonces += 1;
            let answer = world.apply(&step);
            if state.answered(answer).is_err() {
                state.give_up_routine();
            }
        }
    }
    let issued = states.iter_mut().map(State::send_head);
    let issued: Vec<_> = issued.filter(|it| it.is_issue()).collect();
    assert_eq!(issued.len(), 1);
}

#[test]
fn an_old_token_hands_over_the_successor_until_somebody_presented_it() {
    let (mut world, old) = rotated();
    let new = world.token.clone();
    world.now = world.now.after(std::time::Duration::from_millis(1999));
    relive(&mut world);
    assert_eq!(
        world.load_with(&old).outcome(),
        Outcome::Nothing,
        "it is on its way"
    );
    world.now = Timestamp(world.now.0 + 1);
    let mut waits = world.load_with(&old);
    let mut state = world.load_with(&old);
    assert_eq!(state.outcome(), Outcome::Rotate);
    world.token = None;
    world.save(&mut state).unwrap();
    assert_eq!(world.token, new, "the same successor");

    let mut presents = world.load();
    assert_eq!(presents.outcome(), Outcome::Touch, "it was presented");
    world.save(&mut presents).unwrap();
    assert_eq!(
        kind(world.save(&mut waits)),
        Some(SessionErrorKind::Superseded)
    );
    assert!(!waits.send_head().is_issue());
}

#[test]
fn a_successor_whose_seal_was_erased_meanwhile_is_not_handed_over() {
    let (mut world, old) = rotated();
    world.now = world.now.after(std::time::Duration::from_secs(2));
    relive(&mut world);
    let mut late = world.load_with(&old);
    late.update("n", increment()).unwrap();
    // Another request presents the successor, and one after the grace writes what `late` did not see.
    for key in ["m", "n"] {
        let mut other = world.load();
        put(&mut other, key, "5");
        world.step(&mut other).unwrap();
        world.now = world.now.after(GRACE);
    }
    assert_eq!(previous(&world).sealed_successor(), None);

    while late.outcome() != Outcome::Nothing {
        world.nonces += 1;
        let step = late.next_step(&world.ingredients()).unwrap();
        let step = step.expect("what is to be written can be written");
        let answer = world.apply(&step);
        if late.answered(answer).is_err() {
            late.give_up_routine();
        }
    }
    assert_eq!(get(&world.load(), "n"), Some("6"));
    assert!(!late.send_head().is_issue());
}

/// Makes the session's limits long, so that seconds may pass.
fn relive(world: &mut World) {
    let mut record = Record::parse(world.stored.clone().unwrap()).unwrap();
    record.header.touched = world.now;
    record.header.created = world.now;
    let mut bytes = record.as_bytes().to_vec();
    record = Record::assemble(record.header, std::mem::take(&mut bytes));
    world.stored = Some(record.into_bytes());
}

#[test]
fn an_old_token_counts_for_a_grace_and_then_is_reused() {
    let (mut world, old) = rotated();
    let mut state = world.load();
    world.save(&mut state).unwrap();
    let claim = |world: &World| {
        let record = Record::parse(world.stored.clone().unwrap()).unwrap();
        Claim::judge(&old, &record.header, world.now, GRACE)
    };
    world.now = Timestamp(world.now.0 + 19);
    assert_eq!(claim(&world), Claim::Predecessor);
    world.now = Timestamp(world.now.0 + 1);
    assert_eq!(claim(&world), Claim::Reused);
    let mut late = world.load_with(&old);
    assert_eq!(late.id(), None);
    put(&mut late, "b", "1");
    assert_eq!(
        late.outcome(),
        Outcome::Create,
        "anybody may begin a session"
    );
}

#[test]
fn the_first_write_after_the_grace_erases_the_seal() {
    let (mut world, _) = rotated();
    let sealed = |world: &World| previous(world).sealed_successor().is_some();
    let mut state = world.load();
    world.save(&mut state).unwrap();
    assert!(sealed(&world));
    for (after, is_sealed) in [(19, true), (20, false)] {
        let mut world = World {
            now: Timestamp(world.now.0 + after),
            nonces: 100 + after,
            stored: world.stored.clone(),
            token: world.token.clone(),
        };
        let mut state = world.load();
        put(&mut state, "b", "2");
        world.step(&mut state).unwrap();
        assert_eq!(sealed(&world), is_sealed, "after {after} ms");
    }
}

#[test]
fn a_rotation_waits_until_the_last_replacement_settled() {
    let (mut world, _) = rotated();
    let second = world.token.clone();
    let rotate = |world: &mut World| {
        let mut state = world.load();
        state.rotate().unwrap();
        world.save(&mut state).unwrap();
    };
    rotate(&mut world);
    rotate(&mut world);
    assert_eq!(world.token, second, "the grace is open");
    world.now = Timestamp(world.now.0 + 21);
    rotate(&mut world);
    assert_ne!(world.token, second);

    let mut state = world.load();
    state.renew().unwrap();
    world.save(&mut state).unwrap();
    let renewed = world.token.clone();
    rotate(&mut world);
    assert_eq!(world.token, renewed, "it was renewed a moment ago");
    assert_eq!(previous(&world).by, Replacement::Renewal);
}

#[test]
fn a_failed_request_does_not_rotate_what_it_asked_to() {
    let world = World::with_session();
    let mut state = world.load();
    state.rotate().unwrap();
    state.discard();
    assert_eq!(state.outcome(), Outcome::Nothing);
}
