//! Histories in which the answers of the store get lost: whoever is told that it failed does not
//! know, everybody else does.
#![cfg(feature = "redis")]

use crate::{common::race::race, entries::live};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_while_connections_fail_is_explained_by_some_order() {
    race("histories in a storm", 15, async |duo, seed| {
        live(duo, seed, Some(6)).await;
    })
    .await;
}
