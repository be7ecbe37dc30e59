//! What browsers are told to forget of a site when a session was destroyed.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// What a browser keeps of a site, and can be told to clear
/// ([Clear-Site-Data](https://www.w3.org/TR/clear-site-data/)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SiteData {
    /// Cached responses.
    Cache,
    /// All cookies of the registrable domain, also those of other hosts and other software, and those
    /// of other session layers.
    Cookies,
    /// `localStorage`, databases, service workers.
    Storage,
}

impl SiteData {
    fn directive(self) -> &'static str {
        match self {
            Self::Cache => "\"cache\"",
            Self::Cookies => "\"cookies\"",
            Self::Storage => "\"storage\"",
        }
    }
}

/// What is to be cleared, as header values.
#[derive(Clone, Default)]
pub(super) struct ClearSiteData {
    all: Option<HeaderValue>,
    /// For a response that issues a cookie: that shall stay.
    all_but_cookies: Option<HeaderValue>,
}

impl ClearSiteData {
    pub(super) fn new(what: &[SiteData]) -> Self {
        let but_cookies = what.iter().filter(|it| **it != SiteData::Cookies);
        Self {
            all: header_value(what.iter()),
            all_but_cookies: header_value(but_cookies),
        }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap, issues_cookie: bool) {
        let value = match issues_cookie {
            true => &self.all_but_cookies,
            false => &self.all,
        };
        if let Some(value) = value {
            headers.append(CLEAR_SITE_DATA, value.clone());
        }
    }
}

impl fmt::Debug for ClearSiteData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

fn header_value<'a>(what: impl Iterator<Item = &'a SiteData>) -> Option<HeaderValue> {
    let directives: Vec<_> = what.map(|it| it.directive()).collect();
    let value = HeaderValue::try_from(directives.join(", ")).ok();
    value.filter(|value| !value.is_empty())
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
