//! tower-sessions, on its own `MemoryStore`. It loads when it is asked, so that what ours do lazily
//! is what it always does, and has nothing like `update_now`.

use std::{future::pending, hint::black_box};

use http::{Request, Response};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::{
    BoxError,
    ours::{COUNTER, NOT_STORED, TEXT},
    scenario::Scenario,
    visitor::{Body, Visitor},
};

pub(crate) fn has(scenario: Scenario) -> bool {
    !matches!(scenario, Scenario::LazyUnasked | Scenario::UpdateNow)
}

pub(crate) async fn run(scenario: Scenario, layered: bool, times: u64) -> Result<(), BoxError> {
    let visitor = match scenario {
        Scenario::NoCookie | Scenario::SignIn => Visitor::new(layer()),
        _ => Visitor::known(layer(), fill).await?,
    };
    match scenario {
        Scenario::NoCookie | Scenario::Untouched => visitor.send(layered, times, untouched).await,
        Scenario::Read => visitor.send(layered, times, read).await,
        Scenario::Insert => visitor.send(layered, times, insert).await,
        Scenario::SignIn => visitor.send(layered, times, sign_in).await,
        Scenario::LazyUnasked | Scenario::UpdateNow => Err("it has no such scenario".into()),
    }
}

pub(crate) fn layer() -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(MemoryStore::default())
}

async fn untouched(_: Request<Body>) -> Result<Response<Body>, BoxError> {
    Ok(Response::default())
}

async fn read(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let counter = session.get::<u64>(COUNTER).await?;
        black_box(counter.ok_or(NOT_STORED)?);
    }
    Ok(Response::default())
}

async fn insert(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.insert("key5", TEXT).await?;
    }
    Ok(Response::default())
}

async fn sign_in(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.cycle_id().await?;
        session.insert("user", TEXT).await?;
    }
    Ok(Response::default())
}

/// Begins a session of ten keys: 300 bytes of keys and JSON.
pub(crate) async fn fill(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        for key in 0..10 {
            session.insert(&format!("key{key}"), TEXT).await?;
        }
        session.insert(COUNTER, 10_000_000).await?;
    }
    Ok(Response::default())
}

/// Never answers.
pub(crate) async fn hold(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    black_box(&request);
    pending().await
}

/// Loads, if there is something to load, reads, and never answers.
pub(crate) async fn hold_loaded(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let counter = session.get::<u64>(COUNTER).await?;
        black_box(counter.ok_or(NOT_STORED)?);
    }
    pending().await
}
