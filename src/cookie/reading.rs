//! From the `Cookie` lines of a request to the token in them.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use memchr::{memchr_iter, memmem};

use crate::{cookie::SessionCookie, session::token::Token};

impl SessionCookie {
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

    fn value_of<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let value = pair.trim_ascii().strip_prefix(self.name.as_bytes())?;
        value.strip_prefix(b"=")
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
}
