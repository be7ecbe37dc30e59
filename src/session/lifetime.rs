//! Idle and absolute limits, as functions of `now`.

use std::time::{Duration, SystemTime};

/// A point in time: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Timestamp(pub(crate) u64);

impl Timestamp {
    /// The time from `earlier` to `self`; zero if `earlier` lies in the future.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(
            time.duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, millis),
        )
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let since_epoch = Duration::from_millis(time.0);
        let time = SystemTime::UNIX_EPOCH.checked_add(since_epoch);
        // Where the system cannot name such a time, no real clock shows it.
        time.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// How long a session lives: an idle limit, an absolute limit, and whether its cookie outlives
/// the browser.
///
/// The **idle limit** ends a session that nobody used. Uses are noted at most every tenth of the
/// limit, so the effective limit is 90 to 100 % of the configured one. The **absolute limit** ends
/// a session however busy it is; only [`Session::sign_in`](crate::Session::sign_in) starts it
/// anew. Both are enforced from the record on the server, never by the expiry of a cookie
/// (ASVS 7.3.1, 7.3.2; NIST SP 800-63B-4).
///
/// Limits are kept in milliseconds and capped at a hundred years.
///
/// ```
/// use std::time::Duration;
/// use tower_session_layer::Lifetime;
///
/// let default = Lifetime::default();
/// assert_eq!(default.idle(), Duration::from_secs(30 * 60));
/// assert_eq!(default.absolute(), Duration::from_secs(12 * 60 * 60));
/// assert!(!default.is_persistent());
/// assert!(Lifetime::remembered().is_persistent());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    idle: Duration,
    absolute: Duration,
    persistent: bool,
}

impl Lifetime {
    /// A session that ends after `idle` without use, or `absolute` after it began; its cookie
    /// ends with the browser.
    #[must_use]
    pub const fn new(idle: Duration, absolute: Duration) -> Self {
        Self {
            idle: capped(idle),
            absolute: capped(absolute),
            persistent: false,
        }
    }

    /// "Remember me": 14 days idle, 60 days in all, and the cookie outlives the browser.
    #[must_use]
    pub const fn remembered() -> Self {
        Self::new(DAY.saturating_mul(14), DAY.saturating_mul(60)).persistent()
    }

    /// The limits that NIST SP 800-63B-4 §2.1.3 recommends at authentication assurance level 1: 30 days
    /// in all. (Limits alone make no assurance level.)
    #[must_use]
    pub const fn aal1() -> Self {
        Self::new(DAY.saturating_mul(30), DAY.saturating_mul(30))
    }

    /// The limits that NIST SP 800-63B-4 §2.2.3 recommends at authentication assurance level 2: an hour
    /// idle, 24 hours in all.
    #[must_use]
    pub const fn aal2() -> Self {
        Self::new(HOUR, DAY)
    }

    /// The limits of NIST SP 800-63B-4 §2.3.3 at authentication assurance level 3: 15 minutes idle, as it
    /// recommends, 12 hours in all, as it demands.
    #[must_use]
    pub const fn aal3() -> Self {
        Self::new(Duration::from_secs(15 * 60), HOUR.saturating_mul(12))
    }

    /// The same limits, with a cookie that outlives the browser (`Max-Age` on the cookie).
    #[must_use]
    pub const fn persistent(self) -> Self {
        Self {
            persistent: true,
            ..self
        }
    }

    /// The idle limit.
    #[must_use]
    pub const fn idle(&self) -> Duration {
        self.idle
    }

    /// The absolute limit.
    #[must_use]
    pub const fn absolute(&self) -> Duration {
        self.absolute
    }

    /// Whether the cookie outlives the browser.
    #[must_use]
    pub const fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// How long after a touch the next one is due.
    pub(crate) fn touch_interval(&self) -> Duration {
        (self.idle / 10).max(Duration::from_millis(1))
    }
}

impl Default for Lifetime {
    /// 30 minutes idle, 12 hours in all, and the cookie ends with the browser.
    fn default() -> Self {
        Self::new(Duration::from_secs(30 * 60), HOUR.saturating_mul(12))
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

const fn capped(limit: Duration) -> Duration {
    if limit.as_millis() > CENTURY.as_millis() {
        CENTURY
    } else {
        Duration::from_millis(limit.as_millis() as u64)
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = HOUR.saturating_mul(24);
const CENTURY: Duration = DAY.saturating_mul(36_525);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_saturate_and_the_future_counts_as_the_present() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(9).since(Timestamp(5)), Duration::from_millis(4));
        assert_eq!(
            Timestamp(u64::MAX).after(Duration::MAX),
            Timestamp(u64::MAX)
        );
    }

    #[test]
    fn times_survive_the_way_to_system_time_and_back() {
        let time = Timestamp(1_700_000_000_123);
        assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        let before_the_epoch = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(Timestamp::from(before_the_epoch), Timestamp(0));
    }

    #[test]
    fn limits_are_capped_at_a_century() {
        let endless = Lifetime::new(Duration::MAX, Duration::MAX);
        assert_eq!(endless.idle(), CENTURY);
        assert_eq!(endless.absolute(), CENTURY);
        let a_little_more = CENTURY + Duration::from_millis(1);
        assert_eq!(Lifetime::new(a_little_more, CENTURY).idle(), CENTURY);
    }
}
