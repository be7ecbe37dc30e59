//! What the tests share: a browser with a cookie jar, servers on real sockets, a clock that is
//! moved by hand, Redis and other programs that run as long as a test needs them, and the stories
//! of the examples, whose visitors are `curl` and clients in Python.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod clock;
mod curl;
mod example;
mod process;
mod proxy;
mod python;
mod redis;
mod secrets;
pub mod stories;
mod wire;

pub use self::{
    browser::{Browser, Jar, Page},
    clock::Clock,
    curl::{Curl, Http},
    example::{Example, Instance},
    process::{Program, Server, free_address, output},
    proxy::Proxy,
    python::{Python, python},
    redis::Redis,
    secrets::{assert_tells_no_secret, assert_tells_nothing_of, contains},
    wire::{Host, Wire},
};
