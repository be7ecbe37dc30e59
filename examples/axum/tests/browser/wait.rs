//! Waiting for what a browser is about to show.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use thirtyfour::error::WebDriverResult;
use tokio::time::sleep;

/// Looks again and again, until what is seen is as it should be.
///
/// A page that is just being replaced by another cannot be looked at: that is no failure yet.
#[track_caller]
pub(crate) fn eventually<T: Debug + PartialEq>(
    look: impl AsyncFn() -> WebDriverResult<T>,
    expected: T,
) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = look().await;
            if seen.as_ref().is_ok_and(|seen| *seen == expected) {
                return;
            }
            let is_late = Instant::now() > deadline;
            assert!(!is_late, "{place}: not {expected:?} but {seen:?}");
            sleep(PAUSE).await;
        }
    }
}

/// Far more than it takes, on a machine that is slow and shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(10);
