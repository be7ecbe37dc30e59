//! From the bytes of an input to what happens in a run.

use std::{sync::LazyLock, time::Duration};

use tower_session_layer::{
    Lifetime,
    fuzzing::{self, Rules},
};

use crate::record::{NONCE, PREVIOUS, SEALED, VERIFIER, repaired};

/// An input: how the run is set up, what happens in it, and the record that it begins with.
#[derive(Debug)]
pub struct Plan<'a> {
    setup: u8,
    times: u8,
    acts: &'a [u8],
    pub record: &'a [u8],
}

impl<'a> Plan<'a> {
    pub fn of(input: &'a [u8]) -> Option<Self> {
        let (&[setup, times, acts], rest) = input.split_first_chunk()?;
        let (acts, record) = rest.split_at_checked(3 * usize::from(acts % 32))?;
        Some(Self {
            setup,
            times,
            acts,
            record,
        })
    }

    /// A well-formed record, for whose present and previous secret there may be tokens.
    pub fn well_formed_record(&self) -> Vec<u8> {
        let Tokens {
            verifiers, sealed, ..
        } = &*TOKENS;
        let mut record = repaired(self.record);
        let mut put = |bit, at: usize, bytes: &[u8; 32]| {
            if self.setup & bit != 0 {
                record[at..at + 32].copy_from_slice(bytes);
            }
        };
        put(1, VERIFIER, &verifiers[0]);
        put(2, PREVIOUS, &verifiers[1]);
        put(4, SEALED, sealed);
        // Nonces of the run begin with another byte.
        record[NONCE] = 0;
        record
    }

    /// The cookie of the first request: the present token, the one before, or another one.
    pub fn cookie(&self) -> &'static str {
        &TOKENS.tokens[usize::from(self.setup >> 3 & 3) % 3]
    }

    pub fn rules(&self) -> Rules {
        Rules {
            lifetime: lifetime(self.times >> 4),
            max_len: match self.setup >> 5 & 1 {
                0 => 64 * 1024,
                _ => 400,
            },
            max_entry_len: match self.times >> 4 {
                6 => 300,
                _ => usize::MAX,
            },
            rotate_every: (self.setup >> 6 & 1 == 1).then_some(Duration::from_secs(90)),
            grace: Duration::from_secs(20),
        }
    }

    /// How long after the last touch the run begins.
    pub fn idle_for(&self) -> u64 {
        span(self.times)
    }

    pub fn acts(&self) -> impl Iterator<Item = [u8; 3]> {
        self.acts.as_chunks().0.iter().copied()
    }
}

/// Three tokens of one session.
struct Tokens {
    tokens: [String; 3],
    verifiers: [[u8; 32]; 3],
    /// The first one under the second.
    sealed: [u8; 32],
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let tokens = [1, 2, 3].map(|secret| {
        let mut entropy = [secret; 48];
        entropy[..16].fill(7);
        fuzzing::new_token(entropy)
    });
    Tokens {
        verifiers: [0, 1, 2].map(|at| fuzzing::parts(&tokens[at]).unwrap().1),
        sealed: fuzzing::seal(&tokens[1], &tokens[0]).unwrap(),
        tokens,
    }
});

/// Milliseconds, on both sides of what matters somewhere.
pub fn span(byte: u8) -> u64 {
    [
        0,
        1,
        1_999,
        2_000,
        19_999,
        20_000,
        59_999,
        60_000,
        89_999,
        90_000,
        180_000,
        1_800_000,
        43_200_000,
        86_400_000 * 60,
        u64::MAX / 2,
        u64::MAX,
    ][usize::from(byte % 16)]
}

pub fn lifetime(byte: u8) -> Lifetime {
    let (idle, absolute) = (span(byte), span(byte.wrapping_mul(5)));
    let lifetime = Lifetime::new(Duration::from_millis(idle), Duration::from_millis(absolute));
    match byte % 4 {
        0 => Lifetime::default(),
        1 => Lifetime::remembered(),
        2 => lifetime.persistent(),
        _ => lifetime,
    }
}
