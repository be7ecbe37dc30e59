//! From wishes to a session cookie that browsers keep.

use crate::cookie::{
    InvalidSessionCookie, SameSite, SessionCookie,
    rules::{Protection, Shape},
};

/// Makes a [`SessionCookie`] of another name or place than the default one.
///
/// ```
/// use tower_session_layer::{InvalidSessionCookie, SameSite, SessionCookie};
///
/// let cookie = SessionCookie::builder("__Host-shop").same_site(SameSite::Strict).build()?;
/// assert_eq!(
///     cookie.to_string(),
///     "__Host-shop=; HttpOnly; SameSite=Strict; Secure; Path=/",
/// );
///
/// // What a browser would drop, or others could set, is an error that names the rule.
/// let cookie = SessionCookie::builder("__Host-shop").domain("example.com").build();
/// assert_eq!(cookie.unwrap_err(), InvalidSessionCookie::HostPrefixHasNoDomain);
/// # Ok::<_, InvalidSessionCookie>(())
/// ```
#[derive(Clone)]
#[must_use = "`build` makes a cookie of it"]
pub struct SessionCookieBuilder {
    shape: Shape,
    former: Vec<SessionCookie>,
}

impl SessionCookieBuilder {
    pub(super) fn new(name: impl Into<String>) -> Self {
        let shape = Shape {
            name: name.into(),
            domain: None,
            path: "/".into(),
            same_site: SameSite::Lax,
            is_partitioned: false,
            protection: Protection::Prefix,
        };
        let former = Vec::new();
        Self { shape, former }
    }

    /// Sends the cookie to this domain and all hosts below it, which can then also set it. The name
    /// has to begin with `__Secure-`. Defaults to the host that set it, alone.
    ///
    /// That the domain is a public suffix of several labels, like `co.uk`, is not noticed here, and
    /// browsers drop the cookie.
    pub fn domain(mut self, domain: impl AsRef<str>) -> Self {
        let domain = domain.as_ref();
        // A leading dot means nothing (RFC 6265bis §5.6.3).
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        self.shape.domain = Some(domain.to_ascii_lowercase());
        self
    }

    /// Sends the cookie to this path and those below it. That keeps nothing from scripts of other
    /// paths: it tells sites apart, it does not protect them from each other. The name has to begin
    /// with `__Secure-` unless this is `/`. Defaults to `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.shape.path = path.into();
        self
    }

    /// Which requests of other sites carry the cookie. Under `Strict`, who follows a link from
    /// elsewhere arrives without it, and begins no session
    /// [but by a sign-in](crate::SessionLayer::insecure_cross_site_beginnings). Defaults to
    /// [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.shape.same_site = same_site;
        self
    }

    /// Keeps a cookie for each site that embeds this one (CHIPS). It takes [`SameSite::None`] for
    /// browsers to send it there. Defaults to one cookie.
    pub fn partitioned(mut self) -> Self {
        self.shape.is_partitioned = true;
        self
    }

    /// Removes another cookie from browsers that show it: the session cookie as it was before a
    /// change of configuration, which else would linger beside the new one.
    ///
    /// Of the same name, it counts as shown when there is a value beside that of the session, or one
    /// that is not ours. Nobody can tell which of the values is in which cookie, so it is removed
    /// together with the next news of the present one, when somebody signs in or out for instance;
    /// until then a session that it carries goes on, and servers that have the old configuration may
    /// be running beside. (Those are the only responses with two `Set-Cookie` of one name; the domains
    /// or paths differ.)
    ///
    /// A cookie of another name is removed by the first response, and is never read: who has only that
    /// is anonymous. Name it when no server with the old configuration is left.
    ///
    /// May be called repeatedly. What the cookies name as their own former ones does not count.
    /// Defaults to none.
    ///
    /// ```
    /// use tower_session_layer::SessionCookie;
    ///
    /// let before = SessionCookie::builder("__Secure-id").domain("example.com").build()?;
    /// let now = SessionCookie::builder("__Secure-id").path("/shop").formerly(before).build()?;
    /// # Ok::<_, tower_session_layer::InvalidSessionCookie>(())
    /// ```
    pub fn formerly(mut self, cookie: SessionCookie) -> Self {
        self.former.push(cookie);
        self
    }

    /// Allows a name without `__Host-` or `__Secure-`, as other software set it. Other hosts of
    /// the domain can set such a cookie, and so can who is able to change plain http to this host:
    /// they log users in as somebody else. Defaults to a prefix.
    pub fn insecure_without_prefix(mut self) -> Self {
        if let Protection::Prefix = self.shape.protection {
            self.shape.protection = Protection::Secure;
        }
        self
    }

    /// Lets the cookie work over plain `http`, without `Secure`; its name has no prefix. For
    /// development only: whoever can read or change the traffic owns the session. Defaults to
    /// `Secure`.
    pub fn insecure_plain_http(mut self) -> Self {
        self.shape.protection = Protection::None;
        self
    }

    /// The cookie.
    ///
    /// # Errors
    ///
    /// Which rule it breaks.
    pub fn build(self) -> Result<SessionCookie, InvalidSessionCookie> {
        self.shape.check()?;
        let is_present = |former: &SessionCookie| former.shape().is_same_cookie(&self.shape);
        if self.former.iter().any(is_present) {
            return Err(InvalidSessionCookie::Former);
        }
        Ok(SessionCookie::new(self.shape, &self.former))
    }
}

impl std::fmt::Debug for SessionCookieBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionCookieBuilder")
            .field(&self.shape.name)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> SessionCookieBuilder {
        SessionCookie::builder(name)
    }

    /// Proves: asvs_3_3_1, asvs_3_3_2, asvs_3_3_3, asvs_3_3_4, chips_p1.
    #[test]
    fn cookies_that_browsers_keep() {
        let rows = [
            (
                named("__Host-a"),
                "__Host-a=; HttpOnly; SameSite=Lax; Secure; Path=/",
            ),
            (
                named("__Host-Http-a").same_site(SameSite::Strict),
                "__Host-Http-a=; HttpOnly; SameSite=Strict; Secure; Path=/",
            ),
            (
                named("__Secure-a").domain(".Example.com").path("/b"),
                "__Secure-a=; HttpOnly; SameSite=Lax; Secure; Path=/b; Domain=example.com",
            ),
            (
                named("__Host-a").same_site(SameSite::None).partitioned(),
                "__Host-a=; HttpOnly; SameSite=None; Partitioned; Secure; Path=/",
            ),
            (
                named("a").insecure_without_prefix(),
                "a=; HttpOnly; SameSite=Lax; Secure; Path=/",
            ),
            (
                named("a").insecure_plain_http(),
                "a=; HttpOnly; SameSite=Lax; Path=/",
            ),
        ];
        for (builder, line) in rows {
            assert_eq!(builder.build().unwrap().to_string(), line);
        }
    }

    /// Proves: asvs_3_3_1, asvs_3_3_3, asvs_3_3_5, rfc6265bis_c2, rfc6265bis_c6, rfc6265bis_c8,
    /// rfc6265bis_c10, chips_p1.
    #[test]
    fn cookies_that_browsers_would_drop_or_others_could_set() {
        use InvalidSessionCookie as Rule;
        let host = || named("__Host-a");
        let rows = [
            (named(""), Rule::Name),
            (named("__Host-a b"), Rule::Name),
            (named("__Host-a=b"), Rule::Name),
            (named("__Host-\u{e9}"), Rule::Name),
            (named(&"a".repeat(4096 - 63)), Rule::TooLong),
            (
                named("__Secure-a").path(format!("/{}", "a".repeat(1024))),
                Rule::TooLong,
            ),
            (named("__host-a"), Rule::PrefixCase),
            (named("__SECURE-a"), Rule::PrefixCase),
            (named("__Host-http-a"), Rule::PrefixCase),
            (
                named("__Host-Http-a").path("/b"),
                Rule::HostPrefixNeedsRootPath,
            ),
            (named("a"), Rule::NoPrefix),
            (named("__Http-a"), Rule::NoPrefix),
            (named("__Hosta"), Rule::NoPrefix),
            (host().insecure_plain_http(), Rule::PrefixNeedsSecure),
            (
                named("__Secure-a").insecure_plain_http(),
                Rule::PrefixNeedsSecure,
            ),
            (host().domain("example.com"), Rule::HostPrefixHasNoDomain),
            (host().path("/b"), Rule::HostPrefixNeedsRootPath),
            (
                named("a").insecure_plain_http().same_site(SameSite::None),
                Rule::SameSiteNoneNeedsSecure,
            ),
            (
                named("a").insecure_plain_http().partitioned(),
                Rule::PartitionedNeedsSecure,
            ),
        ];
        for (builder, rule) in rows {
            assert_eq!(builder.clone().build().unwrap_err(), rule, "{builder:?}");
        }
    }

    /// Proves: rfc6265bis_c2.
    #[test]
    fn domains_and_paths_that_are_none() {
        let long = format!("{}com", "a.".repeat(126));
        let domains = [
            "",
            "com",
            "127.0.0.1",
            "https://example.com",
            "a..example.com",
            "example.com; Path=/",
            "example.0x7f",
            "-.example.com",
            &long,
        ];
        for domain in domains {
            let cookie = named("__Secure-a").domain(domain).build();
            assert_eq!(
                cookie.unwrap_err(),
                InvalidSessionCookie::Domain,
                "{domain}"
            );
        }
        let paths = [
            "",
            "b",
            "/b; Domain=c.com",
            "/b?c",
            "/b#c",
            "/b c",
            "/\u{e9}",
            "/{id}",
            "/a\"b",
            "/<a>",
            "/a`b",
            "/a\\b",
            "/a/../b",
            "/a/.",
            "/%2E%2e/b",
        ];
        for path in paths {
            let cookie = named("__Secure-a").path(path).build();
            assert_eq!(cookie.unwrap_err(), InvalidSessionCookie::Path, "{path}");
        }
    }

    /// Proves: asvs_3_3_5, rfc6265bis_c6.
    #[test]
    fn a_name_of_exactly_the_longest_length_is_kept() {
        let name = format!("__Host-{}", "a".repeat(4096 - 64 - 7));
        assert!(named(&name).build().is_ok());
        assert!(named(&format!("{name}a")).build().is_err());
    }

    #[test]
    fn a_former_cookie_is_not_the_present_one() {
        let old = |name| named(name).insecure_without_prefix().build().unwrap();
        let now = || named("id").insecure_without_prefix().path("/a");
        assert!(
            now()
                .formerly(old("id"))
                .formerly(old("sid"))
                .build()
                .is_ok()
        );
        let same = now().path("/").formerly(old("id")).build();
        assert_eq!(same.unwrap_err(), InvalidSessionCookie::Former);
    }
}
