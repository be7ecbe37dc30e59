//! A Redis that is known to be down is not asked, and one that is back is noticed.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use bb8::Pool;
use common::{
    app::app,
    visitor::{COOKIE, until_it_answers},
};
use futures::future::{join, join_all};
use http::StatusCode;
use session_test_support::{Browser, Redis};
use tokio::time::timeout;
use tower_session_layer::{
    RedisStore, SessionId, SessionLayer, SessionStore as _,
    store::redis::{Connector, Watched},
};

const DOWN: &str = "redis is down, and was not asked";

async fn store_on(redis: &Redis) -> RedisStore {
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    store.with_deadline(Duration::from_millis(200))
}

fn some_id() -> SessionId {
    "0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11".parse().unwrap()
}

/// What a load says, if it fails.
async fn complaint(store: &RedisStore) -> Option<String> {
    Some(store.load(&some_id()).await.err()?.to_string())
}

async fn complaints_at_once(store: &RedisStore) -> Vec<Option<String>> {
    join_all((0..50).map(|_| complaint(store))).await
}

#[tokio::test]
async fn after_three_operations_in_vain_the_others_fail_at_once() {
    let redis = Redis::start();
    let store = store_on(&redis).await;
    redis.pause();
    for _ in 0..3 {
        let complaint = complaint(&store).await.unwrap();
        assert_eq!(complaint, "redis did not answer in time");
    }
    let down = Some(DOWN.to_owned());
    assert_eq!(complaints_at_once(&store).await, vec![down.clone(); 50]);
    assert_eq!(complaint(&store.clone()).await, down, "clones know it, too");
    redis.resume();
    until_it_answers(&store, &some_id()).await;
    assert_eq!(complaints_at_once(&store).await, vec![None; 50]);
}

/// As when a server is replaced by a fresh one.
#[tokio::test]
async fn connections_that_broke_meanwhile_are_replaced_before_the_outage_is_over() {
    let redis = Redis::start();
    let store = store_on(&redis).await;
    for _ in 0..4 {
        assert_eq!(complaints_at_once(&store).await, vec![None; 50]);
        redis.pause();
        while complaint(&store).await.as_deref() != Some(DOWN) {}
        redis.resume();
        redis.cut();
        until_it_answers(&store, &some_id()).await;
    }
}

#[tokio::test]
async fn one_moment_of_silence_is_no_outage() {
    let redis = Redis::start();
    let store = store_on(&redis).await;
    redis.pause();
    let complaints = complaints_at_once(&store).await;
    assert!(complaints.iter().all(Option::is_some));
    redis.resume();
    until_it_answers(&store, &some_id()).await;
    redis.pause();
    let complaint = complaint(&store).await.unwrap();
    assert_ne!(complaint, DOWN, "the count begins anew");
    redis.resume();
}

#[tokio::test]
async fn visitors_are_told_at_once_and_keep_their_cookies() {
    let redis = Redis::start();
    let store = store_on(&redis).await;
    let browser = Browser::new(app(&SessionLayer::new(store.clone())));
    browser.get("/insert:a:1").await;
    let cookie = browser.jar().get(COOKIE);
    redis.pause();
    while complaint(&store).await.as_deref() != Some(DOWN) {}
    for path in ["/get:a", "/insert:a:2", "/destroy", "/sign_in"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(
            (page.set_cookie(), page.header("retry-after")),
            (None, Some("1"))
        );
    }
    let visitor = Browser::new(app(&SessionLayer::new(store.clone())));
    let page = visitor.get("/").await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "who has no cookie needs no store"
    );
    assert_eq!(browser.jar().get(COOKIE), cookie);
    redis.resume();
    until_it_answers(&store, &some_id()).await;
    assert_eq!(browser.get("/get:a").await.text, "1");
}

/// The runtime in which an outage was noticed may end before the outage.
#[test]
fn an_outage_that_nobody_waits_for_any_more_is_forgotten() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let redis = Redis::start();
    let first = runtime().unwrap();
    let store = first.block_on(store_on(&redis));
    redis.pause();
    first.block_on(async { while complaint(&store).await.as_deref() != Some(DOWN) {} });
    drop(first);
    let complaint = runtime().unwrap().block_on(complaint(&store));
    assert_ne!(complaint.unwrap(), DOWN);
    redis.resume();
}

/// A command on a connection that was cut would have to wait until it is certain not to happen.
#[tokio::test]
async fn with_resp3_a_connection_that_is_cut_while_idle_is_replaced_before_it_is_used() {
    let redis = Redis::start();
    let url = format!("{}?protocol=resp3", redis.url());
    let store = RedisStore::connect(&url).await.unwrap();
    let patient = store.clone().with_deadline(Duration::from_secs(60));
    let layer = SessionLayer::new(patient);
    for _ in 0..5 {
        redis.cut();
        // What the system tells of the sockets afterwards, it tells after this.
        let other = RedisStore::connect(&redis.url()).await.unwrap();
        assert_eq!(complaint(&other).await, None);
        // It begins with a commit.
        let visitor = Browser::new(app(&layer));
        let page = timeout(Duration::from_secs(20), visitor.get("/insert:b:1"));
        assert_eq!(page.await.unwrap().status, StatusCode::OK);
    }
}

/// A client, or a layer with a timeout, may lose patience long before the store does.
#[tokio::test]
async fn who_loses_patience_notices_an_outage_as_well() {
    let redis = Redis::start();
    let store = store_on(&redis)
        .await
        .with_deadline(Duration::from_secs(60));
    redis.pause();
    for _ in 0..3 {
        let patience = Duration::from_millis(150);
        assert!(timeout(patience, store.load(&some_id())).await.is_err());
    }
    assert_eq!(complaint(&store).await.as_deref(), Some(DOWN));
    redis.resume();
    until_it_answers(&store, &some_id()).await;
}

/// That all connections that wait for replicas are taken says nothing of Redis.
#[tokio::test]
async fn who_gets_no_connection_does_not_end_an_outage() {
    let redis = Redis::start();
    let connector = Connector::open(&redis.url()).unwrap();
    let one = Pool::builder().max_size(1).build(Watched::new(connector));
    let one = one.await.unwrap();
    let store = store_on(&redis).await.wait_for_replicas(0, one.clone());
    let patient = store.clone().with_deadline(Duration::from_secs(2));
    let taken = one.get().await.unwrap();
    redis.pause();
    let visitor = Browser::new(app(&SessionLayer::new(patient)));
    let (page, ()) = join(visitor.get("/insert:a:1"), async {
        while complaint(&store).await.as_deref() != Some(DOWN) {}
    })
    .await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(complaint(&store).await.as_deref(), Some(DOWN));
    drop(taken);
}
