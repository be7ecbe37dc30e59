//! The clock of Redis, as far as it can be known from here.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
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

    /// The time of Redis at `local`, or a little earlier, in Unix milliseconds: both clocks show whole
    /// ones.
    pub(super) fn at(&self, local: Instant) -> u64 {
        let offset = self.0.load(Ordering::Relaxed);
        u64::try_from(millis(local).saturating_add(offset - 2)).unwrap_or(0)
    }

    /// Takes in that Redis showed `server` at some time between `sent` and now.
    pub(super) fn saw(&self, server: i64, sent: Instant) {
        let (least, most) = (server - millis(Instant::now()), server - millis(sent));
        let offset = self.0.load(Ordering::Relaxed);
        if !(least..=most).contains(&offset) {
            // The least keeps the time of Redis from being thought later than it is.
            self.0.store(least, Ordering::Relaxed);
        }
    }
}

/// Milliseconds by our clock, which nobody sets.
fn millis(time: Instant) -> i64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2);
    match time.checked_duration_since(*START) {
        Some(since) => millis(since),
        None => -millis(START.saturating_duration_since(time)),
    }
}

/// So far back that everything is late.
const UNKNOWN: i64 = i64::MIN / 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_seen_makes_everything_late() {
        assert_eq!(ServerClock::unknown().at(Instant::now()), 0);
    }

    #[test]
    fn what_agrees_with_the_estimate_leaves_it_and_what_does_not_corrects_it() {
        let clock = ServerClock::unknown();
        let sent = Instant::now();
        clock.saw(1_000_000, sent);
        let first = clock.at(sent);
        assert!((999_000..=1_000_000).contains(&first), "{first}");
        let earlier = sent.checked_sub(Duration::from_secs(1)).unwrap_or(sent);
        clock.saw(999_500, earlier);
        assert_eq!(clock.at(sent), first, "a slow answer tells less");
        clock.saw(5_000_000, sent);
        assert!(clock.at(sent) > 4_900_000, "it was set forward");
        clock.saw(1_000_000, sent);
        assert!(clock.at(sent) <= 1_000_000, "and back");
    }
}
