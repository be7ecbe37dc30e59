//! Heads of responses of any kind, and what the session adds to them.
#![no_main]

use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY},
};
use libfuzzer_sys::fuzz_target;
use tower_session_layer::fuzzing;
use tower_session_layer_fuzz::{
    head::{
        CLEAR_SITE_DATA, cookie_name, headers_in, names_cookie, others, values, without_tokens,
    },
    site::{Answer, Config, Deed, respond, token},
};

fuzz_target!(|data: &[u8]| {
    let Some((&[setup, deed, cookies], lines)) = data.split_first_chunk() else {
        return;
    };
    let visit = Visit {
        config: Config::ALL[usize::from(setup) % 3],
        is_lazy: setup & 0x80 != 0,
        has_failed: setup & 0x40 != 0,
        deed: Deed::ALL[usize::from(deed) % Deed::ALL.len()],
        shows: Shown::ALL[usize::from(cookies) % Shown::ALL.len()],
        shows_other_name: cookies & 0x80 != 0,
    };
    let before = headers_in(lines);
    let after = visit.respond(before.clone());
    visit.check(&before, &after);
});

struct Visit {
    config: Config,
    is_lazy: bool,
    has_failed: bool,
    deed: Deed,
    shows: Shown,
    /// The default session cookie, whatever this site has.
    shows_other_name: bool,
}

/// What a request has under the name of the session cookie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Token,
    Garbage,
    TokenAndUnknown,
}

impl Shown {
    const ALL: [Self; 4] = [
        Self::Nothing,
        Self::Token,
        Self::Garbage,
        Self::TokenAndUnknown,
    ];
}

/// A line of our own.
enum News {
    None,
    Issue,
    IssueFor(u64),
    Remove,
}

impl Visit {
    fn respond(&self, headers: HeaderMap) -> HeaderMap {
        let mut request = Request::new(());
        for line in self.cookie_lines() {
            let line = HeaderValue::try_from(line).unwrap();
            request.headers_mut().append(COOKIE, line);
        }
        let status = match self.has_failed {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::OK,
        };
        let deed = self.deed;
        let answer = Answer {
            deed,
            status,
            headers,
        };
        respond(self.config, self.is_lazy, request, answer)
    }

    fn cookie_lines(&self) -> Vec<String> {
        let (name, token) = (self.config.cookie(), token());
        let unknown = fuzzing::new_token([9; 48]);
        let mut lines = match self.shows {
            Shown::Nothing => vec![],
            Shown::Token => vec![format!("a=b; {name}={token}")],
            Shown::Garbage => vec![format!("{name}=x; c=d")],
            Shown::TokenAndUnknown => vec![format!("{name}={unknown}; {name}={token}")],
        };
        if self.shows_other_former() {
            lines.push("__Host-id=y".to_owned());
        }
        lines
    }

    fn check(&self, before: &HeaderMap, after: &HeaderMap) {
        let lines = self.cookies_after(values(before, &SET_COOKIE));
        let is_changed = lines != values(before, &SET_COOKIE);
        assert_eq!(
            without_tokens(values(after, &SET_COOKIE)),
            without_tokens(lines)
        );
        let cache_control = match is_changed {
            true => vec![b"no-store".to_vec()],
            false => values(before, &CACHE_CONTROL),
        };
        assert_eq!(values(after, &CACHE_CONTROL), cache_control);
        let mut vary = values(before, &VARY);
        if self.deed != Deed::Nothing && !vary.iter().any(|line| names_cookie(line)) {
            vary.push(b"cookie".to_vec());
        }
        assert_eq!(values(after, &VARY), vary);
        let mut clear = values(before, &CLEAR_SITE_DATA);
        clear.extend(self.clears().map(|what| what.as_bytes().to_vec()));
        assert_eq!(values(after, &CLEAR_SITE_DATA), clear);
        assert_eq!(others(after), others(before));
    }

    fn has_session(&self) -> bool {
        matches!(self.shows, Shown::Token | Shown::TokenAndUnknown)
    }

    /// What the browser is told to forget: all, unless it gets a cookie.
    fn clears(&self) -> Option<&'static str> {
        let clears = self.config == Config::Moved && self.has_session();
        match self.deed {
            Deed::Destroy if clears => Some(r#""cookies", "storage""#),
            Deed::DestroyAndInsert if clears && self.has_failed => Some(r#""cookies", "storage""#),
            Deed::DestroyAndInsert if clears => Some(r#""storage""#),
            _ => None,
        }
    }

    /// Which line the session adds, told by what happened.
    fn news(&self) -> News {
        let has_session = self.has_session();
        let is_loaded = !self.is_lazy || self.deed != Deed::Nothing;
        let is_rotated = self.config == Config::Rotating && has_session && is_loaded;
        match self.deed {
            Deed::Destroy if has_session => News::Remove,
            Deed::DestroyAndInsert if has_session && self.has_failed => News::Remove,
            _ if self.has_failed => News::None,
            Deed::DestroyAndInsert => News::Issue,
            Deed::SignIn => News::Issue,
            Deed::SignInRemembered => News::IssueFor(60 * 24 * 60 * 60),
            Deed::Insert if !has_session => News::Issue,
            Deed::Renew if has_session => News::Issue,
            _ if is_rotated => News::Issue,
            _ => News::None,
        }
    }

    /// The `Set-Cookie` lines that have to come of these.
    fn cookies_after(&self, mut lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let name = self.config.cookie();
        let path = match self.config {
            Config::Moved => "/a",
            Config::Default | Config::Rotating => "/",
        };
        let attributes = format!("HttpOnly; SameSite=Lax; Secure; Path={path}");
        let token = token();
        let ours = match self.news() {
            News::None => None,
            News::Issue => Some(format!("{name}={token}; {attributes}")),
            News::IssueFor(age) => Some(format!("{name}={token}; {attributes}; Max-Age={age}")),
            News::Remove => Some(format!("{name}=; {attributes}; {PAST}")),
        };
        if let Some(ours) = ours {
            lines.retain(|line| cookie_name(line) != name.as_bytes());
            // Nobody can tell which value was the former one's, so it goes with any news.
            if self.shows_former_of_its_name() {
                lines.push(removal(name, "; Domain=example.com"));
            }
            lines.push(ours.into_bytes());
        }
        let has_news = |line: &Vec<u8>| cookie_name(line) == b"__Host-id";
        if self.shows_other_former() && !self.has_failed && !lines.iter().any(has_news) {
            lines.push(removal("__Host-id", ""));
        }
        lines
    }

    /// Something beside the token, or in its place, under the name of the session cookie.
    fn shows_former_of_its_name(&self) -> bool {
        let shows_another = matches!(self.shows, Shown::Garbage | Shown::TokenAndUnknown);
        self.config == Config::Moved && shows_another
    }

    fn shows_other_former(&self) -> bool {
        self.config == Config::Moved && self.shows_other_name
    }
}

fn removal(name: &str, domain: &str) -> Vec<u8> {
    let line = format!("{name}=; HttpOnly; SameSite=Lax; Secure; Path=/{domain}; {PAST}");
    line.into_bytes()
}

const PAST: &str = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
