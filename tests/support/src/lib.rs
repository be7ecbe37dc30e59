//! What the tests share: a browser with a cookie jar, servers on real sockets, a clock that is
//! moved by hand, Redis and other programs that run as long as a test needs them, and the stories
//! of the examples, whose visitors are `curl` and clients in Python.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod certificates;
mod clock;
mod cluster;
mod curl;
mod example;
mod port;
mod process;
mod proxy;
mod python;
mod redis;
mod secrets;
mod sentinels;
mod servers;
mod setup;
pub mod stories;
mod wire;

pub use self::{
    browser::{Browser, Jar, Page},
    certificates::Certificates,
    clock::Clock,
    cluster::{Cluster, Move},
    curl::{Curl, Http},
    example::{Example, Instance},
    port::Port,
    process::{Program, Server, free_address, output, wait_until},
    proxy::{Fault, Proxy},
    python::{Python, python},
    redis::Redis,
    secrets::{assert_tells_no_secret, assert_tells_nothing_of, contains},
    sentinels::Sentinels,
    servers::server,
    setup::Setup,
    wire::{Host, Wire},
};
