//! What the names of the model stand for: tokens, keys and values, and back.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::session::{
    record::{Record, put_entry},
    tests::protocol::{
        store::{self, Entries, FORGED, Name},
        world::REQUESTS,
    },
    token::{SessionId, Token, Verifier},
};

/// What a request with this name makes its tokens from: a new session has its name as well.
pub(super) fn entropy_of(name: Name) -> [u8; Token::ENTROPY] {
    [name; Token::ENTROPY]
}

pub(super) fn real_token(token: store::Token) -> Token {
    Token::for_session(id_of(token.session), entropy_of(token.secret))
}

pub(super) fn name_of_token(token: &Token) -> store::Token {
    store::Token {
        session: name_of_session(token.id()),
        secret: name_of(token.verifier()),
    }
}

pub(super) fn name_of_session(id: SessionId) -> Name {
    let is_it = |session: &Name| IDS[usize::from(*session)] == id;
    (0..=REQUESTS as Name).find(is_it).unwrap()
}

/// Which session it is of makes no difference to the verifier.
pub(super) fn verifier_of(secret: Name) -> Verifier {
    VERIFIERS[usize::from(secret)]
}

pub(super) fn name_of(verifier: Verifier) -> Name {
    let has_it = |secret: &Name| verifier_of(*secret) == verifier;
    (0..=FORGED).find(has_it).unwrap()
}

pub(super) fn entries(record: &Record) -> Entries {
    let first = |key: &str| record.value(key).map(|value| value[0]);
    let bit = |(bit, key): (u8, &&str)| u8::from(first(key).is_some()) << bit;
    Entries {
        own: (0..).zip(&OWN).map(bit).sum(),
        number: first(NUMBER).unwrap_or_default(),
        taken_by: first(TAKEN),
    }
}

pub(super) fn own_keys(bits: u8) -> impl Iterator<Item = &'static str> {
    let is_set = move |(bit, _): &(usize, &str)| bits >> bit & 1 == 1;
    OWN.into_iter()
        .enumerate()
        .filter(is_set)
        .map(|(_, key)| key)
}

/// Zero is absent.
pub(super) fn counted(number: u8) -> Option<Bytes> {
    (number != 0).then(|| vec![number].into())
}

/// Every session begins with it: then a request can take it that did not make the session.
pub(super) fn with_prize(record: &Bytes) -> Bytes {
    let mut bytes = record.to_vec();
    put_entry(&mut bytes, PRIZE, b"1");
    bytes.into()
}

fn id_of(session: Name) -> SessionId {
    IDS[usize::from(session)]
}

static IDS: LazyLock<[SessionId; REQUESTS + 1]> = LazyLock::new(|| {
    std::array::from_fn(|session| Token::for_new_session(entropy_of(session as Name)).id())
});

static VERIFIERS: LazyLock<[Verifier; FORGED as usize + 1]> = LazyLock::new(|| {
    std::array::from_fn(|secret| Token::for_new_session(entropy_of(secret as Name)).verifier())
});

pub(super) const NUMBER: &str = "number";
/// What is to be taken once.
pub(super) const PRIZE: &str = "prize";
/// Who took it.
pub(super) const TAKEN: &str = "taken";
const OWN: [&str; 4] = ["own 0", "own 1", "own 2", "own 3"];
