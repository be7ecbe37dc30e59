//! The doors through which the fuzz targets come in, there with `--cfg fuzzing` alone.
//!
//! They only open: what has to hold is said by the targets, in `fuzz/fuzz_targets`. Tokens come and
//! go as cookies have them, times as Unix milliseconds.

use std::{cell::Cell, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, header::COOKIE};

use crate::{
    cookie::{Presented, SessionCookie, Unread},
    session::{
        announcement::Announcement,
        claim::Claim,
        error::SessionError,
        lifetime::{Lifetime, Timestamp},
        record::{Record, UnreadableRecord},
        standing::Standing,
        state::{Limits, State},
        step::Ingredients,
        token::{Entropy, SessionId, Token},
    },
    store::{CommitAnswer, Delta, NotARecord},
};

/// Reads a token and writes it again.
pub fn token(value: &[u8]) -> Option<String> {
    Token::parse(value).as_ref().map(encoded)
}

/// The token that is made of these random bytes.
pub fn new_token(entropy: [u8; 48]) -> String {
    encoded(&Token::for_new_session(entropy))
}

/// The tokens that a request shows, read at once and as the middleware reads them; `None` if they
/// are too many.
pub fn cookie_header(cookie: &SessionCookie, headers: &HeaderMap) -> [Option<Vec<String>>; 2] {
    let at_once = cookie.read(headers.get_all(COOKIE).iter());
    let in_turn = Unread::of(headers, cookie).read(cookie);
    [at_once, in_turn].map(|presented| {
        let tokens = match presented {
            Presented::Nothing => Vec::new(),
            Presented::Token(token) => vec![token],
            Presented::Several(tokens) => tokens,
            Presented::TooMany => return None,
        };
        Some(tokens.iter().map(encoded).collect())
    })
}

/// Which session a token is for, and what a record holds in place of its secret.
pub fn parts(token: &str) -> Option<(SessionId, [u8; 32])> {
    let token = Token::parse(token.as_bytes())?;
    Some((token.id(), token.verifier().0))
}

/// The secret of one token sealed under that of another one.
pub fn seal(old: &str, new: &str) -> Option<[u8; 32]> {
    let new = Token::parse(new.as_bytes())?;
    Some(Token::parse(old.as_bytes())?.seal(&new).0)
}

/// Reads a record and puts it together again; inner `Err` if a later release wrote it.
pub fn record(bytes: &[u8]) -> Option<Result<Bytes, ()>> {
    match Record::parse(Bytes::copy_from_slice(bytes)) {
        Err(UnreadableRecord::Corrupt) => None,
        Err(UnreadableRecord::NewerVersion) => Some(Err(())),
        Ok(record) => {
            let header = record.header.clone();
            let record = Record::assemble(header, record.into_bytes().to_vec());
            Some(Ok(record.into_bytes()))
        }
    }
}

/// A session as one request sees it.
pub struct Request(State);

impl Request {
    /// A request with a cookie, before a store that holds these records.
    pub fn new(
        cookie: &str,
        records: &BTreeMap<SessionId, Bytes>,
        now: u64,
        rules: &Rules,
    ) -> Result<Self, NotARecord> {
        let (now, limits) = (Timestamp(now), rules.limits());
        let token = Token::parse(cookie.as_bytes());
        let found = token.and_then(|token| Some((records.get(&token.id())?, token)));
        let Some((record, token)) = found else {
            return Ok(Self(State::empty(Standing::Free, limits)));
        };
        let record = Record::parse(record.clone())?;
        let claim = Claim::judge(&token, &record.header, now, limits.grace);
        Ok(Self(State::resume(claim, &token, record, now, limits)))
    }

    /// The session that the request has.
    pub fn id(&self) -> Option<SessionId> {
        self.0.id()
    }

    /// What the application can see.
    pub fn values(&mut self) -> BTreeMap<&str, Option<&[u8]>> {
        // As the handle does before anything is read or changed.
        self.0.catch_up();
        let keys = self.0.keys();
        keys.map(|key| (key, self.0.value(key))).collect()
    }

    /// What the application can do. Each returns what the session said, where it says something.
    pub fn act(&mut self, act: Act<'_>) -> Result<bool, SessionError> {
        let state = &mut self.0;
        state.catch_up();
        match act {
            Act::Insert(key, value) => state.insert(key, value)?,
            Act::Remove(key) => return Ok(state.remove(key)),
            Act::Take(key) => state.take(key),
            Act::Update(key, update) => state.update(key, update)?,
            Act::Clear => state.clear(),
            Act::SignIn(now) => state.sign_in(Timestamp(now))?,
            Act::Renew => state.renew()?,
            Act::Rotate => state.rotate()?,
            Act::Destroy => state.destroy(),
            Act::SetLifetime(lifetime) => state.set_lifetime(lifetime)?,
            Act::Touch => state.touch(),
            Act::MarkPassive => state.mark_passive(),
            Act::Discard => state.discard(),
            Act::Forget => state.forget(),
        }
        Ok(true)
    }

    /// The next write; a new token is made of `number`, which has to be another one each time.
    pub fn next_write(&mut self, now: u64, number: u64) -> Result<Option<Write>, SessionError> {
        ENTROPY.set(spread(number));
        let step = self.0.next_step(&Ingredients {
            now: Timestamp(now),
            nonce: number.to_be_bytes(),
            entropy: || Ok(Entropy::new(ENTROPY.get())),
        })?;
        Ok(step.map(|step| Write {
            delta: step.delta,
            id: step.id,
            is_routine: step.is_routine,
        }))
    }

    pub fn answered(&mut self, answer: CommitAnswer) -> Result<(), SessionError> {
        self.0.answered(answer)
    }

    pub fn give_up_routine(&mut self) {
        self.0.give_up_routine();
    }

    /// The cookie that goes out: empty if it is to be removed.
    pub fn send_head(&mut self) -> Option<String> {
        match self.0.send_head() {
            Announcement::Nothing => None,
            Announcement::Issue { token, .. } => Some(encoded(&token)),
            Announcement::Remove => Some(String::new()),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// What an application does to its session.
pub enum Act<'a> {
    Insert(&'a str, Bytes),
    Remove(&'a str),
    Take(&'a str),
    Update(&'a str, Change),
    Clear,
    SignIn(u64),
    Renew,
    Rotate,
    Destroy,
    SetLifetime(Lifetime),
    Touch,
    MarkPassive,
    Discard,
    Forget,
}

/// Computes a value from the one before.
pub type Change = Box<dyn FnMut(Option<&[u8]>) -> Result<Bytes, SessionError> + Send>;

impl fmt::Debug for Act<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Act").finish_non_exhaustive()
    }
}

/// What the configuration says about every session.
#[derive(Debug)]
pub struct Rules {
    pub lifetime: Lifetime,
    pub max_len: usize,
    pub max_entry_len: usize,
    pub rotate_every: Option<Duration>,
    pub grace: Duration,
}

impl Rules {
    fn limits(&self) -> Limits {
        Limits {
            lifetime: self.lifetime,
            max_len: self.max_len,
            max_entry_len: self.max_entry_len,
            max_sessions: None,
            rotate_every: self.rotate_every,
            grace: self.grace,
        }
    }
}

/// One write on its way to the store.
#[derive(Debug)]
pub struct Write {
    pub id: SessionId,
    pub delta: Arc<Delta>,
    /// A touch or a rotation: its failure fails nobody.
    pub is_routine: bool,
}

fn encoded(token: &Token) -> String {
    let mut value = String::new();
    token.encode_to(&mut value);
    value
}

thread_local! {
    static ENTROPY: Cell<[u8; Token::ENTROPY]> = const { Cell::new([0; Token::ENTROPY]) };
}

/// Many bytes from a few.
fn spread(number: u64) -> [u8; Token::ENTROPY] {
    let bytes = number.to_be_bytes();
    std::array::from_fn(|at| bytes[at % bytes.len()])
}
