//! The least that a user of Redis must be allowed.

use bb8::Pool;
use session_test_support::{Browser, Redis, Setup, server};
use tower_session_layer::{
    AtLimit, RedisStore, SessionLayer,
    store::redis::{Connector, Watched},
};

use crate::{
    common::{
        app::{App, app},
        log::Log,
        stores::{LEAST_PERMISSIONS as LEAST, PERMISSIONS_FOR_OWNERS as FOR_OWNERS},
        visitor::with_pause,
    },
    site::{layer_at, tell, url_of, visitor_at},
};

#[test]
fn the_documentation_says_what_is_tested() {
    for page in [
        include_str!("../../src/store/redis/mod.rs"),
        include_str!("../../docs/operations.md"),
    ] {
        assert!(page.contains(LEAST) && page.contains(FOR_OWNERS));
    }
}

#[tokio::test]
async fn the_least_permissions_are_enough_for_everything() {
    let servers = ["redis-6.2", "valkey"].map(|name| Setup::new().with_server(server(name)));
    for setup in [Setup::new()].into_iter().chain(servers) {
        let redis = setup.start();
        allow(&redis, LEAST);
        for protocol in ["resp2", "resp3"] {
            let url = format!("{}&protocol={protocol}", url(&redis));
            let browser = visitor_at(&url).await;
            let log = Log::start();
            assert_eq!(everything(&browser).await, None, "{protocol}");
            assert_eq!(log.take(), "", "{protocol}");
            assert_eq!(refused(&redis), "", "{protocol}");
        }
    }
}

#[tokio::test]
async fn none_of_the_least_permissions_is_too_many() {
    let rows = [
        ("-get", "/insert:a:1"),
        ("-set", "/insert:a:1"),
        ("-del", "/destroy"),
        ("-time", "/insert:a:1"),
        ("-eval", "/insert:a:1"),
        ("-evalsha", "/insert:a:1"),
        ("resetkeys", "/insert:a:1"),
    ];
    assert_eq!(rows.len(), LEAST.split(' ').count());
    for (removed, broken) in rows {
        let redis = Redis::start();
        allow(&redis, LEAST);
        let browser = visitor_at(&url(&redis)).await;
        tell(&redis, "SCRIPT FLUSH");
        allow(&redis, removed);
        let log = Log::start();
        assert_eq!(everything(&browser).await, Some(broken), "{removed}");
        assert!(log.take().contains("redis answered NOPERM"), "{removed}");
    }
}

#[tokio::test]
async fn owners_need_some_more_and_that_is_enough() {
    let servers = ["redis-6.2", "valkey"].map(|name| Setup::new().with_server(server(name)));
    for setup in [Setup::new()].into_iter().chain(servers) {
        let redis = setup.start();
        allow(&redis, LEAST);
        allow(&redis, FOR_OWNERS);
        let layer = layer_at(&url(&redis)).await;
        let log = Log::start();
        assert_eq!(everything_of_owners(&layer).await, None);
        assert_eq!(log.take(), "");
        assert_eq!(refused(&redis), "");
    }
}

#[tokio::test]
async fn none_of_what_owners_need_is_too_much() {
    let rows = [
        ("-zadd", "/sign_in/owner:ann"),
        ("-zrem", "/destroy"),
        ("-zcount", "/sign_in/owner:ann"),
        ("-zscore", "/sign_in/owner:ann"),
        ("-zrangebyscore", "a list"),
        ("-zremrangebyscore", "/sign_in/owner:ann"),
        ("-pexpire", "/sign_in/owner:ann"),
        ("-pttl", "/sign_in/owner:ann"),
    ];
    assert_eq!(rows.len(), FOR_OWNERS.split(' ').count());
    for (removed, broken) in rows {
        let redis = Redis::start();
        allow(&redis, &format!("{LEAST} {FOR_OWNERS} {removed}"));
        let layer = layer_at(&url(&redis)).await;
        let log = Log::start();
        let failed = everything_of_owners(&layer).await;
        let said = log.take();
        // That harms nobody, but counts for the limit until somebody looks.
        let is_left = said.contains("is left in the account");
        let failed = failed.or(is_left.then_some("/destroy"));
        assert_eq!(failed, Some(broken), "{removed}");
        let is_said = said.contains("redis answered NOPERM");
        assert!(is_said || broken == "a list", "{removed}: {said}");
        // Whose sessions have no owner is not concerned.
        let browser = Browser::new(app(&layer));
        assert_eq!(everything(&browser).await, None, "{removed}");
    }
}

#[tokio::test]
async fn another_prefix_needs_no_permission_for_the_usual_one() {
    let redis = Redis::start();
    allow(&redis, &LEAST.replace("session:", "other:"));
    let store = RedisStore::connect(&url(&redis)).await.unwrap();
    let browser = Browser::new(app(&SessionLayer::new(store.with_prefix("other:"))));
    assert_eq!(everything(&browser).await, None);
}

#[tokio::test]
async fn a_database_by_number_needs_one_more() {
    let redis = Redis::start();
    allow(&redis, LEAST);
    let url = format!("{}&db=1", url(&redis));
    let error = RedisStore::connect(&url).await.unwrap_err();
    assert_eq!(error.to_string(), "redis cannot be reached");
    allow(&redis, "+select");
    let browser = Browser::new(app(&layer_at(&url).await));
    assert_eq!(everything(&browser).await, None);
}

#[tokio::test]
async fn waiting_for_replicas_needs_one_more() {
    let redis = Redis::start();
    allow(&redis, LEAST);
    for (rules, failed) in [("", Some("/insert:a:1")), ("+wait", None)] {
        allow(&redis, rules);
        let connector = Connector::open(&url(&redis)).unwrap();
        let pool = Pool::builder().max_size(1).build(Watched::new(connector));
        let store = RedisStore::connect(&url(&redis)).await.unwrap();
        let store = store.wait_for_replicas(0, pool.await.unwrap());
        let browser = Browser::new(app(&SessionLayer::new(store)));
        assert_eq!(everything(&browser).await, failed, "{rules}");
    }
}

/// Does all that a session can do; which visit failed first, if any did.
async fn everything(browser: &Browser<App>) -> Option<&'static str> {
    let visits = [
        "/insert:a:1",
        "/get:a",
        "/update_now:n",
        "/touch",
        "/renew",
        "/sign_in",
        "/rotate",
        "/clear",
    ];
    for path in visits {
        if browser.get(path).await.status != 200 {
            return Some(path);
        }
    }
    let conflict = with_pause(browser, "/update:n/wait", async || {
        assert_eq!(browser.get("/update_now:n").await.text, "1");
    });
    assert_eq!(conflict.await.status, 200);
    assert_eq!(browser.get("/update_now:n").await.text, "3");
    (browser.get("/destroy").await.status != 200).then_some("/destroy")
}

/// Does all that there is to do with owners; what failed first, if anything did.
async fn everything_of_owners(layer: &SessionLayer) -> Option<&'static str> {
    let layer = layer.clone().with_sessions_per_owner(1, AtLimit::Refuse);
    let (browser, sessions) = (Browser::new(app(&layer)), layer.sessions());
    let visit = async |path| (browser.get(path).await.status != 200).then_some(path);
    for path in ["/sign_in/owner:ann", "/details:x", "/sign_in/owner:ann"] {
        if let Some(failed) = visit(path).await {
            return Some(failed);
        }
    }
    match sessions.list("ann").await {
        Ok(list) => assert_eq!(list.len(), 1),
        Err(_) => return Some("a list"),
    }
    assert_eq!(visit("/destroy").await, None);
    assert_eq!(sessions.count("ann").await.unwrap(), 0);
    None
}

/// Which commands were refused. The client says its name to every server, and need not be heard.
fn refused(redis: &Redis) -> String {
    let log = redis.cli(&["ACL", "LOG"]);
    let fields = log.lines().zip(log.lines().skip(1));
    let commands = fields.filter_map(|(name, value)| (name == "object").then_some(value));
    let refused = commands.filter(|it| !["client", "client|setinfo"].contains(it));
    refused.collect::<Vec<_>>().join(" ")
}

fn allow(redis: &Redis, rules: &str) {
    tell(redis, &format!("ACL SETUSER app on >secret {rules}"));
}

fn url(redis: &Redis) -> String {
    url_of(redis, "app", "secret")
}
