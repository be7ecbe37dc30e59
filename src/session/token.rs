//! The token: a public id that selects the record, and a secret that proves the right to it.

use std::{borrow::Cow, fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::{Builder, Uuid, Variant};
use zeroize::Zeroizing;

/// The public name of a session: a UUID v4.
///
/// It selects the session's record in the store and stays the same when the token is renewed.
/// Knowing it gives no access (the secret half of the token does), so it is safe in logs, lists
/// and admin pages. Forms and JSON carry it as text.
///
/// ```
/// use tower_session_layer::SessionId;
///
/// let id: SessionId = "0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11".parse()?;
/// assert_eq!(id.to_string(), "0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11");
/// # Ok::<_, tower_session_layer::InvalidSessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Uuid);

impl SessionId {
    /// The sixteen bytes of the UUID, for stores that have a column type for them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    fn from_uuid(uuid: Uuid) -> Option<Self> {
        let is_v4 = uuid.get_version_num() == 4 && uuid.get_variant() == Variant::RFC4122;
        is_v4.then_some(Self(uuid))
    }
}

impl TryFrom<[u8; 16]> for SessionId {
    type Error = InvalidSessionId;

    fn try_from(bytes: [u8; 16]) -> Result<Self, Self::Error> {
        Self::from_uuid(Uuid::from_bytes(bytes)).ok_or(InvalidSessionId(()))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| InvalidSessionId(()))?;
        Self::from_uuid(uuid).ok_or(InvalidSessionId(()))
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The text is not the id of a session: a UUID of version 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSessionId(());

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id is a uuid of version 4")
    }
}

impl std::error::Error for InvalidSessionId {}

/// What the cookie carries: the id and the secret, 48 bytes, as 64 characters of base64url.
///
/// Memory that held a secret is overwritten when it is given up, here and in the hashes. (The lines
/// of the request and of the response, which carry the token, are not ours.)
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(super) id: SessionId,
    pub(super) secret: Secret,
}

impl Token {
    /// The length of a token in a cookie.
    pub(crate) const ENCODED_LEN: usize = 64;

    /// How many random bytes a new token takes.
    pub(crate) const ENTROPY: usize = 48;

    /// A token for a new session.
    pub(crate) fn for_new_session(entropy: impl Into<Entropy>) -> Self {
        let entropy = entropy.into();
        let id = Builder::from_random_bytes(split(&entropy).0).into_uuid();
        Self::for_session(SessionId(id), entropy)
    }

    /// Another token for a session that exists: same id, new secret.
    pub(crate) fn for_session(id: SessionId, entropy: impl Into<Entropy>) -> Self {
        let (_, secret) = split(&entropy.into());
        Self { id, secret }
    }

    /// Reads the value of a cookie; `None` if that cannot be a token of ours.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        if value.len() != Self::ENCODED_LEN {
            return None;
        }
        let mut bytes = Zeroizing::new([0; Self::ENTROPY]);
        URL_SAFE_NO_PAD.decode_slice(value, &mut bytes[..]).ok()?;
        let (id, secret) = split(&bytes);
        let id = SessionId::from_uuid(Uuid::from_bytes(id))?;
        Some(Self { id, secret })
    }

    /// Writes the value of the cookie.
    pub(crate) fn encode_to(&self, out: &mut String) {
        let mut bytes = Zeroizing::new([0; Self::ENTROPY]);
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..].copy_from_slice(&self.secret.0[..]);
        URL_SAFE_NO_PAD.encode_string(&bytes[..], out);
    }

    #[cfg(test)]
    pub(crate) fn encode(&self) -> String {
        let mut value = String::new();
        self.encode_to(&mut value);
        value
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// What the store keeps in place of the secret.
    pub(crate) fn verifier(&self) -> Verifier {
        Verifier(Sha256::digest(&self.secret.0[..]).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a token is made of.
pub(crate) type Entropy = Zeroizing<[u8; Token::ENTROPY]>;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) Zeroizing<[u8; 32]>);

/// SHA-256 of a secret.
///
/// Compared in constant time; the comparison of two hashes leaks nothing useful anyway, but
/// nobody should have to think about that.
#[derive(Clone, Copy)]
pub(crate) struct Verifier(pub(crate) [u8; 32]);

impl Verifier {
    /// Words compare in constant time as bytes do, in an eighth of the steps.
    fn words(&self) -> [u64; 4] {
        std::array::from_fn(|word| {
            let byte = |at| u64::from(self.0[8 * word + at]) << (8 * at);
            (0..8).map(byte).sum()
        })
    }
}

impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        self.words()[..].ct_eq(&other.words()[..]).into()
    }
}

impl Eq for Verifier {}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

fn split(bytes: &Entropy) -> ([u8; 16], Secret) {
    let (mut id, mut secret) = ([0; 16], Zeroizing::new([0; 32]));
    id.copy_from_slice(&bytes[..16]);
    secret.copy_from_slice(&bytes[16..]);
    (id, Secret(secret))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(byte: u8) -> Token {
        Token::for_new_session([byte; Token::ENTROPY])
    }

    #[test]
    fn an_id_is_text_in_json() {
        let id = token(7).id();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<SessionId>(&json).unwrap(), id);
        let error = serde_json::from_str::<SessionId>("\"a\"").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("a session id is a uuid of version 4")
        );
    }

    /// Proves: rfc6265bis_c1.
    #[test]
    fn a_token_is_64_cookie_octets_and_reads_back() {
        let encoded = token(0xfb).encode();
        assert_eq!(encoded.len(), Token::ENCODED_LEN);
        let alphabet = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(encoded.chars().all(alphabet));
        assert_eq!(Token::parse(encoded.as_bytes()), Some(token(0xfb)));
    }

    #[test]
    fn the_id_of_a_token_is_a_uuid_v4() {
        assert_eq!(token(0).id().0.get_version_num(), 4);
    }

    #[test]
    fn malformed_tokens_do_not_parse() {
        let good = token(1).encode();
        let with_uuid = |uuid: u128| {
            let bytes = [&uuid.to_be_bytes()[..], &[1; 32]].concat();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        let v4 = 0x0b7e_1f4a_5d0c_4c57_9f83_5b7e_3b0d_6a11;
        assert!(Token::parse(with_uuid(v4).as_bytes()).is_some());
        let rows = [
            String::new(),
            good[1..].to_owned(),
            format!("{good}A"),
            format!("+{}", &good[1..]),
            format!("={}", &good[1..]),
            format!("\u{e9}{}", &good[2..]),
            with_uuid(v4 ^ 0x5000 << 64),
            with_uuid(v4 ^ 0x8000 << 48),
        ];
        for row in rows {
            assert_eq!(Token::parse(row.as_bytes()), None, "{row:?}");
        }
    }

    /// Proves: asvs_16_2_5.
    #[test]
    fn debug_prints_no_secret() {
        let token = token(7);
        assert_eq!(
            format!("{token:?} {:?}", token.verifier()),
            format!("Token {{ id: {}, .. }} Verifier(..)", token.id()),
        );
    }

    /// Reads the memory of this process where a token was.
    ///
    /// Proves: secret_zeroised.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_secret_that_is_dropped_is_overwritten() {
        use std::{fs::File, os::unix::fs::FileExt as _};
        let memory = File::open("/proc/self/mem").unwrap();
        let mut place = Box::new(Some(token(0xa7)));
        let secret = place.as_ref().as_ref().unwrap().secret.0.as_ptr() as u64;
        let read = || {
            let mut bytes = [1; 32];
            memory.read_exact_at(&mut bytes, secret).unwrap();
            bytes
        };
        assert_eq!(read(), [0xa7; 32]);
        *place = None;
        assert!(!read().contains(&0xa7), "{:?}", read());
    }

    #[test]
    fn the_verifier_is_sha_256_of_the_secret_alone() {
        let other = Token::for_session(token(9).id(), [7; Token::ENTROPY]);
        assert_eq!(other.verifier(), token(7).verifier());
        assert_ne!(other.verifier(), token(9).verifier());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_only_accepts_what_encoding_makes(value: Vec<u8>) {
            if let Some(token) = Token::parse(&value) {
                prop_assert_eq!(token.encode().into_bytes(), value);
            }
        }

        /// Proves: rfc6265bis_c1.
        #[test]
        fn every_token_reads_back(entropy in any::<[u8; Token::ENTROPY]>()) {
            let token = Token::for_new_session(entropy);
            prop_assert_eq!(Token::parse(token.encode().as_bytes()), Some(token));
        }
    }
}
