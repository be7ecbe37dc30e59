//! The page: what there is to see of a session.

use std::time::{Duration, SystemTime};

use askama::Template;
use askama_web::WebTemplate;
use tower_session_layer::{Session, SessionError, SessionId};

/// The page for one visitor. The template escapes what it shows.
#[derive(Template, WebTemplate)]
#[template(path = "page.html")]
pub(crate) struct Page {
    visits: u64,
    user: Option<String>,
    session: Option<Facts>,
    /// Whether the visitor has to sign in again, for what they wanted to do.
    asks_again: bool,
}

/// What is known about a session that exists, times in words.
struct Facts {
    id: SessionId,
    age: String,
    authenticated: Option<String>,
    expires: String,
    idle: String,
    absolute: String,
    is_persistent: bool,
}

impl Page {
    pub(crate) fn of(session: &Session, asks_again: bool) -> Result<Self, SessionError> {
        Ok(Self {
            asks_again,
            visits: session.get("visits")?.unwrap_or(0),
            user: session.get("user")?,
            session: Facts::of(session, SystemTime::now()),
        })
    }

    fn is_remembered(&self) -> bool {
        (self.session.as_ref()).is_some_and(|session| session.is_persistent)
    }
}

impl Facts {
    /// `None` if there is no session yet.
    fn of(session: &Session, now: SystemTime) -> Option<Self> {
        let lifetime = session.lifetime();
        Some(Self {
            id: session.id()?,
            age: in_words(between(session.created_at()?, now)),
            authenticated: session
                .authenticated_at()
                .map(|at| in_words(between(at, now))),
            expires: in_words(between(now, session.expires_at()?)),
            idle: in_words(lifetime.idle()),
            absolute: in_words(lifetime.absolute()),
            is_persistent: lifetime.is_persistent(),
        })
    }
}

fn between(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// "90 seconds", "12 hours": in the largest unit of which there are two.
fn in_words(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    let mut units = UNITS.into_iter();
    match units.find(|(length, _)| (seconds / length).round() >= 2.0) {
        Some((length, unit)) => format!("{:.0} {unit}", (seconds / length).round()),
        None => "a moment".into(),
    }
}

const UNITS: [(f64, &str); 4] = [
    (86_400.0, "days"),
    (3_600.0, "hours"),
    (60.0, "minutes"),
    (1.0, "seconds"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_largest_unit_of_which_there_are_two() {
        let rows = [
            (0.2, "a moment"),
            (1.6, "2 seconds"),
            (89.0, "89 seconds"),
            (90.0, "2 minutes"),
            (1_799.8, "30 minutes"),
            (43_200.0, "12 hours"),
            (5_184_000.0, "60 days"),
        ];
        for (seconds, words) in rows {
            assert_eq!(in_words(Duration::from_secs_f64(seconds)), words);
        }
    }
}
