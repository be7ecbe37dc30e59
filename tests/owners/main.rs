//! Whose sessions there are: seen, ended and limited, on two servers, whatever dies in between.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod arrival;
mod cost;
mod crash;
mod elsewhere;
mod events;
mod finality;
mod fuse;
mod limits;
mod lists;
mod odd_cookies;
mod revocations;
mod scale;
mod site;
mod told;
mod trouble;
mod unlisted;
