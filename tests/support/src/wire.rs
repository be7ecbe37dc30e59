//! Servers and clients of this process that speak HTTP over a real socket.

use std::{
    net::SocketAddr,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tower::{BoxError, Service, ServiceExt as _};

/// A server on a socket of its own, for HTTP/1.1 and for HTTP/2 by prior knowledge. It ends, with
/// all its connections, when this is dropped.
#[derive(Debug)]
pub struct Host {
    wire: Wire,
    wire_of_http2: Wire,
    under_way: watch::Sender<usize>,
    _accepting: JoinSet<()>,
}

impl Host {
    /// Serves an app until this is dropped.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    pub async fn serve<S, B>(app: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let under_way = watch::Sender::new(0);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, app, under_way.clone()));
        Self {
            wire: Wire::to(address, false),
            wire_of_http2: Wire::to(address, true),
            under_way,
            _accepting: accepting,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.wire.address
    }

    /// A client that speaks HTTP/1.1, one request after the other on each of its connections.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// A client that speaks HTTP/2, everything at once on one connection.
    #[must_use]
    pub fn wire_of_http2(&self) -> Wire {
        self.wire_of_http2.clone()
    }

    /// Waits until a request is under way.
    pub async fn busy(&self) {
        self.wait_for(|under_way| under_way > 0).await;
    }

    /// Waits until no request is under way: each is answered, or was dropped with its client.
    pub async fn idle(&self) {
        self.wait_for(|under_way| under_way == 0).await;
    }

    async fn wait_for(&self, is_so: impl Fn(usize) -> bool) {
        let mut under_way = self.under_way.subscribe();
        under_way.wait_for(|number| is_so(*number)).await.unwrap();
    }
}

async fn accept<S, B>(listener: TcpListener, app: S, under_way: watch::Sender<usize>)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    // Dropped with this task, and everything on them with it.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (app, under_way) = (app.clone(), under_way.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (app, visit) = (app.clone(), Visit::begin(&under_way));
            answer(app, request, visit)
        });
        connections.spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            // That a client hung up is no fault of the server.
            let _ = server
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer<S, B>(
    app: S,
    request: Request<Incoming>,
    _visit: Visit,
) -> Result<Response<B>, BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error: Into<BoxError>>,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(BoxError::from)?;
    let request = Request::from_parts(head, Full::new(body.to_bytes()));
    app.oneshot(request).await.map_err(Into::into)
}

/// A request that is under way.
struct Visit(watch::Sender<usize>);

impl Visit {
    fn begin(under_way: &watch::Sender<usize>) -> Self {
        under_way.send_modify(|number| *number += 1);
        Self(under_way.clone())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.send_modify(|number| *number -= 1);
    }
}

/// A client that keeps its connections for the requests to come. A request that is dropped hangs
/// up: it takes its connection along, or resets its stream.
#[derive(Debug, Clone)]
pub struct Wire {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl Wire {
    fn to(address: SocketAddr, is_http2: bool) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        let client = builder.http2_only(is_http2).build(connector);
        Self { client, address }
    }
}

impl Service<Request<Full<Bytes>>> for Wire {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    type Future = legacy::ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        let url = format!("http://{}{}", self.address, request.uri());
        *request.uri_mut() = url.parse().unwrap();
        self.client.request(request)
    }
}
