//! What a visitor holds.

use std::pin::pin;
#[cfg(feature = "redis")]
use std::time::Duration;

use futures::future::{Either, select};
use http::Method;
#[cfg(feature = "redis")]
use session_test_support::Redis;
use session_test_support::{Browser, Jar, Page};
use tower_session_layer::SessionLayer;
#[cfg(feature = "redis")]
use tower_session_layer::{RedisStore, SessionId, SessionStore as _};

use crate::common::{
    app::{App, Gate, app},
    stores::Map,
};

pub(crate) const COOKIE: &str = "__Host-id";

/// The token in the visitor's cookie.
pub(crate) fn token(browser: &Browser<App>) -> String {
    browser.jar().get(COOKIE).unwrap()
}

/// The token that a page sets, if it sets a cookie.
pub(crate) fn issued(page: &Page) -> Option<String> {
    let jar = Jar::default();
    jar.take_in(&page.headers);
    jar.get(COOKIE)
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

/// Loads until the store answers.
#[cfg(feature = "redis")]
pub(crate) async fn until_it_answers(store: &RedisStore, id: &SessionId) {
    let answers = async {
        while store.load(id).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let answers = tokio::time::timeout(Duration::from_secs(10), answers).await;
    assert!(answers.is_ok(), "the store answers again");
}

/// Sends `path` up to its `wait`, then does `meanwhile`, then lets it go on.
///
/// A request that is answered before it comes there would be waited for in vain.
pub(crate) async fn with_pause(
    browser: &Browser<App>,
    path: &str,
    meanwhile: impl AsyncFnOnce(),
) -> Page {
    let gate = Gate::closed();
    let mut request = browser.request(Method::POST, path);
    request.extensions_mut().insert(gate.clone());
    let pause = async {
        gate.arrival().await;
        meanwhile().await;
        gate.open();
    };
    match select(pin!(browser.send(request)), pin!(pause)).await {
        Either::Left((page, _)) => panic!("{path} did not wait: {} {}", page.status, page.text),
        Either::Right(((), request)) => request.await,
    }
}

/// A visitor with a session in which `a` is 1, its store and its layer.
pub(crate) async fn visitor_of_map() -> (Browser<App>, Map, SessionLayer) {
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let browser = Browser::new(app(&layer));
    browser.get("/insert:a:1").await;
    store.calls();
    (browser, store, layer)
}
