//! The session cookie: tokens from `Cookie` lines, and tokens to `Set-Cookie`.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use cookie::{Cookie, SameSite, time};
use http::{HeaderMap, HeaderValue, Method, header::COOKIE};
use memchr::{memchr_iter, memmem};

use crate::session::token::Token;

/// How the session cookie looks.
///
/// The default is the strictest cookie that works for a site: `__Host-id`, `Secure`, `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no `Domain` (ASVS 3.3.1 to 3.3.4).
///
/// Browsers keep and send it over `https`, and also over plain `http` to `localhost` and
/// `127.0.0.1`, except Safari.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: &'static str,
    secure: bool,
}

impl SessionCookie {
    /// A cookie that also works over plain `http`: named `id`, without `Secure`.
    ///
    /// For development only. Whoever can read or change the traffic owns the session.
    #[must_use]
    pub fn insecure_plain_http() -> Self {
        Self {
            name: "id",
            secure: false,
        }
    }

    /// The token that a request carries, from all its `Cookie` lines (HTTP/2 splits them, RFC 9113
    /// §8.2.3).
    ///
    /// Names are compared with exact case. Values that cannot be a token of ours are passed over,
    /// and so is everything about other cookies, whatever bytes they contain.
    pub(crate) fn read<'a>(&self, lines: impl Iterator<Item = &'a HeaderValue>) -> Presented {
        let mut presented = Presented::Nothing;
        for line in lines {
            let line = line.as_bytes();
            let mut start = 0;
            for end in memchr_iter(b';', line).chain([line.len()]) {
                if let Some(token) = self.value_of(&line[start..end]).and_then(Token::parse) {
                    presented = presented.and(token);
                }
                start = end + 1;
            }
        }
        presented
    }

    /// Whether browsers keep a cookie like this from a request, because another site makes them
    /// send it: with `SameSite=Lax`, all but safe methods (RFC 6265bis §5.6.7).
    pub(crate) fn is_withheld_from(&self, method: &Method, headers: &HeaderMap) -> bool {
        !method.is_safe() && (headers.get("sec-fetch-site")).is_some_and(|it| it == "cross-site")
    }

    /// The `Set-Cookie` that hands out a token.
    ///
    /// `keep` is how long the cookie may outlive the browser, capped at 400 days as browsers do
    /// (RFC 6265bis §5.6.2).
    pub(crate) fn issue(&self, token: &Token, keep: Option<Duration>) -> HeaderValue {
        let mut cookie = self.build(token.encode());
        if let Some(keep) = keep {
            let seconds = keep.min(MAX_AGE).as_secs();
            cookie.set_max_age(time::Duration::seconds(seconds.cast_signed()));
        }
        header_value(&cookie)
    }

    /// The `Set-Cookie` that removes the cookie: with every attribute of issuing (RFC 6265bis
    /// §4.1.1), an empty value, `Max-Age=0` and a past `Expires`.
    pub(crate) fn remove(&self) -> HeaderValue {
        let mut cookie = self.build(String::new());
        cookie.set_max_age(time::Duration::ZERO);
        cookie.set_expires(time::OffsetDateTime::UNIX_EPOCH);
        header_value(&cookie)
    }

    fn build(&self, value: String) -> Cookie<'static> {
        let cookie = Cookie::build((self.name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax);
        match self.secure {
            true => cookie.secure(true).build(),
            false => cookie.build(),
        }
    }

    fn value_of<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let value = pair.trim_ascii().strip_prefix(self.name.as_bytes())?;
        value.strip_prefix(b"=")
    }
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: "__Host-id",
            secure: true,
        }
    }
}

/// The `Cookie` lines of a request that may have a token, shared with it, to be read when somebody
/// asks.
pub(crate) struct CookieLines {
    first: Option<HeaderValue>,
    others: Vec<HeaderValue>,
}

impl CookieLines {
    /// One line, the usual case, allocates nothing, and neither do further ones with foreign
    /// cookies.
    pub(crate) fn of(headers: &HeaderMap, cookie: &SessionCookie) -> Self {
        let name = cookie.name.as_bytes();
        let has_name = |line: &HeaderValue| memmem::find(line.as_bytes(), name).is_some();
        let mut lines = headers.get_all(COOKIE).iter().cloned();
        Self {
            first: lines.next(),
            others: lines.filter(has_name).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.first.iter().chain(&self.others)
    }
}

/// What a request shows of our cookie.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// No cookie of ours, or only malformed ones.
    Nothing,
    Token(Token),
    /// Different tokens: which one is right cannot be told from their order (RFC 6265bis §5.8.3).
    Ambiguous,
}

impl Presented {
    fn and(self, token: Token) -> Self {
        match self {
            Self::Nothing => Self::Token(token),
            Self::Token(other) if other == token => Self::Token(token),
            Self::Token(_) | Self::Ambiguous => Self::Ambiguous,
        }
    }
}

impl fmt::Display for SessionCookie {
    /// The name and attributes of the cookie, as they stand in `Set-Cookie`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.build(String::new()).fmt(f)
    }
}

fn header_value(cookie: &Cookie<'_>) -> HeaderValue {
    let mut line = String::with_capacity(LINE_LEN);
    let _ = write!(line, "{cookie}");
    #[allow(clippy::expect_used)]
    let mut value = HeaderValue::try_from(line)
        .expect("our name, a base64url value and the attributes are visible ascii");
    value.set_sensitive(true);
    value
}

/// Enough for the longest line, so that writing it allocates once.
const LINE_LEN: usize = 160;

const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn token(byte: u8) -> Token {
        Token::for_new_session([byte; Token::ENTROPY])
    }

    /// Reads `Cookie` lines in which `ONE` and `TWO` stand for tokens.
    fn read(lines: &[&str]) -> Presented {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = line.replace("ONE", &token(1).encode());
            let line = line.replace("TWO", &token(2).encode());
            // Latin-1, as old sites have it: not UTF-8 where it is not ASCII.
            let line: Vec<u8> = line.chars().map(|c| c as u8).collect();
            headers.append(COOKIE, HeaderValue::from_bytes(&line).unwrap());
        }
        let cookie = SessionCookie::default();
        let lines = CookieLines::of(&headers, &cookie);
        let presented = cookie.read(lines.iter());
        let at_once = cookie.read(headers.get_all(COOKIE).iter());
        assert_eq!(presented, at_once);
        presented
    }

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        let rows: [&[&str]; 8] = [
            &["__Host-id=ONE"],
            &["a=b; __Host-id=ONE;c"],
            &["a=b;__Host-id=ONE ;"],
            &["a=b", "__Host-id=ONE"],
            &["a=\u{e9}; __Host-id=ONE"],
            &["__Host-id=ONE; __Host-id=ONE"],
            &["__Host-id=x; __Host-id=ONE"],
            &["__Host-id=ONE", "__host-id=TWO"],
        ];
        for row in rows {
            assert_eq!(read(row), Presented::Token(token(1)), "{row:?}");
        }
    }

    #[test]
    fn what_is_not_exactly_our_cookie_is_nothing() {
        let long = format!("__Host-id={}", "ONE".repeat(1000));
        let rows: [&[&str]; 9] = [
            &[],
            &["", ";;;", "=;="],
            &["__host-id=ONE"],
            &["x__Host-id=ONE"],
            &["__Host-id ONE; __Host-id; __Host-id="],
            &["__Host-id=\"ONE\""],
            &["__Host-id=\u{e9}ONE"],
            &["__Host-id= ONE"],
            &[&long],
        ];
        for row in rows {
            assert_eq!(read(row), Presented::Nothing, "{row:?}");
        }
    }

    #[test]
    fn different_tokens_are_ambiguous_in_any_order() {
        let rows: [&[&str]; 3] = [
            &["__Host-id=ONE; __Host-id=TWO"],
            &["__Host-id=TWO", "__Host-id=ONE"],
            &["__Host-id=ONE; __Host-id=TWO; __Host-id=ONE"],
        ];
        for row in rows {
            assert_eq!(read(row), Presented::Ambiguous, "{row:?}");
        }
    }

    #[test]
    fn a_cookie_is_issued_and_removed_with_the_same_attributes() {
        let cookie = SessionCookie::default();
        let value = token(3).encode();
        let day = Duration::from_secs(86_400);
        assert_eq!(
            cookie.issue(&token(3), None),
            format!("__Host-id={value}; HttpOnly; SameSite=Lax; Secure; Path=/"),
        );
        assert_eq!(
            cookie.issue(&token(3), Some(1000 * day)),
            format!("__Host-id={value}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=34560000"),
        );
        assert_eq!(
            cookie.remove(),
            "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; \
             Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
    }

    #[test]
    fn the_insecure_cookie_drops_secure_and_the_prefix_and_nothing_else() {
        let cookie = SessionCookie::insecure_plain_http();
        assert_eq!(cookie.to_string(), "id=; HttpOnly; SameSite=Lax; Path=/");
    }

    #[test]
    fn a_header_value_with_a_token_is_marked_sensitive() {
        let value = SessionCookie::default().issue(&token(4), None);
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
