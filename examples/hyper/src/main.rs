//! A visits counter with sign-in, on bare hyper: HTTP/1 and HTTP/2 on one port.
//!
//! Sessions live in the memory of the process:
//!
//! ```sh
//! cargo run -p example-hyper
//! ```
//!
//! Be a visitor with a cookie jar (`--http2-prior-knowledge` makes it HTTP/2):
//!
//! ```sh
//! curl -c jar -b jar http://127.0.0.1:3000/visits
//! curl -c jar -b jar -d user=ann -d remember=on http://127.0.0.1:3000/login
//! curl -c jar -b jar http://127.0.0.1:3000/whoami
//! curl -c jar -b jar -X POST http://127.0.0.1:3000/logout
//! ```
//!
//! Or they live in Redis, and then any number of instances share them. In two terminals:
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3000 cargo run -p example-hyper
//! REDIS_URL=redis://127.0.0.1 ADDR=127.0.0.1:3001 cargo run -p example-hyper
//! ```
//!
//! The cookie is `Secure`. Browsers and curl trust plain http to 127.0.0.1 all the same; for
//! Safari, or to try it from another machine, set `INSECURE_HTTP=1`.

mod app;

use std::{env, pin::pin, time::Duration};

use anyhow::Context as _;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    signal,
    time::{sleep, timeout},
};
use tower::ServiceBuilder;
use tower_session_layer::{MemoryStore, RedisStore, SessionCookie, SessionLayer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt::init();
    let sessions = sessions().await?;
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(&address).await;
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    serve(listener, sessions.clone()).await;
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
    Ok(match env::var("INSECURE_HTTP").as_deref() {
        Ok("1") => layer.with_cookie(SessionCookie::insecure_plain_http()),
        _ => layer,
    })
}

/// Serves until ctrl-c, then for as long as the requests that are under way need.
async fn serve(listener: TcpListener, sessions: SessionLayer) {
    let app = ServiceBuilder::new()
        .layer(sessions)
        .service_fn(app::answer);
    let app = TowerToHyperService::new(app);
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    let mut ctrl_c = pin!(signal::ctrl_c());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut ctrl_c => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = server.serve_connection(TokioIo::new(stream), app.clone());
                tokio::spawn(connections.watch(connection.into_owned()));
            }
            Err(error) => {
                // Too many open files, most likely: some have to be closed first.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    if timeout(PATIENCE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and are cut off");
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
