//! Times in words.

use std::time::{Duration, SystemTime};

/// From the earlier to the later.
pub(crate) fn between(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// "90 seconds", "12 hours": in the largest unit of which there are two.
pub(crate) fn in_words(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    let mut units = UNITS.into_iter();
    match units.find(|(length, _)| (seconds / length).round() >= 2.0) {
        Some((length, unit)) => format!("{:.0} {unit}", (seconds / length).round()),
        None => "a moment".into(),
    }
}

const UNITS: [(f64, &str); 4] = [
    (86_400.0, "days"),
    (3_600.0, "hours"),
    (60.0, "minutes"),
    (1.0, "seconds"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_largest_unit_of_which_there_are_two() {
        let rows = [
            (0.2, "a moment"),
            (1.6, "2 seconds"),
            (89.0, "89 seconds"),
            (90.0, "2 minutes"),
            (1_799.8, "30 minutes"),
            (43_200.0, "12 hours"),
            (5_184_000.0, "60 days"),
        ];
        for (seconds, words) in rows {
            assert_eq!(in_words(Duration::from_secs_f64(seconds)), words);
        }
    }
}
