//! An app that reaches its Redis through a network that can fail.

use std::time::{Duration, Instant};

use session_test_support::{Browser, Proxy, Redis};
use tokio::time::sleep;
use tower_session_layer::{RedisStore, SessionLayer};

use crate::common::app::{App, app};

pub(crate) struct Site {
    pub(crate) redis: Redis,
    pub(crate) network: Proxy,
    /// Reaches Redis through the network.
    pub(crate) far: App,
    /// The same, on the same connections, with a deadline that a busy machine does not miss.
    pub(crate) patient: App,
    /// Reaches Redis whatever happens to the network.
    pub(crate) near: App,
    /// The same, in as much of a hurry as those who are far.
    pub(crate) near_in_haste: App,
}

impl Site {
    pub(crate) async fn on(redis: Redis, deadline: Duration) -> Self {
        let network = Proxy::to(&redis);
        let far = RedisStore::connect(&network.url()).await.unwrap();
        // What one store knows of an outage is no news for the other.
        let near = RedisStore::connect(&redis.url()).await.unwrap();
        let near_in_haste = RedisStore::connect(&redis.url()).await.unwrap();
        Self {
            far: app(&SessionLayer::new(far.clone().with_deadline(deadline))),
            patient: app(&SessionLayer::new(far.with_deadline(LENIENT))),
            near: app(&SessionLayer::new(near.with_deadline(PATIENCE))),
            near_in_haste: app(&SessionLayer::new(near_in_haste.with_deadline(deadline))),
            network,
            redis,
        }
    }

    /// A visitor without any cookie, close to Redis.
    pub(crate) fn visitor(&self) -> Browser<App> {
        Browser::new(self.near.clone())
    }

    /// Waits until everything that was sent has arrived, and is done.
    pub(crate) async fn settle(&self) {
        eventually("everything has arrived", async || {
            self.network.under_way() == 0
        })
        .await;
        // Who comes now is served after those that have come before.
        eventually("Redis serves", async || self.redis.cli(&["PING"]) == "PONG").await;
    }
}

/// Waits until something is so, and says how long it took.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed() < PATIENCE, "it never comes: {what}");
        sleep(Duration::from_millis(1)).await;
    }
    begin.elapsed()
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A commit that is not answered in half of it was sent where nobody answers.
pub(crate) const LENIENT: Duration = Duration::from_secs(5);
