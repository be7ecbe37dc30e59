//! Whether Redis is known to be down.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

/// What the last operations learnt of Redis. Clones share it.
///
/// It is down once a few of them in a row, over some time, had no answer. On a cluster that has lost
/// a part the others answer in between.
#[derive(Clone, Debug, Default)]
pub(super) struct Outage(Arc<Mutex<Silence>>);

#[derive(Debug, Default)]
enum Silence {
    #[default]
    None,
    Suspicious {
        since: Instant,
        failures: u32,
    },
    Known,
}

impl Outage {
    pub(super) fn is_known(&self) -> bool {
        matches!(*self.silence(), Silence::Known)
    }

    /// Redis answered.
    pub(super) fn end(&self) {
        *self.silence() = Silence::None;
    }

    /// An operation had no answer. Whether this makes the outage known, for the first time.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        let mut silence = self.silence();
        *silence = match *silence {
            Silence::None => Silence::Suspicious {
                since: now,
                failures: 1,
            },
            Silence::Suspicious { since, failures } => {
                if failures + 1 >= FAILURES && now.saturating_duration_since(since) >= SPAN {
                    *silence = Silence::Known;
                    return true;
                }
                Silence::Suspicious {
                    since,
                    failures: failures + 1,
                }
            }
            Silence::Known => return false,
        };
        false
    }

    /// For whoever waits for its end.
    pub(super) fn watch(&self) -> Watch {
        Watch(Arc::downgrade(&self.0))
    }

    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the outage when it is dropped.
pub(super) struct Watch(Weak<Mutex<Silence>>);

impl Watch {
    /// Whether the outage goes on, and anybody cares.
    pub(super) fn is_of_interest(&self) -> bool {
        let outage = self.0.upgrade().map(Outage);
        outage.is_some_and(|outage| outage.is_known())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(outage) = self.0.upgrade().map(Outage) {
            outage.end();
        }
    }
}

const FAILURES: u32 = 3;

const SPAN: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_make_an_outage_if_they_are_not_of_one_moment() {
        for (millis, expected) in [
            (&[0, 0, 0, 0][..], &[false, false, false, false][..]),
            (&[0, 249, 249, 250], &[false, false, false, true]),
            (&[0, 500, 501, 502], &[false, false, true, false]),
            (&[0, 500], &[false, false]),
        ] {
            let (outage, start) = (Outage::default(), Instant::now());
            let at = |millis: &u64| start + Duration::from_millis(*millis);
            let known = millis.iter().map(|it| outage.goes_on(at(it)));
            assert_eq!(known.collect::<Vec<_>>(), expected);
            assert_eq!(outage.is_known(), expected.contains(&true));
        }
    }

    #[test]
    fn an_answer_ends_it_and_so_does_whoever_gives_up_waiting_for_one() {
        let (outage, start) = (Outage::default(), Instant::now());
        let fail = |seconds| outage.goes_on(start + Duration::from_secs(seconds));
        assert_eq!([fail(0), fail(1)], [false; 2]);
        outage.end();
        assert_eq!([fail(2), fail(3), fail(4)], [false, false, true]);
        let watch = outage.watch();
        assert!(watch.is_of_interest());
        drop(watch);
        assert!(!outage.is_known());
    }
}
