//! How many sessions one owner may have.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    middleware::{
        events::Revocation,
        info::SessionInfo,
        sessions::{end_all, owned},
        settings::Settings,
    },
    session::{error::SessionError, step::Step},
};

/// What becomes of a sign-in whose owner has as many sessions as they may. See
/// [`SessionLayer::with_sessions_per_owner`](crate::SessionLayer::with_sessions_per_owner).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLimit {
    /// The session that was signed in to the longest time ago ends.
    EvictOldest,
    /// The sign-in fails with [`TooManySessions`](crate::SessionErrorKind::TooManySessions).
    Refuse,
}

/// Makes room for the session of `step`, which the store found to be one too many. `false` if there is
/// none to be made.
pub(super) async fn make_room(settings: &Arc<Settings>, step: &Step) -> Result<bool, SessionError> {
    let (Some(listing), Some(limit)) = (step.delta.account.listing(), step.delta.limit()) else {
        return Ok(false);
    };
    let owner = &listing.owner;
    // Dropped anywhere here, what ended has ended.
    let mut others = owned(settings, owner).await?;
    others.retain(|other| other.id() != step.id);
    let now = settings.now();
    let (mut alive, mut leaving): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|other| other.is_alive(now));
    let excess = (alive.len() + 1).saturating_sub(limit);
    if excess > 0 && settings.at_limit == AtLimit::Refuse {
        return Ok(false);
    }
    alive.sort_by_cached_key(SessionInfo::by_age);
    leaving.extend(alive.drain(..excess));
    if leaving.is_empty() {
        // Others are on their way to the store, or have ended just now.
        sleep(PAUSE).await;
    }
    end_all(settings, &leaving, Revocation::Evicted).await?;
    Ok(true)
}

const PAUSE: Duration = Duration::from_millis(50);
