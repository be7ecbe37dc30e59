//! This library, with the settings that it has by default.
//!
//! The size of a session may be larger here, for the curves of growth. RESP3 is what the README
//! recommends.

use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use tower_session_layer::{RedisStore, Session, SessionError, SessionLayer};

use crate::{
    BoxError,
    content::{COUNTER, Content, SMALL},
};

pub(super) async fn eager(redis: &str) -> Result<Router, BoxError> {
    Ok(routes().layer(layer(redis).await?))
}

pub(super) async fn lazy(redis: &str) -> Result<Router, BoxError> {
    Ok(routes().layer(layer(redis).await?.lazy()))
}

async fn layer(redis: &str) -> Result<SessionLayer, BoxError> {
    let store = RedisStore::connect(&format!("{redis}?protocol=resp3")).await?;
    Ok(SessionLayer::new(store).with_max_size(512 * 1024))
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(async || "untouched"))
        .route("/read", get(read))
        .route("/increment", post(increment))
        .route("/sign-in", post(sign_in))
        .route("/write/{keys}/{bytes}", post(write))
}

async fn read(session: Session) -> Result<String, SessionError> {
    let counter: Option<u64> = session.get(COUNTER)?;
    Ok(counter.unwrap_or_default().to_string())
}

async fn increment(session: Session) -> Result<String, SessionError> {
    let add_one = |counter: Option<u64>| counter.unwrap_or_default() + 1;
    let counter = session.update_now(COUNTER, add_one).await?;
    Ok(counter.to_string())
}

async fn sign_in(session: Session) -> Result<&'static str, SessionError> {
    session.sign_in()?;
    store(&session, SMALL)?;
    Ok("signed in")
}

async fn write(
    session: Session,
    Path((keys, bytes)): Path<(usize, usize)>,
) -> Result<&'static str, SessionError> {
    store(&session, Content { keys, bytes })?;
    Ok("written")
}

fn store(session: &Session, content: Content) -> Result<(), SessionError> {
    for (key, value) in content.entries() {
        session.insert(key, value)?;
    }
    Ok(())
}
