//! A visits counter with sign-in, on axum; its users see and end their sessions.
//!
//! Sessions live in the memory of the process:
//!
//! ```sh
//! cargo run -p example-axum
//! ```
//!
//! Open <http://127.0.0.1:3000>, or be a visitor with a cookie jar:
//!
//! ```sh
//! curl -c jar -b jar http://127.0.0.1:3000/visits
//! curl -c jar -b jar -d user=ann -d remember=on http://127.0.0.1:3000/login
//! curl -c jar -b jar http://127.0.0.1:3000/whoami
//! curl -c jar -b jar http://127.0.0.1:3000/devices
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/devices/end-others
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/logout
//! ```
//!
//! Or they live in Redis, and then any number of instances share them. In two terminals:
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3000 cargo run -p example-axum
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3001 cargo run -p example-axum
//! ```
//!
//! The cookie is `Secure`. Browsers and curl trust plain http to 127.0.0.1 all the same; for
//! Safari, or to try it from another machine, set `INSECURE_HTTP=1`.

mod devices;
mod page;
mod recent;
mod user_agent;
mod words;

use std::{env, ops::RangeInclusive, time::Duration};

use anyhow::Context as _;
use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, RawQuery},
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Redirect, Result},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::{net::TcpListener, signal};
use tower_session_layer::{
    Lifetime, MemoryStore, RedisStore, Session, SessionCookie, SessionError, SessionLayer, SiteData,
};

use crate::{page::Page, recent::RecentlySignedIn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();
    let layer = session_layer().await?;
    let app = Router::new()
        .route("/", get(show_page))
        .route("/visits", get(count_visit).post(count_visit_and_return))
        .route("/login", post(sign_in))
        .route("/logout", post(sign_out))
        .route("/whoami", get(whoami))
        .route("/forget", post(forget_visits))
        .route("/devices", get(devices::show))
        .route("/devices/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .layer(layer.clone())
        .with_state(layer.sessions());

    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async { signal::ctrl_c().await.unwrap_or_default() })
        .await?;
    // What clients began before they hung up.
    layer.drain().await;
    Ok(())
}

/// Sessions in Redis if there is a `REDIS_URL`, else in memory.
async fn session_layer() -> anyhow::Result<SessionLayer> {
    let (store, layer) = match env::var("REDIS_URL") {
        Ok(url) => ("redis", SessionLayer::new(RedisStore::connect(&url).await?)),
        Err(_) => ("memory", SessionLayer::new(MemoryStore::new())),
    };
    tracing::info!("sessions live in {store}");
    let layer = layer
        // A copy of the cookie is worth nothing for long.
        .with_rotation(15 * MINUTE, MINUTE)
        // What scripts of a real page keep ends with the session.
        .with_clear_site_data([SiteData::Storage]);
    Ok(match env::var("INSECURE_HTTP").as_deref() {
        Ok("1") => layer.with_cookie(SessionCookie::insecure_plain_http()),
        _ => layer,
    })
}

/// Looks at the session without bringing one into being.
async fn show_page(
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, SessionError> {
    let page = Page::of(&session, query.as_deref() == Some("again"))?;
    // What it shows is not for the back button after a sign-out.
    Ok(([(CACHE_CONTROL, "no-store")], page))
}

/// The first visit begins a session; of visits at the same time each one counts.
async fn count_visit(session: Session) -> Result<String, SessionError> {
    let one_more = |visits: Option<u64>| visits.unwrap_or(0) + 1;
    let visits = session.update_now("visits", one_more).await?;
    Ok(visits.to_string())
}

async fn count_visit_and_return(session: Session) -> Result<Redirect, SessionError> {
    count_visit(session).await?;
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct SignIn {
    #[serde(default)]
    user: String,
    remember: Option<String>,
}

/// A real one would ask for more than a name.
async fn sign_in(
    session: Session,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Redirect> {
    let user = form.user.trim();
    if !NAME_LEN.contains(&user.len()) {
        return Err((StatusCode::BAD_REQUEST, "who are you?").into());
    }
    session.sign_in()?;
    session.set_owner(user)?;
    session.set_details(user_agent::device(&headers))?;
    session.set_lifetime(match form.remember {
        Some(_) => Lifetime::remembered(),
        None => Lifetime::default(),
    })?;
    Ok(Redirect::to("/"))
}

async fn sign_out(session: Session) -> Redirect {
    session.destroy();
    Redirect::to("/")
}

/// What cannot be undone asks for a sign-in that is not long ago.
async fn forget_visits(RecentlySignedIn(session): RecentlySignedIn) -> Redirect {
    session.remove("visits");
    Redirect::to("/")
}

async fn whoami(session: Session) -> Result<String, StatusCode> {
    session.owner().ok_or(StatusCode::UNAUTHORIZED)
}

/// In bytes: what a session takes as the name of its owner.
const NAME_LEN: RangeInclusive<usize> = 1..=255;

const MINUTE: Duration = Duration::from_secs(60);
