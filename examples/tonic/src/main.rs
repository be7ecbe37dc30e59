//! A visits counter with sign-in, on tonic.
//!
//! Sessions live in the memory of the process:
//!
//! ```sh
//! cargo run -p example-tonic
//! ```
//!
//! Be a visitor, with the client beside it that keeps cookies:
//!
//! ```sh
//! cargo run -p example-tonic --bin example-tonic-client
//! ```
//!
//! Or they live in Redis, and then any number of instances share them. In two terminals:
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3000 cargo run -p example-tonic
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3001 cargo run -p example-tonic
//! ```
//!
//! The client takes the server's address from `ADDR` too.

use std::{env, error::Error};

use anyhow::Context as _;
use example_tonic::proto::{
    SignInRequest, User, Visits,
    visitors_server::{Visitors, VisitorsServer},
};
use tokio::{net::TcpListener, signal};
use tonic::{
    Code, Request, Response, Status,
    codegen::http::StatusCode,
    transport::{Server, server::TcpIncoming},
};
use tower_session_layer::{Lifetime, MemoryStore, RedisStore, Session, SessionError, SessionLayer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();
    let sessions = sessions().await?;
    let app = Server::builder()
        .layer(sessions.clone())
        .add_service(VisitorsServer::new(App));

    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    app.serve_with_incoming_shutdown(incoming, async {
        signal::ctrl_c().await.unwrap_or_default();
    })
    .await?;
    // What clients began before they hung up.
    sessions.drain().await;
    Ok(())
}

/// Sessions in Redis if there is a `REDIS_URL`, else in memory.
async fn sessions() -> anyhow::Result<SessionLayer> {
    let (store, layer) = match env::var("REDIS_URL") {
        Ok(url) => ("redis", SessionLayer::new(RedisStore::connect(&url).await?)),
        Err(_) => ("memory", SessionLayer::new(MemoryStore::new())),
    };
    tracing::info!("sessions live in {store}");
    Ok(layer)
}

struct App;

#[tonic::async_trait]
impl Visitors for App {
    /// The first visit begins a session; of visits at the same time each one counts.
    async fn visit(&self, request: Request<()>) -> Result<Response<Visits>, Status> {
        let one_more = |visits: Option<u64>| visits.unwrap_or(0) + 1;
        let visits = session(&request)?.update_now("visits", one_more).await;
        let count = visits.map_err(status)?;
        Ok(Response::new(Visits { count }))
    }

    /// A real one would ask for more than a name.
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<()>, Status> {
        let session = session(&request)?;
        let user = request.get_ref().user.trim();
        if user.is_empty() {
            return Err(Status::invalid_argument("who are you?"));
        }
        let lifetime = match request.get_ref().remember {
            true => Lifetime::remembered(),
            false => Lifetime::default(),
        };
        session.sign_in().map_err(status)?;
        session.set_lifetime(lifetime).map_err(status)?;
        session.insert("user", user).map_err(status)?;
        Ok(Response::new(()))
    }

    async fn sign_out(&self, request: Request<()>) -> Result<Response<()>, Status> {
        session(&request)?.destroy();
        Ok(Response::new(()))
    }

    async fn who_am_i(&self, request: Request<()>) -> Result<Response<User>, Status> {
        let user = session(&request)?.get("user").map_err(status)?;
        let name = user.ok_or_else(|| Status::unauthenticated("nobody is signed in"))?;
        Ok(Response::new(User { name }))
    }
}

fn session<T>(request: &Request<T>) -> Result<&Session, Status> {
    let session = request.extensions().get();
    session.ok_or_else(|| Status::internal("no session layer"))
}

/// What the client is told. The cause is for the log alone.
fn status(error: SessionError) -> Status {
    let code = match error.status() {
        StatusCode::CONFLICT => Code::Aborted,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::Internal,
    };
    tracing::error!(error = &error as &dyn Error, "session");
    Status::new(code, error.to_string())
}
