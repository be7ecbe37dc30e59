//! Looks for secrets where none may be.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;

/// Asserts that `dump` has neither a token nor the secret half of one, in any spelling.
///
/// # Panics
///
/// If it has, or if a token is not one.
#[track_caller]
pub fn assert_tells_no_secret(dump: &[u8], tokens: &[String]) {
    for token in tokens {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        // Also without what stands before its secret: 16 bytes, and two bits of the next one.
        assert!(
            !contains(dump, &token.as_bytes()[24..]),
            "a token stands there"
        );
        assert_tells_nothing_of(dump, &bytes[16..48]);
    }
}

/// Asserts that `dump` does not have these bytes, in any spelling.
///
/// # Panics
///
/// If it has.
#[track_caller]
pub fn assert_tells_nothing_of(dump: &[u8], bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<_> = bytes.iter().map(ToString::to_string).collect();
    let forms = [
        bytes.to_vec(),
        hex.to_uppercase().into(),
        hex.into(),
        // As `Debug` writes bytes.
        list.join(", ").into(),
        bytes.escape_ascii().to_string().into(),
        // As `Bytes` does, without the quotes.
        format!("{:?}", Bytes::copy_from_slice(bytes))[2..]
            .trim_end_matches('"')
            .into(),
        STANDARD_NO_PAD.encode(bytes).into(),
        URL_SAFE_NO_PAD.encode(bytes).into(),
    ];
    for (number, form) in forms.into_iter().enumerate() {
        assert!(!contains(dump, &form), "it stands there, form {number}");
    }
}

/// Whether `part` stands somewhere in `dump`.
#[must_use]
pub fn contains(dump: &[u8], part: &[u8]) -> bool {
    dump.windows(part.len()).any(|window| window == part)
}
