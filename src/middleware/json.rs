//! Values as JSON, without values in errors.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::session::error::{SessionError, SessionErrorKind};

pub(super) fn encode(value: &impl Serialize) -> Result<Bytes, SessionError> {
    let json =
        serde_json::to_vec(value).map_err(|error| json_error(SessionErrorKind::Encode, &error))?;
    // It has room for more, which would be kept as long as the value is.
    Ok(Bytes::copy_from_slice(&json))
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

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    /// Proves: asvs_16_2_5.
    #[test]
    fn an_error_names_the_place_and_not_the_value() {
        let error = decode::<u64>(b"\"confidential\"").unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "Data error at line 1 column 14");
        assert_eq!(error.kind(), SessionErrorKind::Decode);
    }

    #[test]
    fn what_json_cannot_say_is_an_error() {
        let error = encode(&std::collections::BTreeMap::from([((1, 2), 3)])).unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::Encode);
    }
}
