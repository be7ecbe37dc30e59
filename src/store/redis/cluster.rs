//! Commands to a Cluster.

use std::time::Duration;

use redis::{
    Arg, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value,
    aio::ConnectionLike as _,
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};
use tokio::time::sleep;

use crate::store::redis::{connector::CONNECTION_TIMEOUT, watched::PATIENCE};

/// Takes from the client what it does for commands that it believes may be sent again: of those that
/// had no answer it cannot know, and a commit would be made twice.
pub(super) fn without_repetition(client: ClusterClientBuilder) -> ClusterClientBuilder {
    client
        .retries(0)
        .response_timeout(PATIENCE)
        .connection_timeout(CONNECTION_TIMEOUT)
}

/// A connection to all servers of a Cluster.
#[derive(Clone)]
pub(super) struct Nodes {
    connection: ClusterConnection,
    /// Who took what was last written on this handle.
    writer: Option<SingleNodeRoutingInfo>,
}

impl From<ClusterConnection> for Nodes {
    fn from(connection: ClusterConnection) -> Self {
        let writer = None;
        Self { connection, writer }
    }
}

impl Nodes {
    /// Sends a command to the server that has its key, and again as long as a server says that it did
    /// not execute it. A `GET` is sent again in any case, and asks around after silence: the client,
    /// left to itself, would go on asking a server that another one has replaced. A `WAIT` goes to who
    /// took what it waits for; the client would ask all primaries, also one that is no more.
    ///
    /// It is for its caller to lose patience.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let mut reply = match &self.writer {
            Some(writer) if is(command, b"WAIT") => {
                let writer = RoutingInfo::SingleNode(writer.clone());
                return self.connection.route_command(command.clone(), writer).await;
            }
            _ => self.connection.req_packed_command(command).await,
        };
        self.writer = owner(command);
        loop {
            let error = match reply.and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            reply = match error.kind() {
                ErrorKind::Server(ServerErrorKind::Ask) => self.ask_there(command, &error).await,
                ErrorKind::Server(ServerErrorKind::Moved) => self.follow(command, &error).await,
                ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain) => {
                    sleep(PAUSE).await;
                    self.connection.req_packed_command(command).await
                }
                _ if error.is_timeout() && is(command, b"GET") => {
                    // Anyone else says who has it now.
                    let anyone = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                    self.connection.route_command(command.clone(), anyone).await
                }
                _ if error.code().is_none() && is(command, b"GET") => {
                    sleep(PAUSE).await;
                    self.connection.req_packed_command(command).await
                }
                _ => return Err(error),
            };
        }
    }

    /// Asks the server that has the slot now. The client looks for it, too, but may meet somebody who
    /// has not heard of it yet.
    async fn follow(&mut self, command: &Cmd, error: &RedisError) -> Result<Value, RedisError> {
        let there = error.redirect_node();
        if let Some(there) = there.and_then(|(address, _)| node(address)) {
            self.writer = Some(there.clone());
            let there = RoutingInfo::SingleNode(there);
            let reply = self.connection.route_command(command.clone(), there);
            match reply.await {
                Err(error) if error.kind() == ErrorKind::ClusterConnectionNotFound => {}
                reply => return reply,
            }
        }
        self.writer = owner(command);
        self.connection.req_packed_command(command).await
    }

    /// Asks the server that the slot of the key is on its way to.
    async fn ask_there(&mut self, command: &Cmd, error: &RedisError) -> Result<Value, RedisError> {
        let there = error.redirect_node();
        let Some(there) = there.and_then(|(address, _)| node(address)) else {
            return Err(error.clone());
        };
        self.writer = Some(there.clone());
        let mut asking = Pipeline::new();
        asking.cmd("ASKING").add_command(command.clone());
        // Of the two replies the second one.
        let replies = self.connection.route_pipeline(asking, 1, 1, there);
        replies.await?.pop().ok_or_else(|| error.clone())
    }

    pub(super) fn connection(&mut self) -> &mut ClusterConnection {
        &mut self.connection
    }

    pub(super) fn database(&self) -> i64 {
        self.connection.get_db()
    }
}

fn node(address: &str) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = address.rsplit_once(':')?;
    let (host, port) = (host.to_owned(), port.parse().ok()?);
    Some(SingleNodeRoutingInfo::ByAddress { host, port })
}

/// The primary that has the key of a script.
fn owner(command: &Cmd) -> Option<SingleNodeRoutingInfo> {
    if !is(command, b"EVALSHA") && !is(command, b"EVAL") {
        return None;
    }
    // Before it are the name, the script, and the number of keys.
    let Arg::Simple(key) = command.args_iter().nth(3)? else {
        return None;
    };
    let route = Route::with_key(key, SlotAddr::Master);
    Some(SingleNodeRoutingInfo::SpecificNode(route))
}

fn is(command: &Cmd, name: &[u8]) -> bool {
    matches!(command.args_iter().next(), Some(Arg::Simple(it)) if it == name)
}

/// Where a Cluster is being put in order.
const PAUSE: Duration = Duration::from_millis(25);
