//! What a visitor holds.

use session_test_support::Browser;
#[cfg(feature = "redis")]
use session_test_support::Redis;
#[cfg(feature = "redis")]
use tower_session_layer::{RedisStore, SessionLayer};

use crate::common::app::App;
#[cfg(feature = "redis")]
use crate::common::app::app;

pub(crate) const COOKIE: &str = "__Host-id";

/// The token in the visitor's cookie.
pub(crate) fn token(browser: &Browser<App>) -> String {
    browser.jar().get(COOKIE).unwrap()
}

/// Sessions in this Redis.
#[cfg(feature = "redis")]
pub(crate) async fn layer_on(redis: &Redis) -> SessionLayer {
    SessionLayer::new(RedisStore::connect(&redis.url()).await.unwrap())
}

/// A visitor of the app on this Redis.
#[cfg(feature = "redis")]
pub(crate) async fn visitor_on(redis: &Redis) -> Browser<App> {
    Browser::new(app(&layer_on(redis).await))
}
