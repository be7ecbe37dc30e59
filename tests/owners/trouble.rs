//! Redis that refuses, or holds something else where the account of an owner should be.
#![cfg(feature = "redis")]

use http::StatusCode;
use session_test_support::{Browser, Redis, Setup, server};
use tower_session_layer::SessionErrorKind;

use crate::{
    common::{
        app::{App, app},
        log::Log,
        visitor::{COOKIE, layer_on},
    },
    site::{id_of, ids, sorted},
};

/// Servers of all versions and makes.
fn servers() -> Vec<(&'static str, Redis)> {
    let others = [
        #[cfg(target_arch = "x86_64")]
        "redis-5",
        "redis-6.2",
        "valkey",
    ];
    let others = others.map(|name| (name, Setup::new().with_server(server(name)).start()));
    let usual = ("the usual one", Redis::start());
    [usual].into_iter().chain(others).collect()
}

#[tokio::test]
async fn an_account_of_another_type_makes_way_for_the_next_sign_in() {
    for (name, redis) in servers() {
        let layer = layer_on(&redis).await;
        let visitor = || Browser::new(app(&layer));
        for poison in [
            &["SET", KEY, "x"][..],
            &["RPUSH", KEY, "x"],
            &["HSET", KEY, "x", "y"],
            &["SADD", KEY, "x"],
        ] {
            let case = format!("{name}: {poison:?}");
            let old = visitor();
            old.get("/sign_in/owner:ann").await;
            let _ = redis.cli(&["DEL", KEY]);
            let _ = redis.cli(poison);
            assert_eq!(ids(&layer.sessions(), "ann").await, [], "{case}");
            // Nobody needs the account to go on, or to log out.
            assert_eq!(old.get("/insert:a:1/get_owner").await.text, "ann", "{case}");
            let leaving = visitor();
            leaving.get("/sign_in/owner:bob").await;
            assert_eq!(leaving.get("/destroy").await.status, 200, "{case}");
            let new = visitor();
            assert_eq!(new.get("/sign_in/owner:ann").await.status, 200, "{case}");
            let id = id_of(&new).await;
            assert_eq!(ids(&layer.sessions(), "ann").await, [id], "{case}");
            old.get("/sign_in/owner:ann").await;
            let both = sorted([id, id_of(&old).await]);
            assert_eq!(ids(&layer.sessions(), "ann").await, both, "{case}");
            assert_eq!(
                layer.sessions().revoke_all("ann").await.unwrap(),
                2,
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_session_in_an_account_is_listed_by_nobody() {
    let redis = Redis::start();
    let layer = layer_on(&redis).await;
    let visitor = Browser::new(app(&layer));
    visitor.get("/sign_in/owner:ann").await;
    let id = id_of(&visitor).await;
    for member in [
        "",
        "x",
        "sixteen-letters!",
        "+sixteen-letters",
        "+sixteen-letters!",
    ] {
        let _ = redis.cli(&["ZADD", KEY, "9999999999999", member]);
    }
    assert_eq!(ids(&layer.sessions(), "ann").await, [id]);
    assert_eq!(layer.sessions().revoke_all("ann").await.unwrap(), 1);
    assert_eq!(ids(&layer.sessions(), "ann").await, []);
}

/// What is said to Redis, what it says then, what ends it, and whether a log-out works meanwhile.
type Row = (
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
    bool,
);

const ROWS: [Row; 2] = [
    (
        &["CONFIG", "SET", "maxmemory", "1"],
        "OOM",
        &["CONFIG", "SET", "maxmemory", "0"],
        true,
    ),
    (
        &["REPLICAOF", "127.0.0.1", "1"],
        "READONLY",
        &["REPLICAOF", "NO", "ONE"],
        false,
    ),
];

#[tokio::test]
async fn a_redis_that_refuses_is_answered_logged_and_got_over() {
    for (name, redis) in servers() {
        for row in ROWS {
            let case = format!("{name}: {}", row.1);
            play(&redis, row, &case).await;
        }
    }
}

async fn play(redis: &Redis, (begin, event, end, lets_go): Row, case: &str) {
    let layer = layer_on(redis).await;
    let sessions = layer.sessions();
    let all = [(); 3].map(|()| Browser::new(app(&layer)));
    let [ann, leaving, revoked] = &all;
    for visitor in &all {
        visitor.get("/sign_in/owner:ann").await;
    }
    let ann_alone = id_of(ann).await;
    let of_all = sorted([ann_alone, id_of(leaving).await, id_of(revoked).await]);
    assert_eq!(redis.cli(begin), "OK", "{case}");
    for visitor in [ann, &Browser::new(app(&layer))] {
        refused(visitor, event, case).await;
    }
    assert_eq!(ids(&sessions, "ann").await, of_all, "{case}");
    let page = leaving.get("/destroy").await;
    assert_eq!(page.status == StatusCode::OK, lets_go, "{case}");
    match sessions.revoke(id_of(revoked).await).await {
        Ok(was_ended) => assert!(was_ended && lets_go, "{case}"),
        Err(error) => assert!(
            error.kind() == SessionErrorKind::Store && !lets_go,
            "{case}"
        ),
    }
    assert_eq!(redis.cli(end), "OK", "{case}");
    let left = if lets_go { vec![ann_alone] } else { of_all };
    assert_eq!(ids(&sessions, "ann").await, left, "{case}");
    assert_eq!(ann.get("/sign_in/owner:ann").await.status, 200, "{case}");
    let ended = sessions.revoke_all("ann").await.unwrap();
    assert_eq!(ended, left.len(), "{case}");
}

/// A sign-in that is not let in, keeps its cookie, and is logged with what Redis said.
async fn refused(visitor: &Browser<App>, event: &str, case: &str) {
    let log = Log::start();
    let cookie = visitor.jar().get(COOKIE);
    let page = visitor.get("/sign_in/owner:ann").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{case}");
    assert_eq!(visitor.jar().get(COOKIE), cookie, "{case}");
    let (said, expected) = (log.take(), format!("redis answered {event}"));
    assert!(said.contains(&expected), "{case}: {said}");
}

const KEY: &str = "session:owner:ann";
