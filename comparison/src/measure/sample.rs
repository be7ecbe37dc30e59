//! What one measurement shows.

use std::time::Duration;

use crate::measure::{load::Load, redis::Counts};

/// Costs are those of one request; times are in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// What the processors spent on the server.
    pub(crate) cpu: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) redis_commands: f64,
    pub(crate) redis_bytes: f64,
    pub(crate) redis_cpu: f64,
    pub(crate) errors: u64,
}

/// Something that is measured.
pub(crate) type Metric = fn(&Sample) -> f64;

/// What had been counted at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) server: Duration,
    pub(super) redis: Duration,
    pub(super) counts: Counts,
}

impl Sample {
    pub(super) fn new(load: &Load, before: Reading, after: Reading) -> Self {
        let requests = load.latencies.len() as f64;
        let each = |count: u64| count as f64 / requests;
        Self {
            cpu: microseconds(after.server - before.server) / requests,
            requests_per_second: requests / load.length.as_secs_f64(),
            p50: microseconds(load.latency(0.5)),
            p99: microseconds(load.latency(0.99)),
            redis_commands: each(after.counts.commands - before.counts.commands),
            redis_bytes: each(after.counts.bytes - before.counts.bytes),
            redis_cpu: microseconds(after.redis - before.redis) / requests,
            errors: load.errors,
        }
    }
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
