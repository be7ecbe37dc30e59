//! Requests that all load before any of them saves: nothing is lost.

use futures::future::join_all;
use http::StatusCode;

use crate::common::{duo::Duo, race::race};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_six_writers_of_different_keys_all_survive() {
    race("different keys", 1000, different_keys).await;
}

pub(super) async fn different_keys(duo: &Duo, _: usize) {
    let visitor = duo.visitor();
    visitor[0].get("/insert:a:first").await;
    let keys: Vec<_> = ('a'..='z').map(String::from).collect();
    let paths: Vec<_> = keys
        .iter()
        .map(|key| format!("/meet:all:26/insert:{key}:1"))
        .collect();
    let visits = paths.iter().enumerate();
    let visits = visits.map(|(at, path)| visitor[at % 2].get(path));
    for page in join_all(visits).await {
        let seen = (page.status, page.set_cookie());
        assert_eq!(seen, (StatusCode::OK, None), "nobody is in anybody's way");
    }
    let page = visitor[1].get("/keys/get:a").await;
    let expected = format!("{} 1", keys.join(","));
    assert_eq!(page.text, expected, "what was answered is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_increments_make_fifty_and_each_answer_counts_once() {
    race("increments", 200, fifty_increments).await;
}

pub(super) async fn fifty_increments(duo: &Duo, round: usize) {
    let is_told = round % 2 == 1;
    let update = if is_told { "update_now" } else { "update" };
    increments(duo, &format!("/meet:all:50/{update}:n"), is_told).await;
}

async fn increments(duo: &Duo, path: &str, is_told: bool) {
    let visitor = duo.visitor();
    visitor[0].get("/insert:a:1").await;
    let pages = join_all((0..50).map(|at| visitor[at % 2].get(path))).await;
    let is_acknowledged = |status| status == StatusCode::OK;
    let statuses: Vec<_> = pages.iter().map(|page| page.status.as_u16()).collect();
    let acknowledged = pages.iter().filter(|page| is_acknowledged(page.status));
    let stored = visitor[1].get("/get:n").await.text;
    assert_eq!(
        stored,
        acknowledged.count().to_string(),
        "{path}: what is stored, and what was answered: {statuses:?}"
    );
    assert_eq!(stored, "50", "{path}: nobody has to give up: {statuses:?}");
    if is_told {
        let mut told: Vec<u64> = pages.iter().map(|it| it.text.parse().unwrap()).collect();
        told.sort_unstable();
        assert_eq!(told, Vec::from_iter(1..=50), "each count is told once");
    }
}
