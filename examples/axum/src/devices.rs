//! Your devices: where a user is signed in, and how they end that (ASVS 7.5.2).

use std::time::SystemTime;

use askama::Template;
use askama_web::WebTemplate;
use axum::{
    Form,
    extract::State,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Redirect, Response, Result},
};
use serde::Deserialize;
use tower_session_layer::{Session, SessionError, SessionId, SessionInfo, Sessions};

use crate::{
    recent::RecentlySignedIn,
    user_agent::UNKNOWN_DEVICE,
    words::{between, in_words},
};

/// The page for one user.
#[derive(Template, WebTemplate)]
#[template(path = "devices.html")]
struct Page {
    user: String,
    devices: Vec<Device>,
}

/// One session, times in words.
struct Device {
    id: SessionId,
    name: String,
    is_this: bool,
    signed_in: String,
    /// A session may have been used again a little later: not every use is noted.
    unused: String,
    expires: String,
}

/// Shows the devices, this one first.
pub(crate) async fn show(session: Session, State(sessions): State<Sessions>) -> Result<Response> {
    let Some(user) = session.owner() else {
        return Ok(Redirect::to("/").into_response());
    };
    let now = SystemTime::now();
    let list = sessions.list(&user).await?.into_iter();
    let mut devices: Vec<_> = list.map(|it| Device::of(&it, &session, now)).collect();
    devices.sort_by_key(|device| !device.is_this);
    let page = Page { user, devices };
    Ok(([(CACHE_CONTROL, "no-store")], page).into_response())
}

#[derive(Deserialize)]
pub(crate) struct End {
    id: SessionId,
}

/// Ends one session. Whoever knows the id of another user's gains nothing by it.
pub(crate) async fn end(
    RecentlySignedIn(session): RecentlySignedIn,
    State(sessions): State<Sessions>,
    Form(form): Form<End>,
) -> Result<Redirect, SessionError> {
    if let Some(user) = session.owner() {
        sessions.revoke_of(user, form.id).await?;
    }
    Ok(Redirect::to("/devices"))
}

/// Ends all sessions but this one, which gets a new token: a copy of its cookie ends as well. After a
/// change of the password a real application does the same (ASVS 7.4.3).
pub(crate) async fn end_others(
    RecentlySignedIn(session): RecentlySignedIn,
    State(sessions): State<Sessions>,
) -> Result<Redirect, SessionError> {
    session.renew()?;
    sessions.revoke_others(&session).await?;
    Ok(Redirect::to("/devices"))
}

impl Device {
    fn of(info: &SessionInfo, session: &Session, now: SystemTime) -> Self {
        let signed_in = info.authenticated_at().unwrap_or(info.created_at());
        // One without a name that can be read is in the list all the same.
        let name = info.details().ok().flatten();
        Self {
            id: info.id(),
            name: name.unwrap_or_else(|| UNKNOWN_DEVICE.into()),
            is_this: info.is_current(session),
            signed_in: in_words(between(signed_in, now)),
            unused: in_words(between(info.last_used_at(), now)),
            expires: in_words(between(now, info.expires_at())),
        }
    }
}
