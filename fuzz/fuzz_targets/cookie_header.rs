//! `Cookie` lines of any kind, and the tokens in them.
#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, header::COOKIE};
use libfuzzer_sys::fuzz_target;
use tower_session_layer::{SessionCookie, fuzzing};
use tower_session_layer_fuzz::token::{is_token, written_out};

/// Names that are part of each other.
static COOKIES: LazyLock<[SessionCookie; 3]> = LazyLock::new(|| {
    let other = SessionCookie::builder("_Host-i").insecure_without_prefix();
    let plain = SessionCookie::insecure_plain_http();
    [SessionCookie::default(), plain, other.build().unwrap()]
});

const NAMES: [&[u8]; 3] = [b"__Host-id", b"id", b"_Host-i"];

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(line) = HeaderValue::from_bytes(&written_out(line)) {
            headers.append(COOKIE, line);
        }
    }
    for (cookie, name) in COOKIES.iter().zip(NAMES) {
        let expected = expected(name, &headers);
        for read in fuzzing::cookie_header(cookie, &headers) {
            assert_eq!(read, expected);
        }
    }
});

/// The different tokens in their order, four of them at most.
fn expected(name: &[u8], headers: &HeaderMap) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    for line in headers.get_all(COOKIE) {
        for pair in line.as_bytes().split(|byte| *byte == b';') {
            let pair = trimmed(pair);
            let Some(equals) = pair.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (its_name, value) = (&pair[..equals], &pair[equals + 1..]);
            if its_name == name && is_token(value) {
                let token = String::from_utf8(value.to_vec()).unwrap();
                if !tokens.contains(&token) {
                    tokens.push(token);
                }
            }
        }
    }
    (tokens.len() <= 4).then_some(tokens)
}

/// Without the white space that a header can have around it.
fn trimmed(mut pair: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = pair {
        pair = rest;
    }
    pair
}
