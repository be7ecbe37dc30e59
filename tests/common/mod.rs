//! What the integration tests share: an app that is told what to do by its paths, and stores.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

pub(crate) mod app;
pub(crate) mod log;
pub(crate) mod stores;
pub(crate) mod visitor;
