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

use tokio_util::task::TaskTracker;

use crate::{
    cookie::SessionCookie,
    middleware::{
        clear::ClearSiteData,
        events::{Listener, SessionEvent},
        limit::AtLimit,
        terms::{Judge, StoreFailure},
    },
    session::{
        error::{SessionError, SessionErrorKind},
        header::Nonce,
        lifetime::Timestamp,
        state::Limits,
        step::Ingredients,
        token::{Entropy, Token},
    },
    store::ErasedStore,
};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) store: Arc<dyn ErasedStore>,
    pub(super) cookie: SessionCookie,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(super) saves_failed_requests: bool,
    pub(super) passes_refused_responses: bool,
    pub(super) allows_cross_site_beginnings: bool,
    /// Tells which requests have no user behind them.
    pub(super) passive_requests: Option<Judge<bool>>,
    pub(super) store_failure: Option<Judge<StoreFailure>>,
    pub(super) clear_site_data: ClearSiteData,
    /// What becomes of a sign-in when an owner has as many sessions as the limits allow.
    pub(super) at_limit: AtLimit,
    pub(super) listener: Option<Listener>,
    /// Commits that go on although nobody waits for them.
    pub(super) background: TaskTracker,
}

impl Settings {
    pub(super) fn now(&self) -> Timestamp {
        (self.clock)().into()
    }

    pub(super) fn tell<'a>(&self, event: impl FnOnce() -> SessionEvent<'a>) {
        if let Some(listener) = &self.listener {
            listener(event());
        }
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
            .field("has_store_failure_policy", &self.store_failure.is_some())
            .field("clear_site_data", &self.clear_site_data)
            .field("at_limit", &self.at_limit)
            .field("has_listener", &self.listener.is_some())
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
