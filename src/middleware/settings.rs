//! What every request of a layer shares.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher as _, Hasher as _},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use http::{HeaderMap, Method, Request, request::Parts};
use tokio_util::task::TaskTracker;

use crate::{
    cookie::SessionCookie,
    middleware::clear::ClearSiteData,
    session::{
        error::{SessionError, SessionErrorKind},
        header::Nonce,
        lifetime::Timestamp,
        state::{Activity, Limits, Standing},
        step::Ingredients,
        token::{Entropy, Token},
    },
    store::ErasedStore,
};

/// Tells which requests leave the session idle.
pub(super) type IdleRequests = dyn Fn(&Parts) -> bool + Send + Sync;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) store: Arc<dyn ErasedStore>,
    pub(super) cookie: SessionCookie,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(super) saves_failed_requests: bool,
    pub(super) passes_refused_responses: bool,
    pub(super) allows_cross_site_beginnings: bool,
    pub(super) idle_requests: Option<Arc<IdleRequests>>,
    pub(super) clear_site_data: ClearSiteData,
    /// Commits that go on although nobody waits for them.
    pub(super) background: TaskTracker,
}

impl Settings {
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)().into()
    }

    /// What a request without a token may do.
    pub(super) fn standing(&self, method: &Method, headers: &HeaderMap) -> Standing {
        let is_withheld = self.cookie.is_withheld_from(method, headers);
        match is_withheld && !self.allows_cross_site_beginnings {
            true => Standing::OnlyBySignIn {
                because: SessionErrorKind::CrossSite,
                ends: None,
            },
            false => Standing::Free,
        }
    }

    /// Whether a request counts as a use of its session; the request comes back.
    pub(super) fn activity<B>(&self, request: Request<B>) -> (Activity, Request<B>) {
        let Some(is_idle) = &self.idle_requests else {
            return (Activity::AsDue, request);
        };
        let (parts, body) = request.into_parts();
        let activity = match is_idle(&parts) {
            true => Activity::Never,
            false => Activity::AsDue,
        };
        (activity, Request::from_parts(parts, body))
    }

    pub(super) fn ingredients(&self) -> Ingredients {
        Ingredients {
            now: self.now(),
            nonce: next_nonce(),
            entropy: from_the_os,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("cookie", &self.cookie)
            .field("limits", &self.limits)
            .field("saves_failed_requests", &self.saves_failed_requests)
            .field("passes_refused_responses", &self.passes_refused_responses)
            .field(
                "allows_cross_site_beginnings",
                &self.allows_cross_site_beginnings,
            )
            .field("has_idle_requests", &self.idle_requests.is_some())
            .field("clear_site_data", &self.clear_site_data)
            .finish_non_exhaustive()
    }
}

fn from_the_os() -> Result<Entropy, SessionError> {
    let mut entropy = Entropy::new([0; Token::ENTROPY]);
    getrandom::fill(&mut entropy[..])
        .map_err(|error| SessionError::with_source(SessionErrorKind::Entropy, error))?;
    Ok(entropy)
}

/// Nonces have to differ, not to be secret: a counter from a random start serves all processes.
fn next_nonce() -> Nonce {
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(RandomState::new().build_hasher().finish()));
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes()
}
