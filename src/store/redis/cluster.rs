//! Commands to a Cluster.

use std::time::Duration;

use redis::{
    Cmd, ErrorKind, RedisError, ServerErrorKind, Value,
    aio::ConnectionLike as _,
    cluster::{ClusterClient, ClusterClientBuilder, ClusterConfig},
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo, Slot},
};
use tokio::time::sleep;

use crate::store::redis::{lost::LostShards, question::Question, watched::PATIENCE};

/// Takes from the client what it does for commands that it believes may be sent again: of those that
/// had no answer it cannot know, and a commit would be made twice.
pub(super) fn without_repetition(client: ClusterClientBuilder) -> ClusterClientBuilder {
    client.retries(0).response_timeout(PATIENCE)
}

/// A connection to all servers of a Cluster.
#[derive(Clone)]
pub(super) struct Nodes {
    connection: ClusterConnection,
    lost: LostShards,
}

impl Nodes {
    /// Connects to all servers. With as little patience for each of them as leads to all: nobody is served
    /// while the client waits for a connection to a server that is gone, as often as it does. Those that
    /// are far away, or have much to do for TLS, need more.
    pub(super) async fn connect(client: &ClusterClient) -> Result<Self, RedisError> {
        let quickly = Self::connect_within(client, LITTLE_PATIENCE).await;
        if let Ok((nodes, 0)) = quickly {
            return Ok(nodes);
        }
        match (quickly, Self::connect_within(client, PATIENCE).await) {
            (Ok((nodes, missing)), Ok((_, still))) if missing <= still => Ok(nodes),
            (Ok((nodes, _)), Err(_)) | (_, Ok((nodes, _))) => Ok(nodes),
            (Err(_), Err(error)) => Err(error),
        }
    }

    /// Also says how many servers are out of reach.
    async fn connect_within(
        client: &ClusterClient,
        patience: Duration,
    ) -> Result<(Self, usize), RedisError> {
        let config = ClusterConfig::new()
            .set_connection_timeout(patience)
            .set_response_timeout(PATIENCE);
        let mut nodes = Self {
            connection: client.get_async_connection_with_config(config).await?,
            lost: LostShards::default(),
        };
        // What the client has just learnt, too.
        nodes.learn().await;
        nodes.lost.client_was_told();
        // This asks those that the client has a connection to. To ask for another one would let it
        // connect to everybody anew.
        let everybody = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, None));
        let ping = nodes
            .connection
            .route_command(redis::cmd("PING"), everybody);
        let reached = match ping.await {
            Ok(Value::Map(replies)) => replies.len(),
            _ => 0,
        };
        let missing = nodes.lost.count_servers().saturating_sub(reached);
        Ok((nodes, missing))
    }

    /// Sends what is asked to the server that has its key, and again as long as a server says that it
    /// did not execute it. What only reads is sent again in any case, and asks around after silence: the
    /// client, left to itself, would go on asking a server that another one has replaced.
    ///
    /// It is for its caller to lose patience.
    pub(super) async fn ask(&mut self, question: Question<'_>) -> Result<Vec<Value>, RedisError> {
        let mut slot = question.slot();
        self.lost.wait_for_a_turn(slot).await;
        let mut was_moved = false;
        let mut replies = question.of_the_owner(&mut self.connection).await;
        loop {
            let error = match replies {
                Ok(replies) => {
                    self.lost.found(slot);
                    return Ok(replies);
                }
                Err(error) => error,
            };
            replies = match error.kind() {
                ErrorKind::Server(ServerErrorKind::Ask) => self.ask_there(question, &error).await,
                ErrorKind::Server(ServerErrorKind::Moved) => {
                    // The client looks for the owner by itself. It may meet somebody who has not heard of
                    // a new one yet, or have no connection to the one that it knows.
                    if let Some((address, its_slot)) = error.redirect_node() {
                        slot = Slot::new(its_slot);
                        if self.lost.moved(address, its_slot) {
                            self.learn().await;
                            if was_moved {
                                sleep(PAUSE).await;
                            }
                            was_moved = true;
                        }
                    }
                    self.lost.client_was_told();
                    self.lost.wait_for_a_turn(slot).await;
                    question.of_the_owner(&mut self.connection).await
                }
                ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::TryAgain) => {
                    sleep(PAUSE).await;
                    question.of_the_owner(&mut self.connection).await
                }
                _ if error.is_timeout() && question.reads() => self.ask_around(question).await,
                _ if error.code().is_none() && question.reads() => {
                    sleep(PAUSE).await;
                    question.of_the_owner(&mut self.connection).await
                }
                _ => return Err(error),
            };
        }
    }

    /// Asks again after silence. Only if somebody took over meanwhile, anyone is asked, who says so to the
    /// client as well: it would also wait for the silent one, and serve nobody.
    async fn ask_around(&mut self, question: Question<'_>) -> Result<Vec<Value>, RedisError> {
        self.learn().await;
        if !self.lost.client_is_outdated() {
            return question.of_the_owner(&mut self.connection).await;
        }
        let anyone = SingleNodeRoutingInfo::Random;
        question.of(&mut self.connection, anyone).await
    }

    /// Asks the server that the slot of the key is on its way to, if it has slots already. Otherwise the
    /// client does not know it, and looking for it would let it connect to everybody anew: there it
    /// has to be waited until the slot has arrived.
    async fn ask_there(
        &mut self,
        question: Question<'_>,
        error: &RedisError,
    ) -> Result<Vec<Value>, RedisError> {
        let address = error.redirect_node().map(|(address, _)| address);
        let there = address.filter(|it| self.lost.has_slots(it)).and_then(node);
        if let Some(there) = there {
            match question.of_the_importer(&mut self.connection, there).await {
                Err(error) if error.kind() == ErrorKind::ClusterConnectionNotFound => {}
                replies => return replies,
            }
        }
        sleep(LONG_PAUSE).await;
        self.learn().await;
        question.of_the_owner(&mut self.connection).await
    }

    /// Asks anybody who has what.
    async fn learn(&mut self) {
        let anyone = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        let mut slots = Cmd::new();
        slots.arg("CLUSTER").arg("SLOTS");
        if let Ok(slots) = self.connection.route_command(slots, anyone).await {
            self.lost.learn(slots);
        }
    }

    /// Whether there has been no way to a server for so long that another connection may find one: it
    /// has more patience if it needs that.
    pub(super) fn is_stuck(&self) -> bool {
        self.lost.is_stuck()
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

/// Where a Cluster is being put in order.
const PAUSE: Duration = Duration::from_millis(25);

/// Until a slot has arrived.
const LONG_PAUSE: Duration = Duration::from_millis(100);

/// For a connection.
const LITTLE_PATIENCE: Duration = Duration::from_millis(100);
