//! Commits that Redis gets late, or whose replies get lost: they happen once, or not at all.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::app,
    visitor::{layer_on, visitor_on, with_pause},
};
use futures::future::join;
use http::StatusCode;
use session_test_support::{Browser, Fault, Proxy, Redis};
use tower_session_layer::{RedisStore, SessionLayer, store::redis::Watched};

#[tokio::test]
async fn a_commit_that_was_answered_as_failed_does_not_happen_later() {
    let redis = Redis::start();
    let browser = visitor_on(&redis).await;
    browser.get("/update_now:n").await;
    let _ = redis.cli(&["CONFIG", "RESETSTAT"]);
    let paths = [
        "/wait/update:n",
        "/wait/sign_in",
        "/wait/renew",
        "/wait/destroy",
    ];
    for path in paths {
        let page = with_pause(&browser, path, async || redis.pause()).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        redis.resume();
        // Whoever asks after it is answered after it.
        let page = browser.get("/get_number:n").await;
        assert_eq!(page.text, "Some(1)", "{path}");
    }
    let calls = redis.calls("evalsha");
    assert_eq!(
        calls,
        paths.len() as u64,
        "each was there, and refused itself"
    );
}

/// Twice in a row, so that another connection of the pool is hit as well.
const LOSSES: usize = 2;

#[tokio::test]
async fn a_commit_whose_reply_is_lost_happens_once() {
    let redis = Redis::start();
    let network = Proxy::to(&redis);
    let store = RedisStore::connect(&network.url()).await.unwrap();
    let browser = Browser::new(app(&SessionLayer::new(store)));
    let sound = browser.at(app(&layer_on(&redis).await));
    browser.get("/update_now:n").await;
    for (path, total) in [
        ("/wait/update:n", 3),
        ("/wait/update_now:n", 5),
        ("/wait/update:n/sign_in", 7),
    ] {
        for loss in 1..=LOSSES {
            let lose = async || network.next(1, Fault::CutReply(0));
            let page = with_pause(&browser, path, lose).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {loss}");
        }
        let seen = sound.get("/get_number:n").await.text;
        assert_eq!(
            seen,
            format!("Some({total})"),
            "{path}: the cookie is the one that is stored"
        );
    }
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_not_made_again_if_others_came_since() {
    let redis = Redis::start();
    let network = Proxy::to(&redis);
    let store = RedisStore::connect(&network.url()).await.unwrap();
    let browser = Browser::new(app(&SessionLayer::new(store)));
    let sound = browser.at(app(&layer_on(&redis).await));
    browser.get("/number:n:1").await;
    let scripts = || redis.calls("evalsha");
    let before = scripts();
    let slow = with_pause(&browser, "/wait/update:n", async || {
        network.next(1, Fault::CutReply(0))
    });
    let meanwhile = async {
        while scripts() == before {
            tokio::task::yield_now().await;
        }
        // Now it has happened; and before it is sent again, it is undone.
        sound.get("/number:n:1").await
    };
    let (page, _) = join(slow, meanwhile).await;
    assert_eq!(
        page.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "it cannot be told"
    );
    assert_eq!(sound.get("/get_number:n").await.text, "Some(1)");
}

#[tokio::test]
async fn the_first_copy_of_a_commit_that_was_sent_again_does_not_happen_after_it() {
    let redis = Redis::start();
    let network = Proxy::to(&redis);
    let store = RedisStore::connect(&network.url()).await.unwrap();
    let browser = Browser::new(app(&SessionLayer::new(store)));
    let sound = browser.at(app(&layer_on(&redis).await));
    browser.get("/insert:a:1").await;
    let page = with_pause(&browser, "/wait/insert:a:2", async || {
        network.next(1, Fault::Detained)
    })
    .await;
    assert_eq!(page.status, StatusCode::OK, "it was sent again");
    sound.get("/insert:a:3").await;
    let before = redis.calls("evalsha");
    network.release();
    while redis.calls("evalsha") == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        sound.get("/get:a").await.text,
        "3",
        "nothing comes after it"
    );
}

#[tokio::test]
async fn where_the_clock_of_redis_is_unknown_the_first_commit_asks_for_it() {
    let redis = Redis::start();
    let manager = bb8_redis::RedisConnectionManager::new(redis.url()).unwrap();
    let pool = bb8::Pool::builder().build(Watched::new(manager)).await;
    let layer = SessionLayer::new(RedisStore::new(pool.unwrap()));
    let browser = Browser::new(app(&layer));
    let scripts = || redis.calls("evalsha") + redis.calls("eval");
    for calls in [3, 4, 5] {
        browser.get("/insert:a:1").await;
        assert_eq!(
            scripts(),
            calls,
            "unknown script, refused as late, and then one each"
        );
    }
    assert_eq!(browser.get("/get:a").await.text, "1");
}
