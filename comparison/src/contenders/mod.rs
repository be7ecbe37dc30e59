//! Those who are compared: each a small server with the same routes and the same answers.
//!
//! | route | answer |
//! |---|---|
//! | `GET /untouched` | `untouched`; the handler does not ask for the session |
//! | `GET /read` | the counter |
//! | `POST /increment` | the counter, one higher |
//! | `POST /sign-in` | `signed in`; what the documentation says a log-in has to do, and [`SMALL`] stored |
//! | `POST /write/{keys}/{bytes}` | `written`; all keys of that [`Content`] stored |
//!
//! [`SMALL`]: crate::content::SMALL
//! [`Content`]: crate::content::Content

mod actix_session;
mod axum_session;
mod by_hand;
mod ours;
mod serving;
mod tower_sessions;

use crate::BoxError;

/// One way to have sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    ByHand,
    Eager,
    Lazy,
    TowerSessions,
    TowerSessionsSliding,
    AxumSession,
    AxumSessionUncached,
    ActixSession,
}

impl Contender {
    pub(crate) const ALL: [Self; 8] = [
        Self::ByHand,
        Self::Eager,
        Self::Lazy,
        Self::TowerSessions,
        Self::TowerSessionsSliding,
        Self::AxumSession,
        Self::AxumSessionUncached,
        Self::ActixSession,
    ];

    /// Its name, in arguments and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ByHand => "by-hand",
            Self::Eager => "eager",
            Self::Lazy => "lazy",
            Self::TowerSessions => "tower-sessions",
            Self::TowerSessionsSliding => "tower-sessions-sliding",
            Self::AxumSession => "axum_session",
            Self::AxumSessionUncached => "axum_session-uncached",
            Self::ActixSession => "actix-session",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Eager | Self::Lazy)
    }

    pub(crate) fn named(name: &str) -> Result<Self, BoxError> {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| format!("there is no contender `{name}`").into())
    }

    /// Serves, on a free port of the loopback that is printed, until standard input ends.
    pub(crate) fn serve(self, redis: &str, workers: usize) -> Result<(), BoxError> {
        let redis = redis.to_owned();
        serving::end_with_standard_input();
        if self == Self::ActixSession {
            return actix_session::serve(redis, workers);
        }
        serving::serve(workers, async move {
            match self {
                Self::ByHand => by_hand::router(&redis).await,
                Self::Eager => ours::eager(&redis).await,
                Self::Lazy => ours::lazy(&redis).await,
                Self::TowerSessions => tower_sessions::until_browser_closes(&redis).await,
                Self::TowerSessionsSliding => tower_sessions::sliding(&redis).await,
                Self::AxumSession => axum_session::cached(&redis).await,
                Self::AxumSessionUncached => axum_session::uncached(&redis).await,
                Self::ActixSession => unreachable!("it has a server of its own"),
            }
        })
    }
}
