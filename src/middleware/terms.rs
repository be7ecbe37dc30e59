//! On what terms a request gets its session.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, request::Parts};

use crate::{
    middleware::settings::Settings,
    session::{
        error::SessionErrorKind,
        standing::{Activity, Standing},
    },
};

/// What is settled before the session is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// What the request may do if it presents nothing, or nothing of worth.
    pub(super) standing: Standing,
    /// Whether it counts as a use of its session.
    pub(super) activity: Activity,
    pub(super) store_failure: StoreFailure,
}

/// What becomes of a request whose session cannot be loaded because the store failed. See
/// [`SessionLayer::with_store_failure`](crate::SessionLayer::with_store_failure).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreFailure {
    /// It is answered with a 503 (gRPC `UNAVAILABLE`), and the service does not see it.
    #[default]
    Reject,
    /// It goes on with an empty session, like a visitor's, that can be looked at and no more: if it
    /// is changed, renewed or ended, the response is replaced by the failure.
    Anonymous,
}

/// Tells something from the head of a request.
pub(super) type Judge<T> = Arc<dyn Fn(&Parts) -> T + Send + Sync>;

impl Terms {
    pub(super) fn of<B>(request: &mut Request<B>, settings: &Settings) -> Self {
        let standing = standing(request.method(), request.headers(), settings);
        let (passive, failure) = (&settings.passive_requests, &settings.store_failure);
        let mut terms = Self {
            standing,
            activity: Activity::AsDue,
            store_failure: StoreFailure::default(),
        };
        if passive.is_some() || failure.is_some() {
            let (mut parts, ()) = Request::new(()).into_parts();
            swap(request, &mut parts);
            if passive
                .as_ref()
                .is_some_and(|is_passive| is_passive(&parts))
            {
                terms.activity = Activity::Never;
            }
            if let Some(policy) = failure {
                terms.store_failure = policy(&parts);
            }
            swap(request, &mut parts);
        }
        terms
    }
}

fn standing(method: &Method, headers: &HeaderMap, settings: &Settings) -> Standing {
    let is_withheld = settings.cookie.is_withheld_from(method, headers);
    match is_withheld && !settings.allows_cross_site_beginnings {
        true => Standing::OnlyBySignIn {
            because: SessionErrorKind::CrossSite,
            ends: None,
        },
        false => Standing::Free,
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
