//! `Session` and `LazySession` as arguments of axum handlers.

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use crate::{
    middleware::{LazySession, Session},
    session::error::SessionError,
};

/// The session of the request, behind an eager layer as behind a lazy one, where this loads it.
///
/// # Rejections
///
/// 503 if the session cannot be loaded (lazy; an eager layer answers so itself). 500 if there is
/// no layer; a log message says where to add it.
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        if let Some(session) = parts.extensions.get::<Self>() {
            return Ok(session.clone());
        }
        // Dropped here, nothing has happened.
        Ok(lazy_session(parts)?.load().await?)
    }
}

/// The session of the request behind a lazy layer, for handlers that may do without it.
///
/// # Rejections
///
/// 500 if there is no lazy layer; a log message says where to add it.
impl<S: Sync> FromRequestParts<S> for LazySession {
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        lazy_session(parts).cloned()
    }
}

/// Why a handler did not get its session.
#[derive(Debug)]
pub struct SessionRejection(Reason);

#[derive(Debug)]
enum Reason {
    NoLayer,
    NotLoaded(SessionError),
}

impl std::fmt::Display for SessionRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Reason::NoLayer => {
                "no session in the request: add `.layer(SessionLayer::new(store))` to the router, \
                 after the routes that use sessions (with `.lazy()` for `LazySession`)"
            }
            Reason::NotLoaded(_) => "the session could not be loaded",
        })
    }
}

impl std::error::Error for SessionRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Reason::NoLayer => None,
            Reason::NotLoaded(error) => Some(error),
        }
    }
}

impl From<SessionError> for SessionRejection {
    fn from(error: SessionError) -> Self {
        Self(Reason::NotLoaded(error))
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self.0 {
            Reason::NotLoaded(error) => error.into_response(),
            Reason::NoLayer => {
                tracing::error!("{self}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// So that handlers can use `?`: the answer is [`SessionError::status`], with the kind of the error
/// among its extensions. The cause goes to the log, not to the client.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        let error: &dyn std::error::Error = &self;
        tracing::error!(error, "session");
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self.kind());
        response
    }
}

fn lazy_session(parts: &Parts) -> Result<&LazySession, SessionRejection> {
    let session = parts.extensions.get();
    session.ok_or(SessionRejection(Reason::NoLayer))
}
