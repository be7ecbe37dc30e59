//! The successor of a token, sealed under it: who holds the old token can open it, the store cannot.
//!
//! A routine rotation replaces the secret of a session while requests with the old token are under
//! way, and the response that carries the new one may be lost. So the record keeps the new secret
//! in a form that only a holder of the old one can read:
//!
//! `sealed = new secret XOR HMAC-SHA256(key: old secret, "tower-session-layer successor" ‖ id ‖ SHA-256(new secret))`
//!
//! Why this is sound stands in `ARCHITECTURE.md`, under "Rotation", with the test vectors of below.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::session::token::{Secret, Token, Verifier};

/// The secret of a successor, readable to the holder of its predecessor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed(pub(crate) [u8; 32]);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl Token {
    /// Seals another token of the same session under this one.
    pub(crate) fn seal(&self, successor: &Self) -> Sealed {
        let mut sealed = *successor.secret.0;
        xor(&mut sealed, &self.pad(successor.verifier()));
        Sealed(sealed)
    }

    /// Opens what was sealed under this token; `None` if that is not the token which `verifier`
    /// stands for.
    pub(crate) fn unseal(&self, sealed: Sealed, verifier: Verifier) -> Option<Self> {
        let mut secret = self.pad(verifier);
        xor(&mut secret, &sealed.0);
        let successor = Self {
            id: self.id,
            secret: Secret(secret),
        };
        (successor.verifier() == verifier).then_some(successor)
    }

    fn pad(&self, successor: Verifier) -> Zeroizing<[u8; 32]> {
        // A key that is shorter than a block of the hash stands for itself and zeros (RFC 2104 §2).
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(&self.secret.0[..]);
        let pad = Hmac::<Sha256>::new((&*key).into())
            .chain_update(LABEL)
            .chain_update(self.id.as_bytes())
            .chain_update(successor.0)
            .finalize();
        Zeroizing::new(pad.into_bytes().into())
    }
}

fn xor(one: &mut [u8; 32], other: &[u8; 32]) {
    one.iter_mut().zip(other).for_each(|(a, b)| *a ^= b);
}

const LABEL: &[u8] = b"tower-session-layer successor";

#[cfg(test)]
mod tests {
    use super::*;

    fn token(byte: u8) -> Token {
        Token::for_session(
            Token::for_new_session([7; Token::ENTROPY]).id(),
            [byte; Token::ENTROPY],
        )
    }

    #[test]
    fn a_successor_is_opened_with_its_predecessor_alone() {
        let (old, new) = (token(1), token(2));
        let sealed = old.seal(&new);
        assert_eq!(old.unseal(sealed, new.verifier()), Some(new.clone()));
        assert_eq!(token(3).unseal(sealed, new.verifier()), None);
        assert_eq!(old.unseal(sealed, old.verifier()), None);
        assert_eq!(new.unseal(sealed, old.verifier()), None);
        let mut garbled = sealed;
        garbled.0[31] ^= 1;
        assert_eq!(old.unseal(garbled, new.verifier()), None);
        let elsewhere = Token::for_new_session([1; Token::ENTROPY]);
        assert_eq!(elsewhere.unseal(sealed, new.verifier()), None);
    }

    /// Computed apart from this code, with the `hmac` and `hashlib` of Python:
    /// `hmac.new(old, label + id + sha256(new).digest(), sha256)`, and XOR with `new`.
    #[test]
    fn test_vectors() {
        let id = token(1).id().to_string();
        assert_eq!(id, "07070707-0707-4707-8707-070707070707");
        for (old, new, sealed) in VECTORS {
            let hex = |bytes: Sealed| bytes.0.map(|byte| format!("{byte:02x}")).concat();
            assert_eq!(hex(token(old).seal(&token(new))), sealed, "{old} to {new}");
        }
    }

    /// The byte that the old secret is made of, that of the new one, and what is sealed.
    const VECTORS: [(u8, u8, &str); 3] = [
        (
            1,
            2,
            "34a8cfdbc7f941bd009a23fb4921949b06d1a26a1439178bd4daef08ecf59811",
        ),
        (
            2,
            1,
            "1e89aa4f05a425c57fae8a1ffa77adb28b50a0a33f04dd88b6f049a953944c8b",
        ),
        (
            0,
            255,
            "67d66a43753eeb030b1010404c6730e6c857aba4cbd31ce62ca97bea65b575a5",
        ),
    ];
}
