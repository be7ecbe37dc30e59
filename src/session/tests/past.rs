//! Requests with a token that was good a moment ago, or never.

use crate::session::{
    claim::Claim,
    error::SessionErrorKind,
    lifetime::Timestamp,
    outcome::Outcome,
    record::Record,
    rotation::REMEMBERED,
    standing::Standing,
    state::State,
    tests::{GRACE, LIMITS, World, get, increment, kind, put},
    token::Token,
};

const MINUTE: u64 = REMEMBERED.as_millis() as u64;

const SUPERSEDED: Claim = past(SessionErrorKind::Superseded, true);
const SUPERSEDED_STRANGER: Claim = past(SessionErrorKind::Superseded, false);
const GONE: Claim = past(SessionErrorKind::Gone, false);

const fn past(because: SessionErrorKind, may_end: bool) -> Claim {
    Claim::Past { because, may_end }
}

/// A session after `deed`, and its token from before.
fn after(deed: impl FnOnce(&mut State)) -> (World, Token) {
    let mut world = World::with_session();
    let old = world.token.clone().unwrap();
    let mut state = world.load();
    deed(&mut state);
    world.save(&mut state).unwrap();
    (world, old)
}

fn wrong(token: &Token) -> Token {
    Token::for_session(token.id(), [0xee; Token::ENTROPY])
}

type Deed = fn(&mut State);

#[test]
fn what_a_token_is_worth() {
    #[rustfmt::skip]
    let rows: [(&str, Deed, Claim, Claim, Claim); 4] = [
        ("nothing", |_| (), Claim::Current, Claim::Current, Claim::Unknown),
        ("rotate", |s| s.rotate().unwrap(), Claim::Predecessor, Claim::Predecessor, Claim::Unknown),
        ("renew", |s| s.renew().unwrap(), SUPERSEDED, Claim::Unknown, SUPERSEDED_STRANGER),
        ("destroy", State::destroy, GONE, Claim::Unknown, Claim::Unknown),
    ];
    for (name, deed, at_once, after_a_minute, wrong_secret) in rows {
        let (world, old) = after(deed);
        let mut header = Record::parse(world.stored.clone().unwrap()).unwrap().header;
        let judge = |token: &Token, header: &_, now| Claim::judge(token, header, now, GRACE);
        assert_eq!(judge(&old, &header, world.now), at_once, "{name}");
        assert_eq!(
            judge(&wrong(&old), &header, world.now),
            wrong_secret,
            "{name}: wrong"
        );
        let last = Timestamp(world.now.0 + MINUTE - 1);
        let touched = header.touched;
        header.touched = if header.destroyed { touched } else { last };
        header.created = last;
        assert_eq!(
            judge(&old, &header, last),
            at_once,
            "{name}: within the minute"
        );
        let late = Timestamp(last.0 + 1);
        assert_eq!(
            judge(&old, &header, late),
            after_a_minute,
            "{name}: after the minute"
        );
        assert_eq!(
            judge(&wrong(&old), &header, late),
            Claim::Unknown,
            "{name}: wrong, late"
        );
    }
}

#[test]
fn a_request_from_the_past_sees_nothing_and_saves_nothing() {
    for (deed, because) in [
        (
            (|s| s.sign_in(Timestamp(1)).unwrap()) as fn(&mut State),
            SessionErrorKind::Superseded,
        ),
        (State::destroy, SessionErrorKind::Gone),
    ] {
        let (mut world, old) = after(deed);
        let before = world.stored.clone();
        let mut state = world.load_with(&old);
        assert_eq!((state.id(), get(&state, "a")), (None, None));
        assert_eq!(state.outcome(), Outcome::Nothing, "looking is free");
        put(&mut state, "b", "1");
        assert_eq!(kind(world.save(&mut state)), Some(because));
        assert_eq!(world.stored, before);
        assert!(!state.send_head().is_issue());
    }
}

#[test]
fn a_request_from_the_past_may_sign_in_to_a_session_of_its_own() {
    let (mut world, old) = after(|state| state.sign_in(Timestamp(1)).unwrap());
    let other = world.stored.take();
    world.stored.clone_from(&other);
    let mut state = world.load_with(&old);
    put(&mut state, "b", "1");
    state.sign_in(Timestamp(2)).unwrap();
    world.stored = None;
    world.save(&mut state).unwrap();
    assert_ne!(world.token.as_ref().map(Token::id), Some(old.id()));
    let new = world.load();
    assert_eq!((get(&new, "a"), get(&new, "b")), (None, Some("1")));
}

#[test]
fn a_request_from_the_past_may_end_the_session_that_it_proved_its_right_to() {
    let (mut world, old) = after(|state| state.renew().unwrap());
    let mut stranger = world.load_with(&wrong(&old));
    stranger.destroy();
    assert_eq!(
        stranger.outcome(),
        Outcome::Nothing,
        "a wrong secret harms nothing"
    );
    let mut state = world.load_with(&old);
    state.destroy();
    put(&mut state, "b", "2");
    assert!(world.step(&mut state).unwrap().is_some());
    assert_eq!(world.load().id(), None, "it ended");
    assert_eq!(
        state.outcome(),
        Outcome::Create,
        "what follows is another session"
    );
}

#[test]
fn a_sign_in_that_comes_too_late_begins_another_session_with_what_it_set() {
    for deed in [
        (|s| s.sign_in(Timestamp(1)).unwrap()) as fn(&mut State),
        State::destroy,
    ] {
        let mut world = World::with_session();
        let mut late = world.load();
        let mut state = world.load();
        deed(&mut state);
        world.save(&mut state).unwrap();
        put(&mut late, "b", "1");
        late.update("n", increment()).unwrap();
        late.sign_in(Timestamp(3)).unwrap();
        world.step(&mut late).unwrap();
        put(&mut late, "c", "1");
        assert_eq!((late.id(), late.len), (None, late.measure()));
        let first = world.stored.take();
        world.save(&mut late).unwrap();
        let new = world.load();
        assert_eq!(new.keys().collect::<Vec<_>>(), ["b", "c", "n"]);
        assert_eq!(new.authenticated(), Some(Timestamp(3)));
        assert_ne!(first, world.stored);
    }
}

#[test]
fn a_sign_in_that_comes_too_late_does_not_keep_what_another_may_have_taken() {
    let mut world = World::with_session();
    let mut late = world.load();
    let mut state = world.load();
    state.renew().unwrap();
    world.save(&mut state).unwrap();
    late.take("a");
    late.sign_in(Timestamp(3)).unwrap();
    assert_eq!(
        kind(world.save(&mut late)),
        Some(SessionErrorKind::Conflict)
    );
}

#[test]
fn where_only_a_sign_in_may_begin_a_session_nothing_else_does() {
    let because = SessionErrorKind::CrossSite;
    let standing = Standing::OnlyBySignIn {
        because,
        ends: None,
    };
    let mut state = State::empty(standing, LIMITS);
    state.destroy();
    put(&mut state, "a", "1");
    assert_eq!(state.outcome(), Outcome::Refused(because));
    state.sign_in(Timestamp(1)).unwrap();
    assert_eq!(state.outcome(), Outcome::Create);
    state.discard();
    assert_eq!(state.outcome(), Outcome::Nothing);
}
