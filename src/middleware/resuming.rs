//! From what the store holds to the session that a request sees.

use bytes::Bytes;

use crate::{
    middleware::settings::Settings,
    session::{
        claim::Claim,
        error::{SessionError, SessionErrorKind},
        record::{Record, UnreadableRecord},
        state::{Standing, State},
        token::Token,
    },
    store::StoreError,
};

/// The session of a request with these tokens, from what the store holds under their id.
///
/// # Errors
///
/// A failure of the store, which a record from the future is too: it is not ours to judge.
pub(super) fn resume(
    tokens: &[Token],
    loaded: Result<Option<Bytes>, StoreError>,
    settings: &Settings,
) -> Result<State, SessionError> {
    let nobody = || State::empty(Standing::Free, settings.limits);
    let Some(record) = loaded.map_err(store_failed)? else {
        return Ok(nobody());
    };
    match Record::parse(record) {
        Ok(record) => Ok(judge(tokens, record, settings).unwrap_or_else(nobody)),
        Err(UnreadableRecord::Corrupt) => {
            let id = tokens
                .first()
                .map(|token| tracing::field::display(token.id()));
            tracing::warn!(session.id = id, "unreadable session record");
            Ok(nobody())
        }
        Err(UnreadableRecord::NewerVersion) => {
            let newer = StoreError::new("the record is of a newer version");
            Err(store_failed(newer))
        }
    }
}

/// `None` if there is no token.
fn judge(tokens: &[Token], record: Record, settings: &Settings) -> Option<State> {
    let (now, limits) = (settings.now(), settings.limits);
    let (token, claim) = Claim::strongest(tokens, &record.header, now, limits.grace)?;
    if claim == Claim::Reused {
        tracing::warn!(session.id = %token.id(), "reuse of a token that was rotated away");
    }
    Some(State::resume(claim, token, record, now, limits))
}

pub(super) fn store_failed(error: StoreError) -> SessionError {
    SessionError::with_source(SessionErrorKind::Store, error)
}
