//! This library.

use std::{future::pending, hint::black_box};

use http::{Request, Response};
use tower_session_layer::{LazySession, Session, SessionLayer};

use crate::{
    BoxError,
    scenario::Scenario,
    visitor::{Body, Visitor},
};

pub(crate) async fn run(
    layer: SessionLayer,
    scenario: Scenario,
    layered: bool,
    times: u64,
) -> Result<(), BoxError> {
    let visitor = match scenario {
        Scenario::NoCookie | Scenario::SignIn => Visitor::new(layer),
        _ => Visitor::known(layer, fill).await?,
    };
    match scenario {
        Scenario::NoCookie | Scenario::Untouched => visitor.send(layered, times, untouched).await,
        Scenario::LazyUnasked => lazy(visitor).send(layered, times, untouched).await,
        Scenario::Read => visitor.send(layered, times, read).await,
        Scenario::Insert => visitor.send(layered, times, insert).await,
        Scenario::UpdateNow => visitor.send(layered, times, increment).await,
        Scenario::SignIn => visitor.send(layered, times, sign_in).await,
    }
}

pub(crate) fn lazy(mut visitor: Visitor<SessionLayer>) -> Visitor<SessionLayer> {
    visitor.layer = visitor.layer.lazy();
    visitor
}

async fn untouched(_: Request<Body>) -> Result<Response<Body>, BoxError> {
    Ok(Response::default())
}

async fn read(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let counter = session.get::<u64>(COUNTER)?;
        black_box(counter.ok_or(NOT_STORED)?);
    }
    Ok(Response::default())
}

async fn insert(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.insert("key5", TEXT)?;
    }
    Ok(Response::default())
}

async fn increment(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let add_one = |count: Option<u64>| count.unwrap_or(0) + 1;
        black_box(session.update_now(COUNTER, add_one).await?);
    }
    Ok(Response::default())
}

async fn sign_in(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        session.sign_in()?;
        session.insert("user", TEXT)?;
    }
    Ok(Response::default())
}

/// Begins a session of ten keys: 300 bytes of keys and JSON.
pub(crate) async fn fill(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        for key in 0..10 {
            session.insert(&format!("key{key}"), TEXT)?;
        }
        session.insert(COUNTER, 10_000_000)?;
    }
    Ok(Response::default())
}

/// Reads, if there is something to read, and never answers.
pub(crate) async fn hold(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<Session>() {
        let counter = session.get::<u64>(COUNTER)?;
        black_box(counter.ok_or(NOT_STORED)?);
    }
    pending().await
}

/// Loads, if there is something to load, reads, and never answers.
pub(crate) async fn hold_loaded(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    if let Some(session) = request.extensions().get::<LazySession>() {
        let counter = session.load().await?.get::<u64>(COUNTER)?;
        black_box(counter.ok_or(NOT_STORED)?);
    }
    pending().await
}

pub(crate) const TEXT: &str = "twenty-six letters or so..";
pub(crate) const COUNTER: &str = "key4";
pub(crate) const NOT_STORED: &str = "there is no counter in the session";
