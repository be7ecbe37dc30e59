//! What a session adds to the head of a response.

use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE, VARY},
};

use crate::{middleware::settings::Settings, session::state::Announcement};

/// What the response has to say about the session.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) announcement: Announcement,
    pub(super) was_used: bool,
}

impl Head {
    pub(super) fn write(self, headers: &mut HeaderMap, settings: &Settings) {
        let cookie = match self.announcement {
            Announcement::Nothing => None,
            Announcement::Remove => Some(settings.cookie.remove()),
            Announcement::Issue(token, expires) => {
                let keep = expires.map(|expires| expires.since(settings.now()));
                Some(settings.cookie.issue(&token, keep))
            }
        };
        if let Some(cookie) = cookie {
            headers.append(SET_COOKIE, cookie);
            // `Set-Cookie` alone does not keep caches from storing a response (RFC 9111 §7.3).
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if self.was_used && !varies_by_cookie(headers) {
            headers.append(VARY, HeaderValue::from_static("cookie"));
        }
    }
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(VARY).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"cookie"))
}
