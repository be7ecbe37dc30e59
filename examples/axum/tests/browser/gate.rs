//! A gate on the way to a server, at which bytes can be held.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Leads to a server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    address: SocketAddr,
    rule: Arc<watch::Sender<Rule>>,
    _accepting: JoinSet<()>,
}

/// What must not pass.
#[derive(Debug, Default)]
struct Rule {
    held: Option<&'static [u8]>,
    waiting: usize,
}

impl Gate {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let rule = Arc::new(watch::Sender::default());
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, server, Arc::clone(&rule)));
        Self {
            address,
            rule,
            _accepting: accepting,
        }
    }

    /// Where the server can be reached through it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on holds, in either direction, what contains these bytes, and all that follows it
    /// on its connection.
    pub(crate) fn hold(&self, bytes: &'static str) {
        self.rule
            .send_modify(|rule| rule.held = Some(bytes.as_bytes()));
    }

    /// Waits until something is held.
    pub(crate) async fn holds_something(&self) {
        let mut rule = self.rule.subscribe();
        rule.wait_for(|rule| rule.waiting > 0).await.unwrap();
    }

    /// Lets everything go.
    pub(crate) fn release(&self) {
        self.rule.send_modify(|rule| rule.held = None);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, rule: Arc<watch::Sender<Rule>>) {
    // Dropped with this task, and everything on them with it.
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(server).await.unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        connections.spawn(forward(from_client, to_server, Arc::clone(&rule)));
        connections.spawn(forward(from_server, to_client, Arc::clone(&rule)));
    }
}

/// Passes on what one side sends, until it or the other hangs up.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    rule: Arc<watch::Sender<Rule>>,
) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..read];
        if rule.borrow().stops(bytes) {
            rule.send_modify(|rule| rule.waiting += 1);
            let mut changes = rule.subscribe();
            changes.wait_for(|rule| rule.held.is_none()).await.unwrap();
            rule.send_modify(|rule| rule.waiting -= 1);
        }
        if to.write_all(bytes).await.is_err() {
            break;
        }
    }
}

impl Rule {
    fn stops(&self, bytes: &[u8]) -> bool {
        let held = |held| session_test_support::contains(bytes, held);
        self.held.is_some_and(held)
    }
}
