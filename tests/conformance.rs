//! The laws of a store, over both stores.
#![cfg(all(feature = "conformance", any(feature = "memory", feature = "redis")))]
#![allow(clippy::unwrap_used)]

use tower_session_layer::store::conformance;

#[cfg(feature = "memory")]
#[tokio::test]
async fn memory_obeys_the_laws() {
    let store = tower_session_layer::MemoryStore::new();
    conformance::run(store.clone()).await;
    conformance::run_with_owners(store).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn redis_obeys_the_laws() {
    let redis = session_test_support::Redis::start();
    let store = tower_session_layer::RedisStore::connect(&redis.url()).await;
    let store = store.unwrap();
    conformance::run(store.clone()).await;
    conformance::run_with_owners(store).await;
}
