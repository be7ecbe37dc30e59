//! The server while Redis is down, and what its log tells.

use std::time::{Duration, Instant};

use http::{
    Request,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use http_body::Body as _;
use http_body_util::Full;
use session_test_support::{Redis, assert_tells_no_secret};
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::visitor::{Visitor, connect, serve};

#[tokio::test]
async fn without_redis_calls_are_unavailable_at_once_and_no_cookie_is_touched() {
    let redis = Redis::start();
    let (_server, address) = serve(Some(&redis));
    let visitor = Visitor::new(address).await;
    assert_eq!(visitor.visit().await, Ok(1));
    drop(redis);

    let cookie = visitor.cookie().unwrap();
    // The first one finds a broken connection, the second one none; the third one has nothing to
    // load, and learns of it when the handler saves.
    for cookie in [Some(&cookie), Some(&cookie), None] {
        let mut visit = Request::post(format!("http://{address}/visitors.Visitors/Visit"))
            .header(CONTENT_TYPE, "application/grpc")
            // A message of no bytes, not compressed.
            .body(Body::new(Full::from(&[0; 5][..])))
            .unwrap();
        if let Some(cookie) = cookie {
            visit.headers_mut().insert(COOKIE, cookie.clone());
        }
        let start = Instant::now();
        let response = connect(address).await.oneshot(visit).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(3), "at once");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], "14");
        assert!(response.body().is_end_stream(), "there is a head only");
        assert!(!response.headers().contains_key(SET_COOKIE));
        let message = response.headers().get("grpc-message");
        assert!(message.is_none_or(|it| it == "the%20session%20store%20failed"));
    }
}

#[tokio::test]
async fn the_log_says_where_sessions_live_and_never_a_token() {
    for (store, redis) in [("memory", None), ("redis", Some(Redis::start()))] {
        let (server, address) = serve(redis.as_ref());
        let visitor = Visitor::new(address).await;
        visitor.sign_in("ann", false).await.unwrap();
        // What fails is logged in more detail.
        drop(redis);
        assert_eq!(visitor.who_am_i().await.is_err(), store == "redis");

        let log = server.stop();
        let address = format!("listening on http://{address}");
        assert!(log.contains(&address), "{log}");
        assert!(log.contains(&format!("sessions live in {store}")), "{log}");
        assert_eq!(log.contains("ERROR"), store == "redis", "{log}");
        let cookie = visitor.cookie().unwrap();
        let (_, token) = cookie.to_str().unwrap().split_once('=').unwrap();
        assert_tells_no_secret(log.as_bytes(), &[token.into()]);
    }
}
