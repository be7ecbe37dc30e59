//! What a session adds to the head of a response.

use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{
    cookie::{Strays, is_about},
    middleware::settings::Settings,
    session::state::Announcement,
};

/// What the response has to say about the session.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) announcement: Announcement,
    pub(super) was_used: bool,
}

impl Head {
    pub(super) fn write(self, headers: &mut HeaderMap, settings: &Settings) {
        let cookie = &settings.cookie;
        let line = match self.announcement {
            Announcement::Nothing => None,
            Announcement::Remove => {
                settings.clear_site_data.write(headers, false);
                Some(cookie.removal().clone())
            }
            Announcement::Issue {
                token,
                expires,
                follows_end,
            } => {
                if follows_end {
                    settings.clear_site_data.write(headers, true);
                }
                let keep = expires.map(|expires| expires.since(settings.now()));
                Some(cookie.issue(&token, keep))
            }
        };
        if let Some(line) = line {
            withdraw(cookie.name(), headers);
            announce(line, headers);
        }
        if self.was_used && !varies_by_cookie(headers) {
            headers.append(VARY, HeaderValue::from_static("cookie"));
        }
    }
}

/// Removes cookies from the browser, each one unless the response has other news of its name.
pub(super) fn remove(strays: &Strays, headers: &mut HeaderMap) {
    for (name, removal) in strays.removals() {
        if !has_news_of(name, headers) {
            announce(removal.clone(), headers);
        }
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

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(VARY).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie"))
}
