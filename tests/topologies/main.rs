//! Wherever Redis is, and whoever takes over there: the same laws, and the same story.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod everywhere;
mod failover;
mod load;
mod resends;
mod resharding;
mod secured;
mod sentinels;
mod shards;
mod site;
mod waiting;
