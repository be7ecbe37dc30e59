//! What overlapping requests do to each other on two servers, over real sockets, on every store.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod at_once;
mod elsewhere;
mod finishing;
mod gone;
mod log_outs;
mod redirects;
mod rotation;
mod sign_ins;
mod writers;
