//! The Redis store when Redis is cut off or silent, and what it tells of that.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    error::Error as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use bb8::Pool;
use common::{
    app::{app, handled},
    visitor::{COOKIE, layer_on, until_it_answers, visitor_on},
};
use http::StatusCode;
use session_test_support::{Browser, Fault, Proxy, Redis};
use tower_session_layer::{
    RedisStore, Session, SessionId, SessionLayer, SessionStore as _,
    store::redis::{Connector, Watched},
};

#[tokio::test]
async fn killed_connections_are_replaced_and_no_read_fails() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/insert:a:1").await;
    for _ in 0..10 {
        let _ = redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        for _ in 0..4 {
            let page = browser.get("/get:a").await;
            assert_eq!((page.status, &*page.text), (StatusCode::OK, "1"));
        }
    }
    assert_eq!(browser.get("/update_now:n").await.text, "1");
}

/// As after a restart of Redis at night: nobody has noticed that the connections are cut.
#[tokio::test]
async fn the_first_visit_after_all_idle_connections_were_cut_is_saved() {
    let redis = Redis::start();
    let pool = async || {
        let pool = Pool::builder().max_size(4).min_idle(4);
        let connector = Connector::open(&redis.url()).unwrap();
        pool.build(Watched::new(connector)).await.unwrap()
    };
    let store = RedisStore::new(pool().await);
    let waiting = store.clone().wait_for_replicas(0, pool().await);
    for store in [store, waiting] {
        let layer = SessionLayer::new(store.clone());
        for _ in 0..2 {
            let page = Browser::new(app(&layer)).get("/insert:a:1").await;
            assert_eq!(page.status, StatusCode::OK);
            let _ = redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
    }
}

#[tokio::test]
async fn an_outage_is_answered_and_harms_no_cookie() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/insert:a:1").await;
    let cookie = browser.jar().get(COOKIE);
    drop(redis);
    for path in ["/get:a", "/insert:a:2", "/destroy"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(
            (page.set_cookie(), page.header("retry-after")),
            (None, Some("1"))
        );
    }
    assert_eq!(browser.jar().get(COOKIE), cookie);
}

#[tokio::test]
async fn connections_that_a_network_swallowed_are_replaced() {
    let redis = Redis::start();
    let network = Proxy::to(&redis);
    let store = RedisStore::connect(&network.url()).await.unwrap();
    let store = store.with_deadline(Duration::from_millis(100));
    let id: SessionId = "0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11".parse().unwrap();
    for _ in 0..3 {
        store.load(&id).await.unwrap();
    }
    network.begin(Fault::Forgotten);
    until_it_answers(&store, &id).await;
    for _ in 0..20 {
        store.load(&id).await.unwrap();
    }
    let statistics = store.pool().state().statistics;
    assert!(statistics.connections_closed_broken > 0, "{statistics:?}");
}

#[tokio::test]
async fn a_silent_redis_is_given_up_at_the_deadline_and_serves_again_afterwards() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/insert:a:1").await;
    let id: SessionId = browser.get("/id").await.text.parse().unwrap();
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    let hasty = store.with_deadline(Duration::from_millis(50));
    redis.pause();
    let error = hasty.load(&id).await.unwrap_err();
    assert_eq!(error.to_string(), "redis did not answer in time");
    let page = browser.get("/get:a").await;
    assert_eq!(
        (page.status, page.set_cookie()),
        (StatusCode::SERVICE_UNAVAILABLE, None)
    );
    redis.resume();
    assert_eq!(browser.get("/get:a").await.text, "1");
    assert!(hasty.load(&id).await.unwrap().is_some());
}

/// Redis repeats arguments in what it says, and those are values.
#[tokio::test]
async fn of_what_redis_says_only_the_code_reaches_an_error() {
    let redis = Redis::start();
    let causes = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&causes);
    let handler = move |session: Session| {
        let tell = Arc::clone(&tell);
        async move {
            session.insert("a", "confidential").unwrap();
            let error = session.commit().await.unwrap_err();
            let mut cause = error.source();
            while let Some(error) = cause {
                tell.lock().unwrap().push(error.to_string());
                cause = error.source();
            }
            StatusCode::OK
        }
    };
    let browser = Browser::new(handled(&layer_on(&redis).await, handler));
    let _ = redis.cli(&["ACL", "SETUSER", "default", "-evalsha"]);
    assert_eq!(
        browser.get("/").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        *causes.lock().unwrap(),
        ["redis failed", "redis answered NOPERM"]
    );
}
