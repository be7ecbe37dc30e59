//! The clock of Redis, as far as it can be known from here.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

/// What has to be added to our clock to get the one of Redis. Clones share what they know.
///
/// A commit has to refuse itself when it comes so late that its sender has given up, and only the
/// clock of Redis can tell it that. Every answer to a commit carries the time of Redis, so the
/// estimate follows by itself when that clock is set, or another server takes over; and a first
/// commit, which knows nothing, is answered as late, with the time, and sent again.
#[derive(Clone, Debug)]
pub(super) struct ServerClock(Arc<AtomicI64>);

impl ServerClock {
    pub(super) fn unknown() -> Self {
        Self(Arc::new(AtomicI64::new(UNKNOWN)))
    }

    /// The time of Redis at `local`, or a little earlier.
    pub(super) fn at(&self, local: Millis) -> u64 {
        let offset = self.0.load(Ordering::Relaxed);
        u64::try_from(local.saturating_add(offset)).unwrap_or(0)
    }

    /// Takes in that Redis showed `server` at some time between `sent` and now.
    pub(super) fn saw(&self, server: Millis, sent: Millis) {
        let (least, most) = (server - now(), server - sent);
        let offset = self.0.load(Ordering::Relaxed);
        if !(least..=most).contains(&offset) {
            // The least keeps the time of Redis from being thought later than it is.
            self.0.store(least, Ordering::Relaxed);
        }
    }
}

/// Milliseconds by our clock, which nobody sets.
pub(super) type Millis = i64;

pub(super) fn now() -> Millis {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START
        .elapsed()
        .as_millis()
        .try_into()
        .unwrap_or(Millis::MAX)
}

/// So far back that everything is late.
const UNKNOWN: i64 = i64::MIN / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_seen_makes_everything_late() {
        assert_eq!(ServerClock::unknown().at(now()), 0);
    }

    #[test]
    fn what_agrees_with_the_estimate_leaves_it_and_what_does_not_corrects_it() {
        let clock = ServerClock::unknown();
        let here = now();
        clock.saw(here + 1_000_000, here);
        let first = clock.at(here);
        assert!((here as u64 + 999_000..=here as u64 + 1_000_000).contains(&first));
        clock.saw(here + 999_500, here - 1_000);
        assert_eq!(clock.at(here), first, "a slow answer tells less");
        clock.saw(here + 5_000_000, here);
        assert!(clock.at(here) > first + 3_000_000, "it was set forward");
        clock.saw(here + 1_000_000, here);
        assert!(clock.at(here) <= here as u64 + 1_000_000, "and back");
    }
}
