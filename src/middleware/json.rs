//! Values as JSON, without values in errors.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::session::error::{SessionError, SessionErrorKind};

pub(super) fn encode(value: &impl Serialize) -> Result<Bytes, SessionError> {
    let json =
        serde_json::to_vec(value).map_err(|error| json_error(SessionErrorKind::Encode, &error))?;
    Ok(json.into())
}

pub(super) fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, SessionError> {
    serde_json::from_slice(json).map_err(|error| json_error(SessionErrorKind::Decode, &error))
}

/// The text of a JSON error can repeat the value, so only its nature and place are kept.
fn json_error(kind: SessionErrorKind, error: &serde_json::Error) -> SessionError {
    let (nature, line, column) = (error.classify(), error.line(), error.column());
    SessionError::with_source(
        kind,
        format!("{nature:?} error at line {line} column {column}"),
    )
}
