//! What visitors notice when Redis, or the way to it, fails in all the ways there are.
#![cfg(feature = "redis")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod customer;
mod ledger;
mod parallel;
mod site;
mod soak;
mod table;
mod trouble;
mod visits;
mod within;
