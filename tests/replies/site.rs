//! A visitor on a Redis, and how the Redis is reached.

use std::time::Duration;

use http::StatusCode;
use session_test_support::{Browser, Page, Redis, wait_until};
use tokio::time::{sleep, timeout};
use tower_session_layer::{RedisStore, SessionLayer};

use crate::common::app::{App, app};

/// Sessions in this Redis, with patience for a busy machine.
pub(crate) async fn layer_at(url: &str) -> SessionLayer {
    layer_within(PATIENCE, url).await
}

/// Sessions in this Redis, which is to be given up soon.
pub(crate) async fn hasty_layer_at(url: &str) -> SessionLayer {
    layer_within(HASTE, url).await
}

async fn layer_within(deadline: Duration, url: &str) -> SessionLayer {
    let store = RedisStore::connect(url).await.unwrap();
    SessionLayer::new(store.with_deadline(deadline))
}

/// A visitor who comes to the Redis at this URL.
pub(crate) async fn visitor_at(url: &str) -> Browser<App> {
    Browser::new(app(&layer_at(url).await))
}

/// The URL of a user of Redis.
pub(crate) fn url_of(redis: &Redis, user: &str, password: &str) -> String {
    format!("{}?user={user}&pass={password}", redis.url())
}

/// Visits a page until it is served again.
pub(crate) async fn served(browser: &Browser<App>, path: &str) -> Page {
    let served = async {
        loop {
            let page = browser.get(path).await;
            if page.status == StatusCode::OK {
                return page;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(FOR_EVER, served).await.unwrap()
}

/// Waits until what Redis says contains `expected`.
pub(crate) fn wait_for(redis: &Redis, arguments: &[&str], expected: &str) {
    wait_until(expected, || redis.cli(arguments).contains(expected));
}

/// What `redis-cli` prints, where it does not matter.
pub(crate) fn tell(redis: &Redis, line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let said = redis.cli(&words);
    assert!(!said.contains("ERR"), "{line}: {said}");
}

const PAUSE: Duration = Duration::from_millis(20);
/// Nothing is expected to take so long.
const FOR_EVER: Duration = Duration::from_secs(60);
const HASTE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);
