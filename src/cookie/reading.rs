//! From the `Cookie` lines of a request to the tokens in them.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use memchr::{memchr_iter, memmem};

use crate::{cookie::SessionCookie, session::token::Token};

impl SessionCookie {
    /// The tokens that a request carries, from all its `Cookie` lines (HTTP/2 splits them, RFC 9113
    /// §8.2.3).
    ///
    /// Names are compared with exact case. Values that cannot be a token of ours are passed over,
    /// and so is everything about other cookies, whatever bytes they contain.
    pub(crate) fn read<'a>(&self, lines: impl Iterator<Item = &'a HeaderValue>) -> Presented {
        let mut presented = Presented::Nothing;
        for token in values_of(self.name(), lines).filter_map(Token::parse) {
            presented = presented.and(token);
            if presented == Presented::TooMany {
                break;
            }
        }
        presented
    }
}

/// The values of all cookies of this name, byte by byte as they came.
pub(super) fn values_of<'a>(
    name: &str,
    lines: impl Iterator<Item = &'a HeaderValue>,
) -> impl Iterator<Item = &'a [u8]> {
    let pairs = lines.flat_map(|line| pairs(line.as_bytes()));
    pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=")
    })
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr_iter(b';', line).chain([line.len()]);
    ends.map(move |end| &line[std::mem::replace(&mut start, end + 1)..end])
}

/// What a request shows, to be read when somebody asks.
pub(crate) enum Unread {
    /// The only `Cookie` line that may have a token, shared with the request: the usual case.
    Line(Option<HeaderValue>),
    /// Several lines are read at once, for they might be very many to keep.
    Read(Presented),
}

impl Unread {
    pub(crate) fn of(headers: &HeaderMap, cookie: &SessionCookie) -> Self {
        let lines = || headers.get_all(COOKIE).iter();
        let has_name = |line: &HeaderValue| {
            let name = cookie.name().as_bytes();
            memmem::find(line.as_bytes(), name).is_some()
        };
        match lines().skip(1).any(has_name) {
            true => Self::Read(cookie.read(lines())),
            false => Self::Line(lines().next().cloned()),
        }
    }

    pub(crate) fn read(&self, cookie: &SessionCookie) -> Presented {
        match self {
            Self::Line(line) => cookie.read(line.iter()),
            Self::Read(presented) => presented.clone(),
        }
    }
}

/// What a request shows of our cookie. Which of several tokens is right cannot be told from their
/// order (RFC 6265bis §5.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presented {
    /// No cookie of ours, or only malformed ones.
    Nothing,
    Token(Token),
    /// Two to four different tokens.
    Several(Vec<Token>),
    /// More than anybody looks at.
    TooMany,
}

impl Presented {
    fn and(self, token: Token) -> Self {
        match self {
            Self::Nothing => Self::Token(token),
            Self::Token(other) if other == token => Self::Token(token),
            Self::Token(other) => Self::Several(vec![other, token]),
            Self::Several(tokens) if tokens.contains(&token) => Self::Several(tokens),
            Self::Several(tokens) if tokens.len() == MOST_TOKENS => Self::TooMany,
            Self::Several(mut tokens) => {
                tokens.push(token);
                Self::Several(tokens)
            }
            Self::TooMany => Self::TooMany,
        }
    }
}

/// How many different tokens of one request are looked up.
const MOST_TOKENS: usize = 4;

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
        let presented = Unread::of(&headers, &cookie).read(&cookie);
        let at_once = cookie.read(headers.get_all(COOKIE).iter());
        assert_eq!(presented, at_once);
        presented
    }

    /// Proves: rfc6265bis_c11.
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

    /// Proves: rfc6265bis_c8.
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
    fn different_tokens_are_all_kept_once() {
        let rows: [&[&str]; 3] = [
            &["__Host-id=ONE; __Host-id=TWO"],
            &["__Host-id=ONE", "__Host-id=TWO"],
            &["__Host-id=ONE; __Host-id=TWO; __Host-id=ONE; __Host-id=x"],
        ];
        for row in rows {
            let both = vec![token(1), token(2)];
            assert_eq!(read(row), Presented::Several(both), "{row:?}");
        }
    }

    /// Proves: asvs_15_3_7, rfc6265bis_c15.
    #[test]
    fn of_more_than_four_different_tokens_none_is_kept() {
        let line = |count: u8| {
            let pairs = (0..count).map(|it| format!("__Host-id={}; ", token(it).encode()));
            pairs.collect::<String>()
        };
        let kept = (0..4).map(token).collect();
        assert_eq!(read(&[&line(4), &line(4)]), Presented::Several(kept));
        for count in [5, 6, 200] {
            assert_eq!(read(&[&line(count)]), Presented::TooMany);
        }
    }
}
