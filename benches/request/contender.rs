//! Those whose requests are counted.

use tokio::{runtime::Builder, task::unconstrained};
use tower_session_layer::{MemoryStore, SessionLayer};

use crate::{BoxError, faked, ours, peer, scenario::Scenario};

/// A layer on a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    MemoryStore,
    RedisStore,
    TowerSessions,
}

impl Contender {
    pub(crate) const OURS: [Self; 2] = [Self::MemoryStore, Self::RedisStore];
    pub(crate) const ALL: [Self; 3] = [Self::MemoryStore, Self::RedisStore, Self::TowerSessions];

    /// Its name, in arguments and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MemoryStore => "MemoryStore",
            Self::RedisStore => "RedisStore",
            Self::TowerSessions => "tower-sessions",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, BoxError> {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| format!("there is no contender `{name}`").into())
    }

    pub(crate) fn is_ours(self) -> bool {
        self != Self::TowerSessions
    }

    /// Whether it has something to do where a scenario says so.
    pub(crate) fn has(self, scenario: Scenario) -> bool {
        self.is_ours() || peer::has(scenario)
    }

    /// Sends requests of one kind, with or without a layer.
    pub(crate) fn run(self, scenario: Scenario, layered: bool, times: u64) -> Result<(), BoxError> {
        run(async {
            match self {
                Self::MemoryStore => ours::run(in_memory(), scenario, layered, times).await,
                Self::RedisStore => ours::run(in_redis().await?, scenario, layered, times).await,
                Self::TowerSessions => peer::run(scenario, layered, times).await,
            }
        })
    }
}

pub(crate) fn in_memory() -> SessionLayer {
    SessionLayer::new(MemoryStore::new())
}

pub(crate) async fn in_redis() -> Result<SessionLayer, BoxError> {
    Ok(SessionLayer::new(faked::store().await?))
}

/// Runs on a runtime of this thread, without the pauses that it makes for other tasks.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(unconstrained(work))
}
