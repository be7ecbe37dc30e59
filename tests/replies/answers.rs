//! Redis that refuses: one table of what a visitor sees meanwhile, and afterwards.

use http::StatusCode;
use session_test_support::{Browser, Redis, Setup, server};

use crate::{
    causes::{Cause, NO_SLOTS, with_slots},
    common::{
        app::{App, app},
        log::Log,
        visitor::{COOKIE, token},
    },
    site::{hasty_layer_at, served, tell, url_of, visitor_at},
    table::{ALL_WELL, NOTHING, ROWS, Row, Seen},
};

const VISITS: [&str; 5] = [
    "/get:a",
    "/touch/get:a",
    "/insert:b:2",
    "/sign_in",
    "/destroy",
];

/// Some of what is done to it is not for everybody.
const OPEN: [&str; 4] = [
    "--enable-debug-command",
    "yes",
    "--enable-protected-configs",
    "yes",
];

#[tokio::test]
async fn a_redis_that_refuses_is_answered_logged_and_got_over() {
    for row in ROWS {
        let redis = Setup::new().with(&OPEN).start();
        tell(&redis, "ACL SETUSER app on >old ~session:* +@all");
        row.play(&redis, &url_of(&redis, "app", "old")).await;
    }
}

#[tokio::test]
async fn a_redis_that_wants_a_password_all_of_a_sudden_is_answered_logged_and_got_over() {
    let redis = Redis::start();
    let row = Row {
        event: "NOAUTH",
        cause: Cause::Said(
            &[
                "ACL SETUSER admin on nopass +@all ~*",
                "CONFIG SET requirepass new",
                "--user admin --pass any CLIENT KILL TYPE normal",
            ],
            &["--user admin --pass any ACL SETUSER default nopass"],
        ),
        expected: NOTHING,
    };
    row.play(&redis, &redis.url()).await;
}

#[tokio::test]
async fn a_cluster_that_is_down_is_answered_logged_and_got_over() {
    let redis = Setup::new()
        .with(&[
            "--cluster-enabled",
            "yes",
            // So long a cluster takes to believe that it is up.
            "--cluster-node-timeout",
            "500",
        ])
        .start();
    with_slots(&redis);
    let row = Row {
        event: "CLUSTERDOWN",
        cause: NO_SLOTS,
        expected: NOTHING,
    };
    row.play(&redis, &redis.url()).await;
}

/// Before version 7 a script that fails hides the code of what it met.
#[tokio::test]
async fn other_servers_are_answered_and_logged_alike() {
    for name in ["redis-6.2", "valkey"] {
        for row in ROWS.iter().filter(|row| row.is_of_all_servers()) {
            let redis = Setup::new().with_server(server(name)).start();
            tell(&redis, "ACL SETUSER app on >old ~session:* +@all");
            row.play(&redis, &url_of(&redis, "app", "old")).await;
        }
    }
}

/// It knows no users, and its scripts write whatever `min-replicas-to-write` says.
#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn redis_5_is_answered_and_logged_alike() {
    let rows = ROWS.iter().filter(|row| row.is_of_all_servers());
    let known = |row: &&Row| !row.cause.is_about_users() && row.event != "NOREPLICAS";
    for row in rows.filter(known) {
        let redis = Setup::new().with_server(server("redis-5")).start();
        row.play(&redis, &redis.url()).await;
    }
}

impl Row {
    /// Whether it is the same with other versions and makes.
    fn is_of_all_servers(&self) -> bool {
        let events = ["", "OOM", "NOREPLICAS", "READONLY", "MASTERDOWN", "BUSY"];
        events.contains(&self.event)
    }

    async fn play(&self, redis: &Redis, url: &str) {
        let Self { event, cause, .. } = self;
        let browser = visitor_at(url).await;
        browser.get("/insert:a:1/sign_in").await;
        // Who knows that nothing comes need not wait for it.
        let meanwhile = match self.expected {
            NOTHING => browser.at(app(&hasty_layer_at(url).await)),
            _ => browser.clone(),
        };
        let log = Log::start();
        let kept = cause.begin(redis);
        assert_eq!(visit(&meanwhile).await, self.expected, "{event}");
        let said = log.take();
        assert!(said.contains(event), "{event}: {said}");
        assert_eq!(said.is_empty(), event.is_empty(), "{said}");
        cause.end(redis, kept);
        if self.expected[4] == 200 {
            browser.get("/sign_in/insert:a:1").await;
        }
        for browser in [&meanwhile, &browser] {
            assert_eq!(served(browser, "/get:a").await.text, "1", "{event}");
        }
        log.take();
        assert_eq!(visit(&browser).await, ALL_WELL, "{event}");
        let said = log.take();
        assert!(!said.contains("session not"), "{event}: {said}");
    }
}

/// Visits all pages. What fails leaves the cookie as it is, and what is served is right.
async fn visit(browser: &Browser<App>) -> Seen {
    let mut seen = Seen::default();
    for (path, status) in VISITS.into_iter().zip(&mut seen) {
        let cookie = token(browser);
        let page = browser.get(path).await;
        *status = page.status.as_u16();
        if page.status != StatusCode::OK {
            assert_eq!(page.set_cookie(), None, "{path}");
            assert_eq!(browser.jar().get(COOKIE), Some(cookie), "{path}");
        } else if path.ends_with("/get:a") {
            assert_eq!(page.text, "1", "{path}");
        } else if path == "/destroy" {
            assert_eq!(browser.jar().get(COOKIE), None, "{path}");
            browser.jar().set(COOKIE, &cookie);
            assert_eq!(browser.get("/get:a").await.text, "none", "it is over");
        }
    }
    seen
}
