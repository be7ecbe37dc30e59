//! A Redis server with replicas, and Sentinels that watch over them.

use std::time::Duration;

use crate::{certificates::Certificates, process::wait_until, redis::Redis, setup::Setup};

/// One primary, two replicas and three Sentinels, on ports of their own; they end when this is
/// dropped.
#[derive(Debug)]
pub struct Sentinels {
    // These end first, or they would look for a new primary.
    sentinels: Vec<Redis>,
    servers: Vec<Redis>,
}

impl Sentinels {
    /// What the Sentinels call the servers.
    pub const NAME: &str = "sessions";

    /// Starts them; a primary that is silent for `patience` is replaced.
    ///
    /// # Panics
    ///
    /// If they do not find each other within half a minute.
    #[must_use]
    pub fn start(patience: Duration) -> Self {
        Self::of(patience, || Setup::new().with_port())
    }

    /// Starts them so that all speak TLS, and replace nobody.
    ///
    /// # Panics
    ///
    /// If they do not find each other within half a minute.
    #[must_use]
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Self::of(Duration::from_secs(60), || {
            let setup = Setup::new().with_tls(certificates, false);
            setup.with(&["--tls-replication", "yes"])
        })
    }

    fn of(patience: Duration, setup: impl Fn() -> Setup) -> Self {
        let replicated = || setup().with(&["--repl-diskless-sync-delay", "0"]);
        let primary = replicated().start();
        let port = primary.address().port().to_string();
        let replica = |_| {
            replicated()
                .with(&["--replicaof", "127.0.0.1", &port])
                .start()
        };
        let mut servers: Vec<_> = (0..REPLICAS).map(replica).collect();
        servers.insert(0, primary);
        let config = format!(
            "sentinel monitor {name} 127.0.0.1 {port} 2\n\
             sentinel down-after-milliseconds {name} {patience}\n\
             sentinel failover-timeout {name} 3000\n",
            name = Self::NAME,
            patience = patience.as_millis(),
        );
        let sentinel = |_| {
            let sentinel = setup().with_config(config.clone());
            sentinel.with(&["--sentinel"]).start()
        };
        let sentinels = (0..SENTINELS).map(sentinel).collect();
        let group = Self { sentinels, servers };
        group.settle();
        group
    }

    /// Where the Sentinels can be reached.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let urls = self.sentinels.iter().map(|it| it.url_over_tcp(""));
        urls.collect()
    }

    /// The server that the Sentinels take for the primary.
    ///
    /// # Panics
    ///
    /// If they know of none.
    #[must_use]
    pub fn primary(&self) -> &Redis {
        let address = ["SENTINEL", "get-master-addr-by-name", Self::NAME];
        let address = self.sentinels[0].cli(&address);
        let port = address.lines().nth(1).unwrap();
        let mut servers = self.servers.iter();
        let is_it = |it: &&Redis| it.address().port().to_string() == port;
        servers.find(is_it).expect("the primary is one of us")
    }

    /// Waits until every Sentinel knows the others, and a primary with replicas that follow it.
    ///
    /// # Panics
    ///
    /// If that takes longer than half a minute.
    pub fn settle(&self) {
        wait_until("the sentinels know each other", || {
            self.sentinels.iter().all(knows_all)
        });
        let running = || self.servers.iter().filter(|it| it.is_running());
        let replicas = running().count() - 1;
        wait_until("the replicas follow", || {
            let replication = self.primary().cli(&["INFO", "replication"]);
            replication.matches("state=online").count() == replicas
        });
    }

    /// Starts those that were killed again, as replicas.
    ///
    /// # Panics
    ///
    /// If they do not follow within half a minute.
    pub fn restart(&mut self) {
        let killed = self.servers.iter_mut().filter(|it| !it.is_running());
        killed.for_each(Redis::restart);
        self.settle();
    }
}

fn knows_all(sentinel: &Redis) -> bool {
    let state = sentinel.cli(&["SENTINEL", "master", Sentinels::NAME]);
    let mut lines = state.lines();
    let mut is = |name: &str, expected: usize| {
        lines.find(|it| *it == name);
        lines.next() == Some(&expected.to_string())
    };
    is("num-slaves", REPLICAS) && is("num-other-sentinels", SENTINELS - 1)
}

const REPLICAS: usize = 2;
const SENTINELS: usize = 3;
