//! What a response promises is stored before it is sent, however far away the store is.
#![cfg(feature = "redis")]

use std::time::{Duration, Instant};

use http::StatusCode;
use session_test_support::{Fault, Proxy, Redis};
use tower_session_layer::SessionLayer;

use crate::common::{
    duo::Duo,
    stores::Subject,
    visitor::{COOKIE, issued},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_a_redirect_finds_what_was_set_300_milliseconds_from_redis() {
    let redis = Redis::start();
    let network = Proxy::to(&redis);
    // Who follows is served close to Redis: whatever was sent too early would be missing there.
    let subject = Subject::on(&network.url(), &redis.url()).await;
    let duo = Duo::serve(subject, SessionLayer::clone).await;
    let [far, near] = duo.visitor();
    let latency = Duration::from_millis(300);
    network.begin(Fault::Latency(latency / 2));
    let rows = [
        ("/insert:a:1/redirect:get:a", "1", 1),
        ("/insert:a:2/redirect:get:a", "2", 2),
        ("/update:n/redirect:get:n", "1", 2),
        ("/sign_in/redirect:is_authenticated", "true", 2),
        ("/renew/redirect:get:a", "2", 2),
        ("/destroy/redirect:is_new", "true", 2),
    ];
    for (path, expected, commands) in rows {
        let old = far.jar().get(COOKIE);
        let begin = Instant::now();
        let page = far.get(path).await;
        assert!(begin.elapsed() >= commands * latency, "Redis is far away");
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        let target = near.get(page.header("location").unwrap()).await;
        assert_eq!(target.text, expected, "{path}");
        // Tokens that were replaced are dead there as well.
        if let (Some(old), Some(_)) = (old, issued(&page)) {
            let seen = crate::common::duo::seen_with(&old, &near, "/is_new").await;
            assert_eq!(seen, "true", "{path}");
        }
    }
}
