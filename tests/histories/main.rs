//! What concurrent visitors were answered, at random: it must be explained by some order of what
//! they did, in which everything takes place at one moment between request and response.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod entries;
mod history;
mod sessions;
mod storms;
