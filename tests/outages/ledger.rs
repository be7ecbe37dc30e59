//! What must be stored, by what was answered.

/// What the only writer of a counter knows about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    low: u64,
    high: u64,
    /// How many that were answered as failed had happened.
    happened: u64,
}

impl Ledger {
    /// An increment was answered as saved.
    pub(crate) fn acknowledged(&mut self) {
        self.low += 1;
        self.high += 1;
    }

    /// An increment was answered as failed: it may have happened before that.
    pub(crate) fn failed(&mut self) {
        self.high += 1;
    }

    /// The counter was seen. What failed and has not happened by now never will.
    #[track_caller]
    pub(crate) fn seen(&mut self, counter: u64) {
        let Self {
            low,
            high,
            happened,
        } = *self;
        let can_be = (low..=high).contains(&counter);
        assert!(can_be, "{counter} is stored, and answered was {self:?}");
        *self = Self {
            low: counter,
            high: counter,
            happened: happened + counter - low,
        };
    }

    /// How many were answered as failed, and were found to have happened.
    pub(crate) fn happened(self) -> u64 {
        self.happened
    }
}
