//! What is measured, and for how long, as the environment says.

use std::{env, str::FromStr, time::Duration};

use crate::{BoxError, contenders::Contender, measure::workload::Workload};

/// What the environment can change.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// How long one measurement takes.
    pub(crate) length: Duration,
    /// How many requests are under way at any time.
    pub(crate) connections: usize,
    /// How many threads a server has for requests.
    pub(crate) workers: usize,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) workloads: Vec<Workload>,
}

impl Settings {
    /// Reads `ROUNDS`, `SECONDS_EACH`, `CONNECTIONS`, `WORKERS`, `CONTENDERS` and `WORKLOADS`.
    /// The last two are names with commas between them.
    pub(crate) fn from_environment(rounds: usize, seconds: f64) -> Result<Self, BoxError> {
        Ok(Self {
            rounds: number("ROUNDS", rounds)?,
            length: Duration::try_from_secs_f64(number("SECONDS_EACH", seconds)?)?,
            connections: number("CONNECTIONS", 64)?,
            workers: number("WORKERS", 1)?,
            contenders: list("CONTENDERS", &Contender::ALL, Contender::named)?,
            workloads: list("WORKLOADS", &Workload::ALL, Workload::named)?,
        })
    }
}

fn number<T: FromStr>(name: &str, default: T) -> Result<T, BoxError> {
    let Ok(text) = env::var(name) else {
        return Ok(default);
    };
    text.parse()
        .map_err(|_| format!("{name} is `{text}`").into())
}

fn list<T: Clone>(
    name: &str,
    all: &[T],
    named: impl Fn(&str) -> Result<T, BoxError>,
) -> Result<Vec<T>, BoxError> {
    match env::var(name) {
        Ok(names) => names.split(',').map(named).collect(),
        Err(_) => Ok(all.to_vec()),
    }
}
