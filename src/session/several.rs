//! Which one of several sessions a request means.

use crate::session::standing::Standing;
use crate::session::state::{Limits, State};

impl State {
    /// The only live session among these; if there is none, the only one of the past. Of two nobody
    /// can tell which one is meant.
    ///
    /// If all are unknown, there is nothing to protect: a session begins like any other.
    pub(crate) fn only_one_of(sessions: Vec<Self>, limits: Limits) -> Self {
        let is_live = |session: &Self| session.stored.is_some();
        let (live, others): (Vec<_>, Vec<_>) = sessions.into_iter().partition(is_live);
        let is_past = |session: &Self| matches!(session.standing, Standing::OnlyBySignIn { .. });
        let mut meant = match live.is_empty() {
            true => others.into_iter().filter(is_past).collect(),
            false => live,
        };
        match (meant.len(), meant.pop()) {
            (1, Some(only)) => only,
            (0, _) => Self::empty(Standing::Free, limits),
            _ => Self::empty(Standing::AMBIGUOUS, limits),
        }
    }
}
