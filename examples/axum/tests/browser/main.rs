//! The example in a real browser: Chromium, driven through its own driver, with the sessions in a
//! real Redis. `scripts/test` installs both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod browser;
mod cookie;
mod devices;
mod driver;
mod elsewhere;
mod gate;
mod leaving;
mod looks;
mod other_sites;
mod restarts;
mod site;
mod tab;
mod visits;
mod wait;
