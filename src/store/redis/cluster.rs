//! Commands to a Cluster.

use std::time::Duration;

use redis::{
    Arg, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value,
    aio::ConnectionLike as _,
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
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

/// Sends a command to the server that has its key, and again as long as a server says that it did
/// not execute it. A `GET` is sent again in any case, and asks around after silence: the client, left
/// to itself, would go on asking a server that another one has replaced.
///
/// It is for its caller to lose patience.
pub(super) async fn ask(
    connection: &mut ClusterConnection,
    command: &Cmd,
) -> Result<Value, RedisError> {
    let mut reply = connection.req_packed_command(command).await;
    loop {
        let error = match reply.and_then(Value::extract_error) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        reply = match error.kind() {
            ErrorKind::Server(ServerErrorKind::Ask) => ask_there(connection, command, &error).await,
            // The client learns from it where the slot is.
            ErrorKind::Server(ServerErrorKind::Moved) => {
                connection.req_packed_command(command).await
            }
            ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain) => {
                sleep(PAUSE).await;
                connection.req_packed_command(command).await
            }
            _ if error.is_timeout() && is_get(command) => {
                // Anyone else says who has it now.
                let anyone = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
                connection.route_command(command.clone(), anyone).await
            }
            _ if error.code().is_none() && is_get(command) => {
                sleep(PAUSE).await;
                connection.req_packed_command(command).await
            }
            _ => return Err(error),
        };
    }
}

/// Asks the server that the slot of the key is on its way to.
async fn ask_there(
    connection: &mut ClusterConnection,
    command: &Cmd,
    error: &RedisError,
) -> Result<Value, RedisError> {
    let Some(there) = error.redirect_node().and_then(|(address, _)| node(address)) else {
        return Err(error.clone());
    };
    let mut asking = Pipeline::new();
    asking.cmd("ASKING").add_command(command.clone());
    // Of the two replies the second one.
    let mut replies = connection.route_pipeline(asking, 1, 1, there).await?;
    replies.pop().ok_or_else(|| error.clone())
}

fn node(address: &str) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = address.rsplit_once(':')?;
    let (host, port) = (host.to_owned(), port.parse().ok()?);
    Some(SingleNodeRoutingInfo::ByAddress { host, port })
}

fn is_get(command: &Cmd) -> bool {
    matches!(command.args_iter().next(), Some(Arg::Simple(b"GET")))
}

/// Where a Cluster is being put in order.
const PAUSE: Duration = Duration::from_millis(25);
