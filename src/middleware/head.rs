//! What a session adds to the head of a response.

use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{cookie::Strays, middleware::settings::Settings, session::announcement::Announcement};

/// What the response has to say about the session.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) announcement: Announcement,
    pub(super) was_used: bool,
}

impl Head {
    pub(super) fn write(self, headers: &mut HeaderMap, settings: &Settings, strays: &Strays) {
        let name = settings.cookie.name();
        if let Some(line) = self.announcement.line(headers, settings) {
            withdraw(name, headers);
            let of_this_name = strays.removals().filter(|(stray, _)| *stray == name);
            of_this_name.for_each(|(_, removal)| announce(removal.clone(), headers));
            announce(line, headers);
        }
        if self.was_used && !varies_by_cookie(headers) {
            headers.append(VARY, HeaderValue::from_static("cookie"));
        }
    }
}

impl Announcement {
    /// The `Set-Cookie` of ours, if the browser has to be told something.
    fn line(self, headers: &mut HeaderMap, settings: &Settings) -> Option<HeaderValue> {
        if self.tells_an_end() {
            let issues_cookie = matches!(self, Self::Issue { .. });
            settings.clear_site_data.write(headers, issues_cookie);
        }
        match self {
            Self::Nothing => None,
            Self::Remove => Some(settings.cookie.removal().clone()),
            Self::Issue { token, expires, .. } => {
                let keep = expires.map(|expires| expires.since(settings.now()));
                Some(settings.cookie.issue(&token, keep))
            }
        }
    }
}

/// Removes former cookies of other names, unless the service has news of them. Those of our own name
/// go with [`Head::write`].
pub(super) fn remove_others(strays: &Strays, headers: &mut HeaderMap, settings: &Settings) {
    let of_other_names = strays
        .removals()
        .filter(|(name, _)| *name != settings.cookie.name() && !has_news_of(name, headers));
    let removals: Vec<_> = of_other_names.map(|(_, removal)| removal.clone()).collect();
    for removal in removals {
        announce(removal, headers);
    }
}

fn announce(line: HeaderValue, headers: &mut HeaderMap) {
    headers.append(SET_COOKIE, line);
    // `Set-Cookie` alone does not keep caches from storing a response (RFC 9111 §7.3).
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Takes back what the service said about our cookie: a response has no two lines of one name (RFC
/// 6265bis §4.1.1).
fn withdraw(name: &str, headers: &mut HeaderMap) {
    if !has_news_of(name, headers) {
        return;
    }
    tracing::warn!("the service set the session cookie itself, which does not count");
    let lines = headers.get_all(SET_COOKIE).iter();
    let others: Vec<_> = lines
        .filter(|line| !is_about(line, name))
        .cloned()
        .collect();
    headers.remove(SET_COOKIE);
    for line in others {
        headers.append(SET_COOKIE, line);
    }
}

fn has_news_of(name: &str, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(SET_COOKIE).iter();
    lines.any(|line| is_about(line, name))
}

/// Whether a `Set-Cookie` line is about a cookie of this name.
fn is_about(line: &HeaderValue, name: &str) -> bool {
    let line = line.as_bytes().trim_ascii_start();
    // Without a name, the value is sent back as if it began with one (RFC 6265bis §5.8.3).
    let line = line.strip_prefix(b"=").unwrap_or(line);
    let end = line.iter().position(|byte| b"=;".contains(byte));
    line[..end.unwrap_or(line.len())].trim_ascii() == name.as_bytes()
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(VARY).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_about_the_name_that_browsers_send_back() {
        let rows = [
            ("id=a; Path=/", true),
            (" id =a", true),
            ("id", true),
            ("=id=a", true),
            (" \t= id=a", true),
            ("==id=a", false),
            ("idx=a", false),
            ("a=id", false),
        ];
        for (line, expected) in rows {
            let line = HeaderValue::from_static(line);
            assert_eq!(is_about(&line, "id"), expected, "{line:?}");
        }
    }
}
