//! Sensitive steps ask for a sign-in that is not long ago (ASVS 7.5).

use std::{env, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse, Redirect, Response},
};
use tower_session_layer::Session;

/// The session of a visitor who signed in lately. Whoever did not is asked to do it again.
pub(crate) struct RecentlySignedIn(pub(crate) Session);

impl<S: Send + Sync> FromRequestParts<S> for RecentlySignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, state).await;
        let session = session.map_err(IntoResponse::into_response)?;
        match session.authentication_age() {
            Some(age) if age <= recent() => Ok(Self(session)),
            _ => Err(Redirect::to("/?again").into_response()),
        }
    }
}

/// Five minutes, or as many seconds as `RECENT` says.
fn recent() -> Duration {
    let seconds = env::var("RECENT").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(5 * 60))
}
