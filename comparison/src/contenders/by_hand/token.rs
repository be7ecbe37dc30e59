//! A token: 32 random bytes in the cookie.

use axum::http::{HeaderMap, header::COOKIE};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

pub(super) fn new() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn cookie(token: &str) -> String {
    format!("{NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

/// The key in Redis of the session that a request names.
pub(super) fn key_in(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter();
    let mut pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let token = pairs.find_map(|pair| pair.trim_ascii().strip_prefix(b"id="))?;
    let token = str::from_utf8(token).ok()?;
    (token.len() == LEN).then(|| key(token))
}

pub(super) fn key(token: &str) -> String {
    format!("session:{token}")
}

const NAME: &str = "id";
const LEN: usize = 43;
