//! What sessions keep of memory.

use std::pin::Pin;

use futures::poll;
use tower::{Layer, ServiceExt as _, service_fn, util::ServiceFn};

use crate::{
    ALLOCATOR, BoxError,
    contender::{in_memory, in_redis, run},
    ours, peer,
    visitor::{Answers, Body, Visitor},
};

/// What was measured.
pub(crate) struct Memory {
    /// What requests add that are with their handlers.
    pub(crate) in_flight: Vec<(String, Taken)>,
    /// What each of many sessions keeps in a store.
    pub(crate) stored: Vec<(&'static str, i64)>,
}

/// What was asked of the allocator, for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) live: i64,
    /// With what was given back since.
    pub(crate) allocated: i64,
}

pub(crate) fn measure() -> Result<Memory, BoxError> {
    run(async {
        Ok(Memory {
            in_flight: in_flight().await?,
            stored: stored().await?,
        })
    })
}

async fn in_flight() -> Result<Vec<(String, Taken)>, BoxError> {
    let mut rows = Vec::new();
    for (store, layer) in [
        ("MemoryStore", in_memory()),
        ("RedisStore", in_redis().await?),
    ] {
        let eager = Visitor::known(layer, ours::fill).await?;
        let lazy = ours::lazy(eager.clone());
        rows.extend([
            (format!("{store}, eager"), eager.held(ours::hold).await?),
            (
                format!("{store}, lazy, unasked"),
                lazy.held(ours::hold).await?,
            ),
            (
                format!("{store}, lazy, read"),
                lazy.held(ours::hold_loaded).await?,
            ),
        ]);
    }
    let peer = Visitor::known(peer::layer(), peer::fill).await?;
    let name = |state| format!("tower-sessions, {state}");
    rows.push((name("unasked"), peer.held(peer::hold).await?));
    rows.push((name("read"), peer.held(peer::hold_loaded).await?));
    Ok(rows)
}

async fn stored() -> Result<Vec<(&'static str, i64)>, BoxError> {
    let before = live();
    let memory = Visitor::new(in_memory());
    memory.send(true, SESSIONS, ours::fill).await?;
    let between = live();
    let peer = Visitor::new(peer::layer());
    peer.send(true, SESSIONS, peer::fill).await?;
    let after = live();
    Ok(vec![
        ("MemoryStore", (between - before) / SESSIONS as i64),
        ("tower-sessions", (after - between) / SESSIONS as i64),
    ])
}

impl<L> Visitor<L> {
    /// What the layer adds to requests that a handler never answers.
    async fn held<H, B>(&self, handler: H) -> Result<Taken, BoxError>
    where
        H: Clone,
        L: Layer<ServiceFn<H>>,
        L::Service: Answers<B>,
        ServiceFn<H>: Answers<Body>,
    {
        let service = service_fn(handler);
        let layered = || self.layer.layer(service.clone());
        // What is made once, for all requests, is made before.
        self.hold(layered()).await?;
        let with = self.hold(layered()).await?;
        let without = self.hold(service.clone()).await?;
        Ok(Taken {
            live: (with.live - without.live) / REQUESTS,
            allocated: (with.allocated - without.allocated) / REQUESTS,
        })
    }

    async fn hold<B>(&self, mut service: impl Answers<B>) -> Result<Taken, BoxError> {
        let mut held: Vec<Pin<Box<_>>> = Vec::new();
        let (live_before, before) = (live(), ALLOCATOR.stats());
        for _ in 0..REQUESTS {
            let mut response = Box::pin(service.ready().await?.call(self.request()));
            if poll!(&mut response).is_ready() {
                return Err("a handler let go of its request".into());
            }
            held.push(response);
        }
        let change = ALLOCATOR.stats() - before;
        Ok(Taken {
            live: live() - live_before,
            allocated: i64::try_from(change.bytes_allocated)?,
        })
    }
}

fn live() -> i64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}

const REQUESTS: i64 = 1_000;
const SESSIONS: u64 = 100_000;
