//! The kinds of request.

use crate::BoxError;

/// Requests of one kind, each to a session in the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    NoCookie,
    Untouched,
    LazyUnasked,
    Read,
    Insert,
    UpdateNow,
    SignIn,
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] = [
        Self::NoCookie,
        Self::Untouched,
        Self::LazyUnasked,
        Self::Read,
        Self::Insert,
        Self::UpdateNow,
        Self::SignIn,
    ];

    /// Its name, in arguments and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoCookie => "no cookie, untouched",
            Self::Untouched => "valid, untouched",
            Self::LazyUnasked => "valid, lazy, unasked",
            Self::Read => "valid, read",
            Self::Insert => "valid, insert",
            Self::UpdateNow => "valid, update_now",
            Self::SignIn => "no cookie, sign-in",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, BoxError> {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| format!("there is no scenario `{name}`").into())
    }

    /// How many SHA-256 ours compute.
    pub(crate) fn digests(self) -> i64 {
        match self {
            Self::NoCookie | Self::LazyUnasked => 0,
            _ => 1,
        }
    }

    /// How many instructions (without SHA-256) and allocations it may take on a `MemoryStore`.
    pub(crate) fn budget(self) -> Option<(i64, i64)> {
        match self {
            Self::NoCookie => Some((1_100, 4)),
            Self::LazyUnasked => Some((1_500, 4)),
            Self::Read => Some((5_000, 10)),
            Self::Insert => Some((12_000, 20)),
            Self::Untouched | Self::UpdateNow | Self::SignIn => None,
        }
    }
}
