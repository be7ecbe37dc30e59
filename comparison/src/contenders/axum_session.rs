//! axum_session, on its store for Redis, in its default mode.
//!
//! By default it keeps sessions in the memory of the process, where other instances of the
//! application do not see what becomes of them. Without that, each request loads its session. The
//! pool is given as many connections as there are requests at once: with its default of 16, a
//! request that finds none opens one, and closes it again.

use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use axum_session::{Session, SessionConfig, SessionLayer, SessionStore};
use axum_session_redispool::SessionRedisPool;
use redis_pool::SingleRedisPool;
use time::Duration;

use crate::{
    BoxError,
    content::{COUNTER, Content, SMALL},
};

pub(super) async fn cached(redis: &str) -> Result<Router, BoxError> {
    with(redis, SessionConfig::default()).await
}

pub(super) async fn uncached(redis: &str) -> Result<Router, BoxError> {
    let config = SessionConfig::default().with_memory_lifetime(Duration::ZERO);
    with(redis, config).await
}

async fn with(redis: &str, config: SessionConfig) -> Result<Router, BoxError> {
    let pool = SingleRedisPool::new(redis::Client::open(redis)?, 64, Some(512));
    let store = SessionStore::<SessionRedisPool>::new(Some(pool.into()), config).await?;
    Ok(routes().layer(SessionLayer::new(store)))
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(async || "untouched"))
        .route("/read", get(read))
        .route("/increment", post(increment))
        .route("/sign-in", post(sign_in))
        .route("/write/{keys}/{bytes}", post(write))
}

async fn read(session: Session<SessionRedisPool>) -> String {
    let counter: u64 = session.get(COUNTER).unwrap_or_default();
    counter.to_string()
}

async fn increment(session: Session<SessionRedisPool>) -> String {
    let counter: u64 = session.get(COUNTER).unwrap_or_default();
    session.set(COUNTER, counter + 1);
    (counter + 1).to_string()
}

async fn sign_in(session: Session<SessionRedisPool>) -> &'static str {
    session.renew();
    store(&session, SMALL);
    "signed in"
}

async fn write(
    session: Session<SessionRedisPool>,
    Path((keys, bytes)): Path<(usize, usize)>,
) -> &'static str {
    store(&session, Content { keys, bytes });
    "written"
}

fn store(session: &Session<SessionRedisPool>, content: Content) {
    for (key, value) in content.entries() {
        session.set(key, value);
    }
}
