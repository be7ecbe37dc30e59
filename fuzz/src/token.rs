//! The token, by the description of it: 64 characters of base64url, an id of UUID version 4 first.

use std::sync::LazyLock;

use tower_session_layer::fuzzing;

/// The characters of base64url in their order (RFC 4648 §5).
pub const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The bytes of base64url without padding.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let sextets: Option<Vec<u32>> = text.iter().map(|it| sextet(*it)).collect();
    let four = |four: &[u32]| four.iter().fold(0, |bits, sextet| bits << 6 | sextet);
    let three = |bits: u32| bits.to_be_bytes()[1..].to_vec();
    Some(sextets?.chunks_exact(4).map(four).flat_map(three).collect())
}

fn sextet(character: u8) -> Option<u32> {
    Some(u32::from(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}

pub fn is_token(text: &[u8]) -> bool {
    text.len() == 64 && decode(text).is_some_and(|bytes| is_v4(&bytes))
}

/// The version and the variant of a UUID (RFC 9562 §4).
fn is_v4(id: &[u8]) -> bool {
    (0x40..=0x4f).contains(&id[6]) && (0x80..=0xbf).contains(&id[8])
}

/// Text in which the control characters 1 to 7 stand for tokens, so that there are some.
pub fn written_out(text: &[u8]) -> Vec<u8> {
    static TOKENS: LazyLock<[String; 7]> =
        LazyLock::new(|| [1, 2, 3, 4, 5, 6, 7].map(|byte| fuzzing::new_token([byte; 48])));
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            1..=7 => out.extend_from_slice(TOKENS[usize::from(byte - 1)].as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}
