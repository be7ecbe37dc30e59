//! Web sockets of axum: their tasks commit by themselves.

use axum::{
    Router,
    extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    response::Response,
    routing::get,
};
use futures::{SinkExt as _, StreamExt as _};
use http::header;
use session_test_support::{Host, Jar};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, client::IntoClientRequest as _},
};
use tower_session_layer::{Session, SessionError, SessionLayer};

use crate::{
    common::visitor::COOKIE,
    script::{perform, soon, spoken},
    site::Site,
};

async fn server(layer: &SessionLayer) -> Host {
    let router = Router::new()
        .route("/socket", get(socket))
        .route("/begin", get(begin))
        .layer(layer.clone());
    Host::serve(router).await
}

async fn socket(upgrade: WebSocketUpgrade, session: Session) -> Response {
    upgrade.on_upgrade(move |socket| talk(socket, session))
}

/// The answer to the handshake has a head like any other.
async fn begin(upgrade: WebSocketUpgrade, session: Session) -> Result<Response, SessionError> {
    session.insert("a", "1")?;
    Ok(socket(upgrade, session).await)
}

/// Does what each message says, saves it, and tells what came of it.
async fn talk(mut socket: WebSocket, session: Session) {
    while let Some(Ok(Message::Text(actions))) = socket.recv().await {
        let answer = spoken(obey(&session, &actions).await);
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

async fn obey(session: &Session, actions: &Utf8Bytes) -> Result<String, SessionError> {
    let said = perform(session, actions).await?;
    session.commit().await?;
    Ok(said)
}

/// The client's end of a socket.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket with these cookies.
    async fn open(jar: &Jar, host: &Host, path: &str) -> Self {
        let url = format!("ws://{}/{path}", host.address());
        let mut request = url.into_client_request().unwrap();
        if let Some(line) = jar.line() {
            request.headers_mut().insert(header::COOKIE, line);
        }
        let (socket, response) = connect_async(request).await.unwrap();
        jar.take_in(response.headers());
        Self(socket)
    }

    /// Sends a message, and waits for what is said to it.
    async fn say(&mut self, actions: &str) -> String {
        let message = tungstenite::Message::text(actions);
        self.0.send(message).await.unwrap();
        let answer = soon(self.0.next()).await.unwrap().unwrap();
        answer.into_text().unwrap().to_string()
    }
}

#[tokio::test]
async fn what_a_socket_has_committed_is_seen_by_the_next_request() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let mut socket = Socket::open(site.visitor.jar(), &host, "socket").await;
    for (message, value) in [
        ("insert:a:2", "2"),
        ("insert:a:3", "3"),
        ("remove:a", "none"),
    ] {
        socket.say(message).await;
        assert_eq!(site.sees("/get:a").await, value);
    }
}

#[tokio::test]
async fn a_socket_and_the_requests_beside_it_lose_nothing_of_each_other() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let mut socket = Socket::open(site.visitor.jar(), &host, "socket").await;
    for counts in [["1", "2"], ["3", "4"], ["5", "6"]] {
        assert_eq!(site.sees("/update_now:n").await, counts[0]);
        assert_eq!(socket.say("update_now:n").await, counts[1]);
    }
    assert_eq!(socket.say("update:n").await, "");
    assert_eq!(site.sees("/get:n/get:a").await, "7 1");
}

#[tokio::test]
async fn of_a_session_that_was_destroyed_elsewhere_a_socket_learns_that_it_is_gone() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let jar = site.visitor.jar();
    let cookie = jar.get(COOKIE).unwrap();
    let mut socket = Socket::open(jar, &host, "socket").await;
    assert_eq!(socket.say("insert:a:2").await, "");
    site.sees("/destroy").await;
    assert_eq!(socket.say("insert:a:3").await, "Gone");
    assert_eq!(socket.say("insert:a:3").await, "Gone", "and so it stays");
    jar.set(COOKIE, &cookie);
    assert_eq!(site.sees("/get:a").await, "none");
}

#[tokio::test]
async fn a_socket_logs_everybody_out() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let mut socket = Socket::open(site.visitor.jar(), &host, "socket").await;
    assert_eq!(socket.say("destroy").await, "");
    assert_eq!(site.sees("/get:a").await, "none");
}

/// The cookie would have to go out with a head that is out already.
#[tokio::test]
async fn a_socket_cannot_set_a_cookie() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let jar = site.visitor.jar();
    let cookie = jar.get(COOKIE);
    let mut socket = Socket::open(jar, &host, "socket").await;
    for message in ["sign_in", "renew", "rotate"] {
        assert_eq!(socket.say(message).await, "HeadSent", "{message}");
    }
    assert_eq!(socket.say("insert:a:2").await, "");
    assert_eq!(site.sees("/get:a/is_authenticated").await, "2 false");
    assert_eq!(jar.get(COOKIE), cookie);

    let mut socket = Socket::open(&Jar::default(), &host, "socket").await;
    assert_eq!(socket.say("insert:a:2").await, "HeadSent");
}

#[tokio::test]
async fn a_session_that_begins_with_the_handshake_is_the_socket_s() {
    let site = Site::open().await;
    let host = server(&site.layer).await;
    let stranger = Jar::default();
    let mut socket = Socket::open(&stranger, &host, "begin").await;
    assert_eq!(socket.say("insert:b:2").await, "");
    let stranger = stranger.get(COOKIE).unwrap();
    site.visitor.jar().set(COOKIE, &stranger);
    assert_eq!(site.sees("/get:a/get:b").await, "1 2");
}
