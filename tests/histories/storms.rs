//! Histories in which the answers of the store get lost: whoever is told that it failed does not
//! know, everybody else does.
#![cfg(feature = "redis")]

use crate::{
    common::{duo::hasty_duos, race::race_on},
    entries::live,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_while_connections_fail_is_explained_by_some_order() {
    let duos = hasty_duos().await;
    race_on(duos, "histories in a storm", 15, async |duo, seed| {
        live(duo, seed, Some(6)).await;
    })
    .await;
}
