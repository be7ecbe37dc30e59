//! Heads of responses: how they come from an input, and what is looked at in them.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::token::is_token;

pub const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// A head from lines; the first byte of one can stand for what matters here.
pub fn headers_in(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let line = match line {
            [1, rest @ ..] => [b"set-cookie:__Host-id", rest].concat(),
            [2, rest @ ..] => [b"set-cookie:__Secure-id", rest].concat(),
            [3, rest @ ..] => [b"set-cookie:", rest].concat(),
            [4, rest @ ..] => [b"vary:", rest].concat(),
            [5, rest @ ..] => [b"vary:accept, cookie", rest].concat(),
            [6, rest @ ..] => [b"cache-control:", rest].concat(),
            line => line.to_vec(),
        };
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(&line[colon + 1..]);
        // A gRPC status says whether a response has failed, which is not the matter here.
        if let (Ok(name), Ok(value)) = (name, value)
            && name != "grpc-status"
        {
            headers.append(name, value);
        }
    }
    headers
}

pub fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<Vec<u8>> {
    let values = headers.get_all(name).iter();
    values.map(|value| value.as_bytes().to_vec()).collect()
}

/// All that a session has nothing to say about.
pub fn others(headers: &HeaderMap) -> HeaderMap {
    let mut others = headers.clone();
    for name in [SET_COOKIE, CACHE_CONTROL, VARY, CLEAR_SITE_DATA] {
        others.remove(name);
    }
    others
}

/// Each token in a line is another one each time.
pub fn without_tokens(lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let without = |line: Vec<u8>| {
        let equals = line.iter().position(|byte| *byte == b'=');
        let start = equals.map_or(0, |equals| equals + 1);
        match line.get(start..start + 64) {
            Some(value) if is_token(value) => {
                [&line[..start], b"TOKEN", &line[start + 64..]].concat()
            }
            _ => line,
        }
    };
    lines.into_iter().map(without).collect()
}

/// The name under which a browser sends back the cookie of a `Set-Cookie` line (RFC 6265bis §5.6 and
/// §5.8.3): a cookie without a name is sent as its value alone, which may look like another one.
pub fn cookie_name(line: &[u8]) -> &[u8] {
    let pair = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(equals) => (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii()),
        None => (&b""[..], pair.trim_ascii()),
    };
    match name {
        b"" => value
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .trim_ascii(),
        name => name,
    }
}

pub fn names_cookie(vary: &[u8]) -> bool {
    let vary = vary.to_ascii_lowercase();
    let mut names = vary.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    names.any(|name| name == b"*" || name == b"cookie")
}
