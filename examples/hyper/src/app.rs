//! The app: from a request and its session to a response.

use std::{collections::HashMap, convert::Infallible};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use tower_session_layer::{Lifetime, Session, SessionError};

type Answer = Response<Full<Bytes>>;

/// Answers every request. The session layer put a session into each of them.
pub(crate) async fn answer(mut request: Request<Incoming>) -> Result<Answer, Infallible> {
    let Some(session) = request.extensions_mut().remove() else {
        return Ok(status(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let answer = route(request, session).await;
    Ok(answer.unwrap_or_else(|error| failure(&error)))
}

async fn route(request: Request<Incoming>, session: Session) -> Result<Answer, SessionError> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => show_page(&session),
        (&Method::GET, "/visits") => Ok(text(count_visit(&session).await?.to_string())),
        (&Method::POST, "/visits") => {
            count_visit(&session).await?;
            Ok(see_page())
        }
        (&Method::POST, "/login") => sign_in(request.into_body(), &session).await,
        (&Method::POST, "/logout") => {
            session.destroy();
            Ok(see_page())
        }
        (&Method::GET, "/whoami") => whoami(&session),
        (_, "/" | "/whoami") => Ok(not_allowed("GET")),
        (_, "/visits") => Ok(not_allowed("GET, POST")),
        (_, "/login" | "/logout") => Ok(not_allowed("POST")),
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

/// Looks at the session without bringing one into being.
fn show_page(session: &Session) -> Result<Answer, SessionError> {
    let user: Option<String> = session.get("user")?;
    let user = user.unwrap_or("visitor".into());
    let visits: u64 = session.get("visits")?.unwrap_or(0);
    let id = session.id().map_or("none yet".into(), |id| id.to_string());
    Ok(text(format!(
        "Hello, {user}\nvisits: {visits}\nsession: {id}\n"
    )))
}

/// The first visit begins a session; of visits at the same time each one counts.
async fn count_visit(session: &Session) -> Result<u64, SessionError> {
    let one_more = |visits: Option<u64>| visits.unwrap_or(0) + 1;
    session.update_now("visits", one_more).await
}

/// A real one would ask for more than a name.
async fn sign_in(body: Incoming, session: &Session) -> Result<Answer, SessionError> {
    let Ok(body) = Limited::new(body, MAX_FORM).collect().await else {
        return Ok(status(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let body = body.to_bytes();
    let form: HashMap<_, _> = form_urlencoded::parse(&body).collect();
    let user = form.get("user").map_or("", |user| user.trim());
    if user.is_empty() {
        return Ok(status(StatusCode::BAD_REQUEST));
    }
    session.sign_in()?;
    session.set_lifetime(match form.get("remember") {
        Some(_) => Lifetime::remembered(),
        None => Lifetime::default(),
    })?;
    session.insert("user", user)?;
    Ok(see_page())
}

fn whoami(session: &Session) -> Result<Answer, SessionError> {
    let user: Option<String> = session.get("user")?;
    Ok(user.map_or(status(StatusCode::UNAUTHORIZED), text))
}

/// What went wrong is for the log, not for the visitor.
fn failure(error: &SessionError) -> Answer {
    tracing::error!(error = error as &dyn std::error::Error, "session");
    status(error.status())
}

fn see_page() -> Answer {
    with_header(status(StatusCode::SEE_OTHER), LOCATION, "/")
}

fn not_allowed(allow: &'static str) -> Answer {
    with_header(status(StatusCode::METHOD_NOT_ALLOWED), ALLOW, allow)
}

fn text(text: String) -> Answer {
    let answer = Response::new(text.into());
    with_header(answer, CONTENT_TYPE, "text/plain; charset=utf-8")
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::default();
    *answer.status_mut() = status;
    answer
}

fn with_header(mut answer: Answer, name: HeaderName, value: &'static str) -> Answer {
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    answer
}

/// How large a form may be.
const MAX_FORM: usize = 16 * 1024;
