//! Visitors who all ask at the same time, each again as soon as it is answered.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{
    BoxError,
    measure::{visitor::Visitor, workload::Workload},
};

/// What was seen of it from outside.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// How long each response took.
    pub(super) latencies: Vec<Duration>,
    /// How many responses had another status than 200.
    pub(super) errors: u64,
    pub(super) length: Duration,
}

impl Load {
    /// Lets all visitors ask for so long, and gives them back.
    pub(super) async fn put(
        visitors: Vec<Visitor>,
        workload: Workload,
        length: Duration,
    ) -> Result<(Vec<Visitor>, Self), BoxError> {
        let begin = Instant::now();
        let end = begin + length;
        let tasks = visitors.into_iter().map(|it| ask_until(end, it, workload));
        let mut tasks: JoinSet<_> = tasks.collect();
        let (mut visitors, mut load) = (Vec::new(), Self::default());
        while let Some(done) = tasks.join_next().await {
            let (visitor, latencies, errors) = done??;
            visitors.push(visitor);
            load.latencies.extend(latencies);
            load.errors += errors;
        }
        load.length = begin.elapsed();
        load.latencies.sort_unstable();
        Ok((visitors, load))
    }

    /// How long responses took, except for the slowest part of them.
    pub(super) fn latency(&self, part: f64) -> Duration {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

async fn ask_until(
    end: Instant,
    mut visitor: Visitor,
    workload: Workload,
) -> Result<(Visitor, Vec<Duration>, u64), BoxError> {
    let (method, path) = workload.request();
    let request = visitor.request(method, &path);
    let (mut latencies, mut errors) = (Vec::new(), 0);
    let mut sent = Instant::now();
    while sent < end {
        let status = visitor.exchange(&request).await?;
        let answered = Instant::now();
        latencies.push(answered - sent);
        errors += u64::from(status != 200);
        sent = answered;
    }
    Ok((visitor, latencies, errors))
}
