//! Looks for secrets where none may be.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Asserts that `dump` has neither a token nor the secret half of one, in any spelling.
///
/// # Panics
///
/// If it has, or if a token is not one.
#[track_caller]
pub fn assert_tells_no_secret(dump: &[u8], tokens: &[String]) {
    for token in tokens {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
        let secret = &bytes[16..48];
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let forms = [
            secret.to_vec(),
            token.clone().into(),
            hex.to_uppercase().into(),
            hex.into(),
            STANDARD_NO_PAD.encode(secret).into(),
            URL_SAFE_NO_PAD.encode(secret).into(),
        ];
        for (number, form) in forms.into_iter().enumerate() {
            assert!(
                !contains(dump, &form),
                "the secret stands there, form {number}"
            );
        }
    }
}

/// Whether `part` stands somewhere in `dump`.
#[must_use]
pub fn contains(dump: &[u8], part: &[u8]) -> bool {
    dump.windows(part.len()).any(|window| window == part)
}
