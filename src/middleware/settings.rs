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
        standing::{Activity, Standing},
        state::Limits,
        step::Ingredients,
        token::{Entropy, Token},
    },
    store::ErasedStore,
};

/// Tells which requests have no user behind them.
pub(super) type PassiveRequests = dyn Fn(&Parts) -> bool + Send + Sync;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) store: Arc<dyn ErasedStore>,
    pub(super) cookie: SessionCookie,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(super) saves_failed_requests: bool,
    pub(super) passes_refused_responses: bool,
    pub(super) allows_cross_site_beginnings: bool,
    pub(super) passive_requests: Option<Arc<PassiveRequests>>,
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

    /// Whether a request counts as a use of its session.
    pub(super) fn activity<B>(&self, request: &mut Request<B>) -> Activity {
        let Some(is_passive) = &self.passive_requests else {
            return Activity::AsDue;
        };
        let (mut parts, ()) = Request::new(()).into_parts();
        swap(request, &mut parts);
        let activity = match is_passive(&parts) {
            true => Activity::Never,
            false => Activity::AsDue,
        };
        swap(request, &mut parts);
        activity
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
            .field("has_passive_requests", &self.passive_requests.is_some())
            .field("clear_site_data", &self.clear_site_data)
            .finish_non_exhaustive()
    }
}

/// Lends the head of a request, and takes it back.
fn swap<B>(request: &mut Request<B>, parts: &mut Parts) {
    std::mem::swap(request.method_mut(), &mut parts.method);
    std::mem::swap(request.uri_mut(), &mut parts.uri);
    std::mem::swap(request.version_mut(), &mut parts.version);
    std::mem::swap(request.headers_mut(), &mut parts.headers);
    std::mem::swap(request.extensions_mut(), &mut parts.extensions);
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
