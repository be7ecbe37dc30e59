//! tower-sessions, on the store for Redis from the same author.
//!
//! The pool has six connections, as in its documentation. Its own default is that a session ends
//! with the browser and its record two weeks after the last change. That a use extends the
//! session, as ours do, takes `always_save`: a write for each request.

use axum::{
    Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use time::Duration;
use tower_sessions::{Expiry, Session, SessionManagerLayer, session::Error};
use tower_sessions_redis_store::{RedisStore, fred::prelude::*};

use crate::{
    BoxError,
    content::{COUNTER, Content, SMALL},
};

pub(super) async fn until_browser_closes(redis: &str) -> Result<Router, BoxError> {
    Ok(routes().layer(layer(redis).await?.with_expiry(Expiry::OnSessionEnd)))
}

pub(super) async fn sliding(redis: &str) -> Result<Router, BoxError> {
    let layer = layer(redis).await?;
    let expiry = Expiry::OnInactivity(Duration::minutes(30));
    Ok(routes().layer(layer.with_expiry(expiry).with_always_save(true)))
}

async fn layer(redis: &str) -> Result<SessionManagerLayer<RedisStore<Pool>>, BoxError> {
    let pool = Pool::new(Config::from_url(redis)?, None, None, None, 6)?;
    pool.init().await?;
    Ok(SessionManagerLayer::new(RedisStore::new(pool)))
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(async || "untouched"))
        .route("/read", get(read))
        .route("/increment", post(increment))
        .route("/sign-in", post(sign_in))
        .route("/write/{keys}/{bytes}", post(write))
}

async fn read(session: Session) -> Result<String, StatusCode> {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    Ok(counter.unwrap_or_default().to_string())
}

async fn increment(session: Session) -> Result<String, StatusCode> {
    let counter: Option<u64> = session.get(COUNTER).await.map_err(failed)?;
    let counter = counter.unwrap_or_default() + 1;
    session.insert(COUNTER, counter).await.map_err(failed)?;
    Ok(counter.to_string())
}

async fn sign_in(session: Session) -> Result<&'static str, StatusCode> {
    session.cycle_id().await.map_err(failed)?;
    store(&session, SMALL).await.map_err(failed)?;
    Ok("signed in")
}

async fn write(
    session: Session,
    Path((keys, bytes)): Path<(usize, usize)>,
) -> Result<&'static str, StatusCode> {
    let stored = store(&session, Content { keys, bytes }).await;
    stored.map_err(failed)?;
    Ok("written")
}

async fn store(session: &Session, content: Content) -> Result<(), Error> {
    for (key, value) in content.entries() {
        session.insert(key, value).await?;
    }
    Ok(())
}

fn failed(_: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
