//! A cluster of a test's own.

mod joining;
mod moving;
mod seen;

use std::{collections::BTreeSet, time::Duration};

pub use self::moving::Move;
use self::{
    joining::meet,
    seen::{agreement, has_slot, seen_by},
};
use crate::{certificates::Certificates, process::wait_until, redis::Redis, setup::Setup};

/// A Redis Cluster on ports of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts three primaries, each with so many replicas, that take a silent node for lost after
    /// `patience`.
    ///
    /// # Panics
    ///
    /// If they do not come together within half a minute.
    #[must_use]
    pub fn start(replicas: usize, patience: Duration) -> Self {
        Self::of(replicas, patience, node)
    }

    /// Starts three primaries that speak TLS, also with each other, and replace nobody.
    ///
    /// # Panics
    ///
    /// If they do not come together within half a minute.
    #[must_use]
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::of(0, Duration::from_secs(60), || {
            let node = Setup::new().with_tls(certificates, false);
            start(node.with(&["--tls-cluster", "yes"]))
        })
    }

    fn of(replicas: usize, patience: Duration, node: impl Fn() -> Redis) -> Self {
        let nodes: Vec<_> = (0..PRIMARIES * (1 + replicas)).map(|_| node()).collect();
        let (primaries, followers) = nodes.split_at(PRIMARIES);
        joining::share_slots(primaries);
        meet(&nodes);
        joining::follow(followers, primaries);
        let cluster = Self { nodes };
        cluster.settle();
        let patience = patience.as_millis().to_string();
        for node in &cluster.nodes {
            expect_ok(node, &["CONFIG", "SET", "cluster-node-timeout", &patience]);
        }
        cluster
    }

    /// Where its nodes can be reached, for this user: `""`, or `name:password@`.
    #[must_use]
    pub fn urls(&self, user: &str) -> Vec<String> {
        self.nodes.iter().map(|it| it.url_over_tcp(user)).collect()
    }

    /// Its nodes, also those that were killed.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Waits until every node that runs can serve, and all of them agree on who has what.
    ///
    /// # Panics
    ///
    /// If that takes longer than half a minute.
    pub fn settle(&self) {
        let running = || self.nodes.iter().filter(|it| it.is_running());
        let is_ok = |it: &Redis| it.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
        let is_linked = |it: &Redis| {
            let role = it.cli(&["ROLE"]);
            role.starts_with("master") || role.contains("connected")
        };
        wait_until("the cluster serves", || {
            let views: BTreeSet<_> = running().map(agreement).collect();
            views.len() == 1 && running().all(is_ok) && running().all(is_linked)
        });
    }

    /// The primary that has the slot of this key.
    ///
    /// # Panics
    ///
    /// If nobody says that he has it, within half a minute.
    #[must_use]
    pub fn primary_of(&self, key: &str) -> &Redis {
        let slot = self.slot_of(key);
        let has_it = |it: &&Redis| it.is_running() && has_slot(it, slot);
        wait_until("somebody has the slot", || {
            self.nodes.iter().any(|it| has_it(&it))
        });
        self.nodes.iter().find(has_it).unwrap()
    }

    /// The slot of a key.
    ///
    /// # Panics
    ///
    /// If no node runs.
    #[must_use]
    pub fn slot_of(&self, key: &str) -> u16 {
        let slot = self.somebody().cli(&["CLUSTER", "KEYSLOT", key]);
        slot.parse().unwrap()
    }

    /// Moves the slot of this key, and all that is in it, to the next primary, key by key.
    ///
    /// # Panics
    ///
    /// If a node refuses its part.
    pub fn move_slot_of(&self, key: &str) {
        let from = self.primary_of(key);
        let primaries = seen_by(from)
            .into_iter()
            .filter(|it| it.is_primary && !it.is_lost);
        let primaries: Vec<_> = primaries.map(|it| it.port).collect();
        let from_port = from.address().port();
        let at = primaries.iter().position(|it| *it == from_port).unwrap();
        let to = self.at(primaries[(at + 1) % primaries.len()]);
        self.begin_to_move(key, to).end();
    }

    /// Begins to move the slot of this key to `to`: what is in it is still where it was.
    ///
    /// # Panics
    ///
    /// If a node refuses its part.
    #[must_use]
    pub fn begin_to_move<'a>(&'a self, key: &str, to: &'a Redis) -> Move<'a> {
        Move::begin(self.primary_of(key), to, self.slot_of(key).to_string())
    }

    /// Starts one more primary, without a slot.
    ///
    /// # Panics
    ///
    /// If it does not join within half a minute.
    pub fn grow(&mut self) -> &Redis {
        self.nodes.push(node());
        meet(&self.nodes);
        self.settle();
        self.nodes.last().unwrap()
    }

    /// Lets the nodes tell clients that they are at these ports, one for each.
    ///
    /// # Panics
    ///
    /// If they do not all know within half a minute.
    pub fn announce(&self, ports: &[u16]) {
        for (node, port) in self.nodes.iter().zip(ports) {
            let port = port.to_string();
            expect_ok(node, &["CONFIG", "SET", "cluster-announce-port", &port]);
        }
        let ports: BTreeSet<_> = ports.iter().copied().collect();
        let knows = |it| {
            seen_by(it)
                .iter()
                .map(|it| it.port)
                .collect::<BTreeSet<_>>()
                == ports
        };
        wait_until("all know the new ports", || self.nodes.iter().all(knows));
    }

    /// Starts those that were killed again.
    pub fn restart(&mut self) {
        let killed = self.nodes.iter_mut().filter(|it| !it.is_running());
        killed.for_each(Redis::restart);
        self.settle();
    }

    fn somebody(&self) -> &Redis {
        let mut running = self.nodes.iter().filter(|it| it.is_running());
        running.next().expect("a node runs")
    }

    fn at(&self, port: u16) -> &Redis {
        let mut nodes = self.nodes.iter();
        nodes.find(|it| it.address().port() == port).unwrap()
    }
}

/// An empty node that knows nobody.
fn node() -> Redis {
    start(Setup::new().with_port())
}

fn start(node: Setup) -> Redis {
    let node = node.with(&["--cluster-enabled", "yes"]);
    // The less patience they have, the more they talk to each other.
    let node = node.with(&["--cluster-node-timeout", "500"]);
    node.with(&["--repl-diskless-sync-delay", "0"]).start()
}

fn expect_ok(node: &Redis, command: &[&str]) {
    assert_eq!(node.cli(command), "OK", "{command:?}");
}

const PRIMARIES: usize = 3;
