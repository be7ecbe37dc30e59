//! Stores to run a story on: one of the tests' own, and whichever the features bring.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
#[cfg(feature = "redis")]
use tower_session_layer::store::redis::Connector;
use tower_session_layer::{
    SessionId, SessionLayer, SessionStore,
    store::{Applied, CommitAnswer, Delta, StoreError},
};

use crate::common::app::Gate;

/// A store with its name, and what must live as long as it is used.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) layer: SessionLayer,
    /// The same sessions as another server has them.
    pub(crate) elsewhere: SessionLayer,
    /// Where the sessions are, if they are in a Redis that ends with this.
    #[cfg(feature = "redis")]
    pub(crate) redis: Option<session_test_support::Redis>,
}

/// Every store that the features allow.
pub(crate) async fn stores() -> Vec<Subject> {
    stores_within(PATIENCE).await
}

/// Every store that the features allow, with this deadline where there is one.
#[cfg_attr(not(feature = "redis"), allow(unused_variables))]
pub(crate) async fn stores_within(deadline: Duration) -> Vec<Subject> {
    vec![
        Subject::here("own", Map::default()),
        #[cfg(feature = "memory")]
        Subject::here("memory", tower_session_layer::MemoryStore::new()),
        #[cfg(feature = "redis")]
        {
            let redis = session_test_support::Redis::start();
            let subject = Subject::within(deadline, &redis.url(), &redis.url()).await;
            Subject {
                redis: Some(redis),
                ..subject
            }
        },
    ]
}

impl Subject {
    /// A store whose clones share everything.
    pub(crate) fn here(name: &'static str, store: impl SessionStore + Clone) -> Self {
        Self {
            name,
            layer: SessionLayer::new(store.clone()),
            elsewhere: SessionLayer::new(store),
            #[cfg(feature = "redis")]
            redis: None,
        }
    }

    /// Two stores that have nothing in common but a Redis, each with its own way to it.
    #[cfg(feature = "redis")]
    pub(crate) async fn on(url: &str, elsewhere: &str) -> Self {
        Self::within(PATIENCE, url, elsewhere).await
    }

    /// Two stores that have nothing in common but where this leads.
    #[cfg(feature = "redis")]
    pub(crate) async fn through(name: &'static str, connector: &Connector) -> Self {
        Self::at(name, PATIENCE, [connector.clone(), connector.clone()]).await
    }

    #[cfg(feature = "redis")]
    async fn within(deadline: Duration, url: &str, elsewhere: &str) -> Self {
        let ways = [url, elsewhere].map(|url| Connector::open(url).unwrap());
        Self::at("redis", deadline, ways).await
    }

    #[cfg(feature = "redis")]
    async fn at(name: &'static str, deadline: Duration, ways: [Connector; 2]) -> Self {
        let layer = async |way: Connector| {
            let store = tower_session_layer::RedisStore::connect_to(way).await;
            SessionLayer::new(store.unwrap().with_deadline(deadline))
        };
        let [here, elsewhere] = ways;
        Self {
            name,
            layer: layer(here).await,
            elsewhere: layer(elsewhere).await,
            redis: None,
        }
    }
}

/// What a user of Redis must be allowed, as the documentation says.
#[cfg(feature = "redis")]
pub(crate) const LEAST_PERMISSIONS: &str = "~session:* +get +set +del +time +eval +evalsha";

/// What it must be allowed besides, where sessions have owners.
#[cfg(feature = "redis")]
pub(crate) const PERMISSIONS_FOR_OWNERS: &str =
    "+zadd +zrem +zcount +zscore +zrangebyscore +zremrangebyscore +pexpire +pttl";

/// A busy machine is no fault of the store.
const PATIENCE: Duration = Duration::from_secs(10);

/// The simplest store there is, which counts its calls, can fail on demand and whose records can
/// be tampered with. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Map {
    records: Arc<Mutex<HashMap<SessionId, Bytes>>>,
    pub(crate) loads: Arc<AtomicUsize>,
    pub(crate) commits: Arc<AtomicUsize>,
    pub(crate) fails_to_load: Arc<AtomicBool>,
    pub(crate) fails_to_commit: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Map {
    /// How many loads and commits there were since the last time.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (take(&self.loads), take(&self.commits))
    }

    /// Lets every commit from now on wait at a gate.
    pub(crate) fn hold_commits(&self) -> Gate {
        let gate = Gate::closed();
        *self.gate.lock().unwrap() = Some(gate.clone());
        gate
    }

    pub(crate) fn tamper(&self, with: impl Fn(&mut Vec<u8>)) {
        for record in self.records.lock().unwrap().values_mut() {
            let mut bytes = record.to_vec();
            with(&mut bytes);
            *record = bytes.into();
        }
    }

    /// Changes the record of one session.
    pub(crate) fn tamper_with(&self, id: &SessionId, with: impl Fn(&mut Vec<u8>)) {
        let mut records = self.records.lock().unwrap();
        let mut bytes = records[id].to_vec();
        with(&mut bytes);
        records.insert(*id, bytes.into());
    }

    /// Every delta and what it came to, as their `Debug` shows them.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn records(&self) -> Vec<Bytes> {
        self.records.lock().unwrap().values().cloned().collect()
    }
}

impl SessionStore for Map {
    async fn load(&self, id: &SessionId) -> Result<Option<Bytes>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        fail_if(&self.fails_to_load)?;
        Ok(self.records.lock().unwrap().get(id).cloned())
    }

    async fn commit(&self, id: &SessionId, delta: &Delta) -> Result<CommitAnswer, StoreError> {
        // Stores take their time, and others get their turn meanwhile.
        tokio::task::yield_now().await;
        self.commits.fetch_add(1, Ordering::SeqCst);
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        fail_if(&self.fails_to_commit)?;
        let mut records = self.records.lock().unwrap();
        let applied = delta.apply(records.get(id).cloned())?;
        let seen = format!("{delta:?} {applied:?} {records:?}", records = records.len());
        self.seen.lock().unwrap().push(seen);
        Ok(match applied {
            Applied::Keep(answer) => answer,
            Applied::Write { record, .. } => {
                records.insert(*id, record);
                CommitAnswer::Committed
            }
        })
    }
}

fn fail_if(fails: &AtomicBool) -> Result<(), StoreError> {
    match fails.load(Ordering::SeqCst) {
        true => Err(StoreError::new("the store is down").with_source("for a test")),
        false => Ok(()),
    }
}
