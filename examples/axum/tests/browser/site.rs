//! The site that the browser visits: the example, with its sessions in Redis.

use session_test_support::{Curl, Example, Http, Instance, Redis, Setup};

use crate::gate::Gate;

/// The example and its Redis; both end when this is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    instance: Instance,
    redis: Redis,
}

impl Site {
    /// Starts Redis, and the example on it.
    pub(crate) fn start() -> Self {
        let redis = Setup::new().with_port().start();
        let instance = instance(&redis.url());
        Self { instance, redis }
    }

    /// The page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.instance.address())
    }

    /// The page by another name of this machine.
    pub(crate) fn url_at(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.instance.address().port())
    }

    /// A visitor without a browser.
    pub(crate) fn visitor(&self) -> Curl {
        self.instance.visitor()
    }

    /// A gate on the way from browsers to the example.
    pub(crate) async fn gate(&self) -> Gate {
        Gate::to(self.instance.address()).await
    }

    /// A second instance, and a gate on its way to the same Redis.
    pub(crate) async fn instance_behind_a_gate(&self) -> (Instance, Gate) {
        let gate = Gate::to(self.redis.address()).await;
        (instance(&format!("redis://{}", gate.address())), gate)
    }
}

fn instance(redis: &str) -> Instance {
    let example = Example::new(env!("CARGO_BIN_EXE_example-axum"), Http::One);
    example.start(&[("REDIS_URL", redis)]).0
}
