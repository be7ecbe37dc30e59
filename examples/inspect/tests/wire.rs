//! The tool as a process, on a real Redis.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use session_test_support::{Browser, Redis};
use tower::{ServiceBuilder, service_fn};
use tower_session_layer::{RedisStore, Session, SessionError, SessionLayer};

fn inspect(redis: &Redis, id: &str) -> Output {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_example-inspect"));
    tool.arg(id).env("REDIS_URL", redis.url()).output().unwrap()
}

/// Signs in at the first visit, and says the id of the session at the next.
async fn app(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, SessionError> {
    let session: &Session = request.extensions().get().unwrap();
    let id = session.id().map(|id| id.to_string());
    if id.is_none() {
        session.sign_in()?;
        session.insert("user", "ferris")?;
    }
    Ok(Response::new(id.unwrap_or_default().into()))
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_is_printed_as_json_by_its_public_id() {
    let redis = Redis::start();
    let store = RedisStore::connect(&redis.url()).await.unwrap();
    let layer = SessionLayer::new(store);
    let browser = Browser::new(ServiceBuilder::new().layer(layer).service(service_fn(app)));
    browser.get("/").await;
    let id = browser.get("/").await.text;
    let output = inspect(&redis, &id);
    assert!(output.status.success());
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["state"], "live");
    assert_eq!(shown["entries"], json!({ "user": "ferris" }));
    assert_ne!(shown["authenticated"], Value::Null);
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let redis = Redis::start();
    for (id, expected) in [
        (
            "0b7e1f4a-5d0c-4c57-9f83-5b7e3b0d6a11",
            "there is no such session",
        ),
        ("something", "a session id is a uuid of version 4"),
    ] {
        let output = inspect(&redis, id);
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{said}");
    }
}
