//! The session cookie, and from tokens to `Set-Cookie`.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use cookie::{Cookie, SameSite, time};
use http::{HeaderMap, HeaderValue, Method};

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
    pub(super) name: &'static str,
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
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: "__Host-id",
            secure: true,
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
