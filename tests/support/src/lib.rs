//! What the tests share: a browser with a cookie jar, a clock that is moved by hand, and Redis and
//! other programs that run as long as a test needs them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod clock;
mod process;
mod redis;

pub use self::{
    browser::{Browser, Jar, Page},
    clock::Clock,
    process::{Program, free_address},
    redis::Redis,
};
