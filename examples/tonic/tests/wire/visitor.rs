//! A visitor with a jar of cookies, and the servers to visit.

use std::{net::SocketAddr, process::Command};

use example_tonic::{
    Jar, WithCookies,
    proto::{SignInRequest, visitors_client::VisitorsClient},
};
use http::{HeaderMap, HeaderValue, header::SET_COOKIE};
use session_test_support::{Example, Http, Redis, Server};
use tonic::{
    Code, Response, Status,
    metadata::MetadataMap,
    transport::{Channel, Endpoint},
};
use tower::Layer as _;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_example-tonic");

/// Starts a server.
pub(crate) fn serve(redis: Option<&Redis>) -> (Server, SocketAddr) {
    let server = Server::start(&mut command(redis));
    let address = server.address();
    (server, address)
}

/// The command that starts a server, with its sessions in memory if there is no Redis.
fn command(redis: Option<&Redis>) -> Command {
    let url = redis.map(Redis::url);
    let environment = url.as_deref().map(|url| ("REDIS_URL", url));
    Example::new(PROGRAM, Http::Two).command(environment.as_slice())
}

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// A visitor of one server. Clones share their cookies.
#[derive(Clone)]
pub(crate) struct Visitor {
    server: VisitorsClient<WithCookies<Channel>>,
    jar: Jar,
}

impl Visitor {
    /// A visitor without any cookie.
    pub(crate) async fn new(address: SocketAddr) -> Self {
        Self::with(Jar::default(), address).await
    }

    /// The same visitor at another server.
    pub(crate) async fn at(&self, address: SocketAddr) -> Self {
        Self::with(self.jar.clone(), address).await
    }

    /// Somebody else with a copy of the cookie as it is now.
    pub(crate) async fn thief(&self, address: SocketAddr) -> Self {
        let jar = Jar::default();
        jar.keep(&HeaderMap::from_iter([(
            SET_COOKIE,
            self.cookie().unwrap(),
        )]));
        Self::with(jar, address).await
    }

    async fn with(jar: Jar, address: SocketAddr) -> Self {
        let server = VisitorsClient::new(jar.layer(connect(address).await));
        Self { server, jar }
    }

    /// The `cookie` header that goes with the next call.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        self.jar.header()
    }

    pub(crate) async fn visit(&self) -> Result<u64, Code> {
        let visits = self.server.clone().visit(()).await;
        message(visits).map(|visits| visits.count)
    }

    /// Returns the metadata of the response.
    pub(crate) async fn sign_in(&self, user: &str, remember: bool) -> Result<MetadataMap, Code> {
        let user = user.into();
        let request = SignInRequest { user, remember };
        let response = self.server.clone().sign_in(request).await;
        let metadata = response.map(|response| response.into_parts().0);
        metadata.map_err(|status| status.code())
    }

    pub(crate) async fn sign_out(&self) -> Result<(), Code> {
        message(self.server.clone().sign_out(()).await)
    }

    pub(crate) async fn who_am_i(&self) -> Result<String, Code> {
        let user = self.server.clone().who_am_i(()).await;
        message(user).map(|user| user.name)
    }
}

fn message<T>(result: Result<Response<T>, Status>) -> Result<T, Code> {
    let message = result.map(Response::into_inner);
    message.map_err(|status| status.code())
}
