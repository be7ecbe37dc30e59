//! What a session cookie must be like, so that browsers keep it and nobody else can plant it.

use std::fmt;

use crate::session::token::Token;

/// A session cookie that browsers would drop without a word, or that others could set.
///
/// Each case names the rule, and its message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidSessionCookie {
    /// The name is empty, or not a token (RFC 6265bis §4.1.1, RFC 9110 §5.6.2).
    Name,
    /// Name and value are longer than 4,096 bytes (RFC 6265bis §5.7, ASVS 3.3.5), or domain or path
    /// longer than 1,024 (RFC 6265bis §5.6).
    TooLong,
    /// The name begins like `__Host-` but for its case: browsers do not mind case there, servers
    /// do (RFC 6265bis §5.7).
    PrefixCase,
    /// A name without `__Host-` or `__Secure-`: other hosts of the domain, and whoever can change
    /// plain http, could set the cookie (ASVS 3.3.1).
    NoPrefix,
    /// A prefix on a cookie for plain http (RFC 6265bis §4.1.3).
    PrefixNeedsSecure,
    /// `__Host-` with a domain (RFC 6265bis §4.1.3.2).
    HostPrefixHasNoDomain,
    /// `__Host-` with a path other than `/` (RFC 6265bis §4.1.3.2).
    HostPrefixNeedsRootPath,
    /// The domain is not one: a public suffix of one label, an address, a URL.
    Domain,
    /// The path does not begin with `/`, or no path of a request is ever like it (RFC 6265bis
    /// §5.6.4).
    Path,
    /// `SameSite=None` on a cookie for plain http (RFC 6265bis §5.7).
    SameSiteNoneNeedsSecure,
    /// `Partitioned` on a cookie for plain http (CHIPS).
    PartitionedNeedsSecure,
    /// A former cookie that is the same as the present one: to remove it would remove that.
    Former,
}

impl fmt::Display for InvalidSessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the name of a cookie is not empty and has none of ()<>@,;:\\\"/[]?={} or spaces",
            Self::TooLong => {
                "a cookie has at most 4096 bytes of name and value, and 1024 of domain or path"
            }
            Self::PrefixCase => {
                "a prefix is written exactly `__Host-`, `__Secure-`, `__Http-` or `__Host-Http-`"
            }
            Self::NoPrefix => {
                "the name of a session cookie begins with `__Host-`, or with `__Secure-` if it has a \
                 domain or a path: else others could set it"
            }
            Self::PrefixNeedsSecure => {
                "a cookie for plain http has a name without `__Host-` or `__Secure-`"
            }
            Self::HostPrefixHasNoDomain => {
                "a cookie with a domain cannot be `__Host-`: leave out the domain, or take `__Secure-`"
            }
            Self::HostPrefixNeedsRootPath => {
                "a cookie with a path cannot be `__Host-`: leave out the path, or take `__Secure-`"
            }
            Self::Domain => "the domain of a cookie is a name of at least two labels, like example.com",
            Self::Path => "the path of a cookie begins with `/` and has visible ascii without `;?#`",
            Self::SameSiteNoneNeedsSecure => "`SameSite=None` does not work on plain http",
            Self::PartitionedNeedsSecure => "`Partitioned` does not work on plain http",
            Self::Former => {
                "a former cookie differs from the present one in name, domain, path or partition"
            }
        })
    }
}

impl std::error::Error for InvalidSessionCookie {}

/// Which requests of other sites carry the cookie (RFC 6265bis §4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// No request of another site, not even a link that is followed.
    Strict,
    /// Links that are followed, and other navigation by safe methods.
    Lax,
    /// All requests. Forms of other sites are then sent in the name of the user: the application has to
    /// protect itself from that.
    None,
}

/// What a browser is told about the cookie beside its value.
#[derive(Clone)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) domain: Option<String>,
    pub(super) path: String,
    pub(super) same_site: SameSite,
    pub(super) is_partitioned: bool,
    pub(super) protection: Protection,
}

/// What keeps others from reading or setting the cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// `Secure`, and a prefix by which browsers see to it.
    Prefix,
    /// `Secure` alone.
    Secure,
    /// Nothing.
    None,
}

impl Shape {
    pub(super) fn check(&self) -> Result<(), InvalidSessionCookie> {
        check_name(&self.name)?;
        check_lengths(self)?;
        check_prefix(self)?;
        check_place(self)?;
        check_attributes(self)
    }

    /// Whether browsers take the two for one cookie, so that setting one replaces the other.
    pub(super) fn is_same_cookie(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.path == other.path
            && self.is_partitioned == other.is_partitioned
    }
}

fn check_name(name: &str) -> Result<(), InvalidSessionCookie> {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_token) {
        true => Ok(()),
        false => Err(InvalidSessionCookie::Name),
    }
}

fn check_lengths(shape: &Shape) -> Result<(), InvalidSessionCookie> {
    let is_short = |attribute: &str| attribute.len() <= 1024;
    let fits = shape.name.len() + Token::ENCODED_LEN <= 4096
        && is_short(&shape.path)
        && shape.domain.as_deref().is_none_or(is_short);
    match fits {
        true => Ok(()),
        false => Err(InvalidSessionCookie::TooLong),
    }
}

fn check_prefix(shape: &Shape) -> Result<(), InvalidSessionCookie> {
    use InvalidSessionCookie::{
        HostPrefixHasNoDomain, HostPrefixNeedsRootPath, NoPrefix, PrefixCase, PrefixNeedsSecure,
    };
    let prefix = PREFIXES.into_iter().find(|prefix| {
        let start = shape.name.as_bytes().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    });
    let needs_prefix = shape.protection == Protection::Prefix;
    let Some(prefix) = prefix else {
        return match needs_prefix {
            true => Err(NoPrefix),
            false => Ok(()),
        };
    };
    let is_host = prefix.starts_with("__Host-");
    match shape {
        // Younger than the others: to some browsers it is a name like any other.
        _ if needs_prefix && prefix == "__Http-" => Err(NoPrefix),
        _ if !shape.name.starts_with(prefix) => Err(PrefixCase),
        _ if shape.protection == Protection::None => Err(PrefixNeedsSecure),
        _ if is_host && shape.domain.is_some() => Err(HostPrefixHasNoDomain),
        _ if is_host && shape.path != "/" => Err(HostPrefixNeedsRootPath),
        _ => Ok(()),
    }
}

fn check_place(shape: &Shape) -> Result<(), InvalidSessionCookie> {
    if !is_path(&shape.path) {
        return Err(InvalidSessionCookie::Path);
    }
    match shape.domain.as_deref().is_none_or(is_domain) {
        true => Ok(()),
        false => Err(InvalidSessionCookie::Domain),
    }
}

/// Whether requests can have such a path, as browsers write it.
fn is_path(path: &str) -> bool {
    let is_kept = |byte: u8| byte.is_ascii_graphic() && !b";?#\"<>\\^`{}".contains(&byte);
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    path.starts_with('/') && path.bytes().all(is_kept) && !path.split('/').any(is_dots)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let of_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let has_edges = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && has_edges && label.bytes().all(of_label)
    };
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    last.is_some_and(|last| !is_number(last))
        && domain.len() <= 253
        && domain.split('.').all(is_label)
}

/// Whether a host that ends like this is an address.
fn is_number(label: &str) -> bool {
    let is_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.strip_prefix("0x").is_some_and(is_hex)
}

fn check_attributes(shape: &Shape) -> Result<(), InvalidSessionCookie> {
    let is_plain = shape.protection == Protection::None;
    match shape {
        _ if is_plain && shape.same_site == SameSite::None => {
            Err(InvalidSessionCookie::SameSiteNoneNeedsSecure)
        }
        _ if is_plain && shape.is_partitioned => Err(InvalidSessionCookie::PartitionedNeedsSecure),
        _ => Ok(()),
    }
}

/// The longer ones of a kind first. Those with `Http` also need `HttpOnly`, which ours have.
const PREFIXES: [&str; 4] = ["__Host-Http-", "__Host-", "__Secure-", "__Http-"];
