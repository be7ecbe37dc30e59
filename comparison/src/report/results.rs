//! Samples of all rounds, and their medians.

use crate::{
    contenders::Contender,
    measure::{Metric, Sample, workload::Workload},
};

/// What came of each round, by workload and contender.
#[derive(Debug, Default)]
pub(crate) struct Results(Vec<(Workload, Contender, Sample)>);

/// A median, and what it lies between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Results {
    /// Adds what the next round came to.
    pub(crate) fn add(&mut self, workload: Workload, contender: Contender, sample: Sample) {
        self.0.push((workload, contender, sample));
    }

    pub(crate) fn spread(
        &self,
        workload: Workload,
        contender: Contender,
        metric: Metric,
    ) -> Option<Spread> {
        Spread::of(self.of(workload, contender).map(metric).collect())
    }

    /// The median of the ratios within rounds.
    pub(crate) fn ratio(
        &self,
        workload: Workload,
        [contender, reference]: [Contender; 2],
        metric: Metric,
    ) -> Option<f64> {
        let rounds = self
            .of(workload, contender)
            .zip(self.of(workload, reference));
        let ratios = rounds.map(|(it, other)| metric(it) / metric(other));
        Some(Spread::of(ratios.collect())?.median)
    }

    /// How many requests failed.
    pub(crate) fn errors(&self, workload: Workload, contender: Contender) -> u64 {
        self.of(workload, contender)
            .map(|sample| sample.errors)
            .sum()
    }

    fn of(&self, workload: Workload, contender: Contender) -> impl Iterator<Item = &Sample> {
        let samples = self.0.iter();
        let samples = samples.filter(move |it| (it.0, it.1) == (workload, contender));
        samples.map(|(_, _, sample)| sample)
    }
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => (values.get(middle)? + values[middle - 1]) / 2.0,
        };
        Some(Self {
            median,
            least: *values.first()?,
            most: *values.last()?,
        })
    }
}
