//! What the integration tests share: an app that is told what to do by its paths,
//! stores, and pairs of servers on them.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub(crate) mod app;
#[cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]
pub(crate) mod connectors;
pub(crate) mod dice;
pub(crate) mod duo;
pub(crate) mod log;
pub(crate) mod places;
pub(crate) mod race;
pub(crate) mod said;
pub(crate) mod stores;
pub(crate) mod visitor;
