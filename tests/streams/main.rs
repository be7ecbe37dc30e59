//! Sessions that live on after the head of the response, in streams and web sockets, over real
//! sockets: what a client sees of them from outside.
#![cfg(all(feature = "axum", feature = "redis"))]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod events;
mod grpc;
mod length;
mod script;
mod site;
mod sockets;
