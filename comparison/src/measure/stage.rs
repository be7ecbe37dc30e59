//! Redis and the servers, all running; one of them is asked at a time.

use std::time::Duration;

use crate::{
    BoxError,
    contenders::Contender,
    content::FIRST,
    measure::{
        Sample,
        load::Load,
        process::Server,
        redis::Redis,
        sample::Reading,
        visitor::Visitor,
        workload::{Action, Workload, write},
    },
};

/// All that runs. It ends when this is dropped.
pub(crate) struct Stage {
    pub(super) redis: Redis,
    servers: Vec<(Contender, Server)>,
}

/// How one measurement is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) connections: usize,
    pub(crate) length: Duration,
    /// How many other sessions there are.
    pub(crate) others: usize,
}

impl Stage {
    pub(crate) fn set(contenders: &[Contender], workers: usize) -> Result<Self, BoxError> {
        let redis = Redis::start()?;
        let url = redis.url();
        let start = |it: &Contender| Ok((*it, Server::start(*it, &url, workers)?));
        let servers: Result<Vec<_>, BoxError> = contenders.iter().map(start).collect();
        Ok(Self {
            redis,
            servers: servers?,
        })
    }

    pub(crate) fn redis_version(&self) -> &str {
        &self.redis.version
    }

    /// Measures one contender on one workload, with new sessions in a Redis without any others.
    pub(crate) async fn sample(
        &mut self,
        contender: Contender,
        workload: Workload,
        conditions: Conditions,
    ) -> Result<Sample, BoxError> {
        self.redis.clear()?;
        self.redis.populate(conditions.others)?;
        let mut visitors = Vec::new();
        for _ in 0..conditions.connections {
            visitors.push(self.visitor(contender, workload).await?);
        }
        let warm_up = conditions.length / 4;
        let (visitors, warm) = Load::put(visitors, workload, warm_up).await?;
        let before = self.reading(contender)?;
        let (visitors, load) = Load::put(visitors, workload, conditions.length).await?;
        let sample = Sample::new(&load, before, self.reading(contender)?);
        if workload.action == Action::Increment {
            let increments = (warm.latencies.len() + load.latencies.len()) as u64;
            all_counted(visitors, increments).await?;
        }
        Ok(sample)
    }

    /// Somebody with the session that a workload needs.
    pub(super) async fn visitor(
        &self,
        contender: Contender,
        workload: Workload,
    ) -> Result<Visitor, BoxError> {
        let mut visitor = Visitor::connect(self.server(contender)?.address).await?;
        if let Some(content) = workload.session {
            visitor.ask("POST", &write(content)).await?;
        }
        Ok(visitor)
    }

    fn reading(&mut self, contender: Contender) -> Result<Reading, BoxError> {
        Ok(Reading {
            server: self.server(contender)?.process.processor_time()?,
            redis: self.redis.processor_time()?,
            counts: self.redis.counts()?,
        })
    }

    fn server(&self, contender: Contender) -> Result<&Server, BoxError> {
        let found = self.servers.iter().find(|(it, _)| *it == contender);
        let (_, server) = found.ok_or("a server that was not started")?;
        Ok(server)
    }
}

/// Each visitor was alone in its session, so that none of its increments may be missing.
async fn all_counted(visitors: Vec<Visitor>, increments: u64) -> Result<(), BoxError> {
    let mut counted = 0;
    for mut visitor in visitors {
        counted += visitor.ask("GET", "/read").await?.parse::<u64>()? - FIRST;
    }
    match counted == increments {
        true => Ok(()),
        false => Err(format!("{increments} increments made {counted}").into()),
    }
}
