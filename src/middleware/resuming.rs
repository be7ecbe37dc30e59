//! From what the store holds to the session that a request sees.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    middleware::{session::Session, settings::Settings},
    session::{
        claim::Claim,
        error::{SessionError, SessionErrorKind},
        record::{Record, UnreadableRecord},
        state::{Standing, State},
        token::Token,
    },
    store::StoreError,
};

impl Session {
    /// A session of a request without a token.
    pub(super) fn empty(settings: &Arc<Settings>, standing: Standing) -> Self {
        Self::new(settings, State::empty(standing, settings.limits))
    }

    /// The session of a request with a token, from what the store holds under its id.
    ///
    /// # Errors
    ///
    /// A failure of the store, which a record from the future is too: it is not ours to judge.
    pub(super) fn hydrate(
        settings: &Arc<Settings>,
        token: &Token,
        loaded: Result<Option<Bytes>, StoreError>,
    ) -> Result<Self, SessionError> {
        let Some(record) = loaded.map_err(store_failed)? else {
            return Ok(Self::empty(settings, Standing::Free));
        };
        let state = match Record::parse(record) {
            Ok(record) => resume(token, record, settings),
            Err(UnreadableRecord::Corrupt) => {
                tracing::warn!(session.id = %token.id(), "unreadable session record");
                State::empty(Standing::Free, settings.limits)
            }
            Err(UnreadableRecord::NewerVersion) => {
                let newer = StoreError::new("the record is of a newer version");
                return Err(store_failed(newer));
            }
        };
        Ok(Self::new(settings, state))
    }
}

fn resume(token: &Token, record: Record, settings: &Settings) -> State {
    let (now, limits) = (settings.now(), settings.limits);
    let claim = Claim::judge(token, &record.header, now, limits.grace);
    if claim == Claim::Reused {
        tracing::warn!(session.id = %token.id(), "reuse of a token that was rotated away");
    }
    State::resume(claim, token, record, now, limits)
}

pub(super) fn store_failed(error: StoreError) -> SessionError {
    SessionError::with_source(SessionErrorKind::Store, error)
}
