//! What Redis can say or hold that hurts: each ends in a defined state, with an event that says
//! why, and is over when its cause is.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod causes;
mod commands;
mod damage;
mod evictions;
mod meanwhile;
mod permissions;
mod places;
mod site;
mod table;
mod twins;
