//! The floor: handlers that do themselves, and for these routes alone, what has to be done.
//!
//! One connection that all requests share. A read is a `GET`; a write is a `GET` and a script that
//! changes entries if their values are still those that were read; a sign-in is a `SET` of a new
//! key. A handler that needs no session is axum without anything around it. Nothing is hashed, and
//! no limit, renewal, log-out or outage is thought of, beyond what the client of Redis does.

mod record;
mod token;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::{AppendHeaders, IntoResponse},
    routing::{get, post},
};
use redis::{Cmd, RedisError, aio::MultiplexedConnection, cmd};

use crate::{
    BoxError,
    content::{COUNTER, Content, SMALL},
};

pub(super) async fn router(redis: &str) -> Result<Router, BoxError> {
    let mut redis = redis::Client::open(redis)?
        .get_multiplexed_async_connection()
        .await?;
    let mut load = cmd("SCRIPT");
    load.arg("LOAD").arg(include_str!("change.lua"));
    let script = load.query_async(&mut redis).await?;
    let floor = Floor { redis, script };
    let router = Router::new()
        .route("/untouched", get(async || "untouched"))
        .route("/read", get(read))
        .route("/increment", post(increment))
        .route("/sign-in", post(sign_in))
        .route("/write/{keys}/{bytes}", post(write))
        .with_state(floor);
    Ok(router)
}

async fn read(State(mut floor): State<Floor>, headers: HeaderMap) -> Result<String, StatusCode> {
    let Some(key) = token::key_in(&headers) else {
        return Ok("0".to_owned());
    };
    let record = floor.load(&key).await.map_err(failed)?;
    let counter = record.as_deref().and_then(counter_in);
    Ok(counter.unwrap_or_default().to_string())
}

async fn increment(
    State(mut floor): State<Floor>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    let key = token::key_in(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    loop {
        let record = floor.load(&key).await.map_err(failed)?;
        let record = record.ok_or(StatusCode::UNAUTHORIZED)?;
        let counter = counter_in(&record).unwrap_or_default() + 1;
        let base = record::value(&record, COUNTER).unwrap_or_default();
        let mut change = floor.change(&key);
        change.arg(COUNTER).arg(base).arg(counter);
        if floor.is_done(&change).await.map_err(failed)? {
            return Ok(counter.to_string());
        }
    }
}

async fn sign_in(State(mut floor): State<Floor>) -> Result<impl IntoResponse, StatusCode> {
    let cookie = floor.create(SMALL).await.map_err(failed)?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), "signed in"))
}

async fn write(
    State(mut floor): State<Floor>,
    Path((keys, bytes)): Path<(usize, usize)>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let content = Content { keys, bytes };
    let Some(key) = token::key_in(&headers) else {
        let cookie = floor.create(content).await.map_err(failed)?;
        return Ok((AppendHeaders(vec![(SET_COOKIE, cookie)]), "written"));
    };
    let record = floor.load(&key).await.map_err(failed)?;
    record.ok_or(StatusCode::UNAUTHORIZED)?;
    let mut change = floor.change(&key);
    for (name, value) in content.entries() {
        change.arg(name).arg("").arg(record::json(value));
    }
    floor.is_done(&change).await.map_err(failed)?;
    Ok((AppendHeaders(Vec::new()), "written"))
}

/// The connection, and the digest of the script.
#[derive(Clone)]
struct Floor {
    redis: MultiplexedConnection,
    script: String,
}

impl Floor {
    async fn load(&mut self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        cmd("GET").arg(key).query_async(&mut self.redis).await
    }

    /// Stores a new session. What comes of it is the value of `Set-Cookie`.
    async fn create(&mut self, content: Content) -> Result<String, RedisError> {
        let token = token::new();
        let record = record::of(content);
        let mut set = cmd("SET");
        set.arg(token::key(&token)).arg(record);
        set.arg("NX").arg("EX").arg(IDLE_SECONDS);
        let _: () = set.query_async(&mut self.redis).await?;
        Ok(token::cookie(&token))
    }

    /// The beginning of a change: the name, base and new value of each entry follow.
    fn change(&self, key: &str) -> Cmd {
        let mut change = cmd("EVALSHA");
        change.arg(&self.script).arg(1).arg(key).arg(IDLE_SECONDS);
        change
    }

    async fn is_done(&mut self, change: &Cmd) -> Result<bool, RedisError> {
        change.query_async(&mut self.redis).await
    }
}

fn counter_in(record: &[u8]) -> Option<u64> {
    serde_json::from_slice(record::value(record, COUNTER)?).ok()
}

fn failed(_: RedisError) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

const IDLE_SECONDS: u64 = 30 * 60;
