//! The session cookie, and from tokens to `Set-Cookie`.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use cookie::{Cookie, time};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::{
    cookie::{
        SameSite, SessionCookieBuilder,
        former::Former,
        rules::{Protection, Shape},
    },
    session::token::Token,
};

/// How the session cookie looks.
///
/// The default is the strictest cookie that works for a site: `__Host-id`, `Secure`, `HttpOnly`,
/// `SameSite=Lax`, `Path=/`, no `Domain` (ASVS 3.3.1 to 3.3.4). Another name, domain or path is for
/// the [`builder`](Self::builder). `HttpOnly` is always there; how long the cookie stays is the
/// matter of a [`Lifetime`](crate::Lifetime).
///
/// Browsers keep and send it over `https`, and also over plain `http` to `localhost` and
/// `127.0.0.1`, except Safari.
#[derive(Clone)]
pub struct SessionCookie {
    shape: Shape,
    /// As they stand behind the value.
    attributes: String,
    removal: HeaderValue,
    pub(super) former: Vec<Former>,
}

impl SessionCookie {
    /// Makes a cookie of this name, which begins with `__Host-`, or with `__Secure-` if the cookie
    /// has a domain or a path.
    pub fn builder(name: impl Into<String>) -> SessionCookieBuilder {
        SessionCookieBuilder::new(name)
    }

    /// A cookie that also works over plain `http`: named `id`, without `Secure`.
    ///
    /// For development only. Whoever can read or change the traffic owns the session.
    #[must_use]
    pub fn insecure_plain_http() -> Self {
        built(Self::builder("id").insecure_plain_http())
    }

    pub(super) fn new(shape: Shape, former: &[Self]) -> Self {
        let cookie = shape.without_value().to_string();
        let start = shape.name.len() + "=".len();
        Self {
            attributes: cookie[start..].to_owned(),
            removal: removal(&shape),
            former: former.iter().map(Former::of).collect(),
            shape,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.shape.name
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether browsers keep the cookie from a request because another site makes them send it
    /// (RFC 6265bis §5.6.7).
    pub(crate) fn is_withheld_from(&self, method: &Method, headers: &HeaderMap) -> bool {
        let is_concerned = match self.shape.same_site {
            SameSite::Strict => true,
            SameSite::Lax => !method.is_safe(),
            SameSite::None => false,
        };
        is_concerned && (headers.get(SEC_FETCH_SITE)).is_some_and(|it| it == "cross-site")
    }

    /// The `Set-Cookie` that hands out a token.
    ///
    /// `keep` is how long the cookie may outlive the browser, in whole seconds, one at least (none
    /// would remove it), and 400 days at most, as browsers do (RFC 6265bis §5.6.2).
    pub(crate) fn issue(&self, token: &Token, keep: Option<Duration>) -> HeaderValue {
        let (name, attributes) = (self.name(), &self.attributes);
        let mut line = String::with_capacity(name.len() + attributes.len() + LEN_OF_THE_REST);
        line.extend([name, "="]);
        token.encode_to(&mut line);
        line.push_str(attributes);
        if let Some(keep) = keep {
            let seconds = keep.clamp(MIN_AGE, MAX_AGE).as_secs();
            let _ = write!(line, "; Max-Age={seconds}");
        }
        header_value(line)
    }

    /// The `Set-Cookie` that removes the cookie: with every attribute of issuing (RFC 6265bis
    /// §4.1.1), an empty value, `Max-Age=0` and a past `Expires`.
    pub(crate) fn removal(&self) -> &HeaderValue {
        &self.removal
    }
}

impl Default for SessionCookie {
    fn default() -> Self {
        built(Self::builder("__Host-id"))
    }
}

impl fmt::Display for SessionCookie {
    /// The name and attributes of the cookie, as they stand in `Set-Cookie`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name(), self.attributes)
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookie")
            .field("line", &format_args!("{self}"))
            .field("former", &self.former)
            .finish()
    }
}

impl Shape {
    fn without_value(&self) -> Cookie<'_> {
        let mut cookie = Cookie::build((&self.name[..], ""))
            .path(&self.path[..])
            .http_only(true)
            .same_site(match self.same_site {
                SameSite::Strict => cookie::SameSite::Strict,
                SameSite::Lax => cookie::SameSite::Lax,
                SameSite::None => cookie::SameSite::None,
            })
            .partitioned(self.is_partitioned)
            .build();
        if self.protection != Protection::None {
            cookie.set_secure(true);
        }
        if let Some(domain) = &self.domain {
            cookie.set_domain(&domain[..]);
        }
        cookie
    }
}

fn removal(shape: &Shape) -> HeaderValue {
    let mut cookie = shape.without_value();
    cookie.set_max_age(time::Duration::ZERO);
    cookie.set_expires(time::OffsetDateTime::UNIX_EPOCH);
    header_value(cookie.to_string())
}

#[allow(clippy::expect_used)]
fn built(builder: SessionCookieBuilder) -> SessionCookie {
    let cookie = builder.build();
    cookie.expect("the names of this crate's own cookies keep the rules")
}

fn header_value(line: String) -> HeaderValue {
    #[allow(clippy::expect_used)]
    let mut value = HeaderValue::try_from(line)
        .expect("what a builder checked, and a base64url value, is visible ascii");
    value.set_sensitive(true);
    value
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Of `=`, a token and the longest `Max-Age`, so that writing a line allocates once.
const LEN_OF_THE_REST: usize = 1 + Token::ENCODED_LEN + "; Max-Age=34560000".len();

const MIN_AGE: Duration = Duration::from_secs(1);
const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn token(byte: u8) -> Token {
        Token::for_new_session([byte; Token::ENTROPY])
    }

    /// Proves: asvs_3_3_1, asvs_3_3_2, asvs_3_3_3, asvs_3_3_4, rfc6265bis_c5, rfc6265bis_c7.
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
            cookie.removal(),
            "__Host-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; \
             Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
    }

    #[test]
    fn the_insecure_cookie_drops_secure_and_the_prefix_and_nothing_else() {
        let cookie = SessionCookie::insecure_plain_http();
        assert_eq!(cookie.to_string(), "id=; HttpOnly; SameSite=Lax; Path=/");
    }

    /// Proves: asvs_16_2_5.
    #[test]
    fn a_header_value_with_a_token_is_marked_sensitive() {
        let value = SessionCookie::default().issue(&token(4), None);
        assert_eq!(format!("{value:?}"), "Sensitive");
    }

    #[test]
    fn these_requests_of_other_sites_come_without_the_cookie() {
        let rows = [
            (SameSite::Strict, Method::GET, true),
            (SameSite::Strict, Method::POST, true),
            (SameSite::Lax, Method::GET, false),
            (SameSite::Lax, Method::HEAD, false),
            (SameSite::Lax, Method::POST, true),
            (SameSite::Lax, Method::DELETE, true),
            (SameSite::None, Method::POST, false),
        ];
        for (same_site, method, is_withheld) in rows {
            let cookie = SessionCookie::builder("__Host-id").same_site(same_site);
            let cookie = cookie.build().unwrap();
            for site in [
                "cross-site",
                "same-site",
                "same-origin",
                "none",
                "Cross-Site",
            ] {
                let site = HeaderValue::from_static(site);
                let headers = HeaderMap::from_iter([(SEC_FETCH_SITE, site.clone())]);
                assert_eq!(
                    cookie.is_withheld_from(&method, &headers),
                    is_withheld && site == "cross-site",
                    "{same_site:?} {method} {site:?}",
                );
            }
            assert!(!cookie.is_withheld_from(&method, &HeaderMap::new()));
        }
    }
}
