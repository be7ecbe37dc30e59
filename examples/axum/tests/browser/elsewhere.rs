//! Another server on this machine, with nothing but an empty page.

use std::net::SocketAddr;

use axum::{Router, response::Html, routing::get};
use tokio::{net::TcpListener, task::JoinSet};

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Elsewhere {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let page = Html("<!doctype html><link rel=icon href=data:,><h1>Elsewhere</h1>");
        let app = Router::new().route("/", get(async move || page));
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            _serving: serving,
        }
    }

    /// Its page, by a name of this machine.
    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.address.port())
    }
}
