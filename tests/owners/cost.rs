//! What it costs in Redis that a session has an owner: nothing, but where somebody signs in or out.
#![cfg(feature = "redis")]

use session_test_support::{Browser, Redis};

use crate::common::{app::app, visitor::layer_on};

#[tokio::test]
async fn only_who_signs_in_or_out_pays_for_owners() {
    const REQUESTS: u64 = 100;
    let redis = Redis::start();
    let layer = layer_on(&redis).await;
    let visitor = Browser::new(app(&layer));
    visitor.get("/sign_in/owner:ann/insert:a:1").await;
    visitor.get("/destroy").await;
    visitor.get("/sign_in/owner:ann/insert:a:1").await;
    // Loads, and scripts.
    let rows = [
        ("/get:a/get_owner", 1, 0),
        ("/insert:a:2", 1, 1),
        ("/update:n", 1, 1),
        ("/touch", 1, 1),
        ("/details:x", 1, 1),
        ("/clear/insert:a:1", 1, 1),
        ("/renew", 1, 1),
        ("/renew/remember", 1, 2),
        ("/sign_in/owner:ann", 1, 2),
        ("/destroy/sign_in/owner:ann", 1, 4),
    ];
    for (path, loads, scripts) in rows {
        let _ = redis.cli(&["CONFIG", "RESETSTAT"]);
        for _ in 0..REQUESTS {
            assert_eq!(visitor.get(path).await.status, 200, "{path}");
        }
        let evalsha = redis.calls("evalsha");
        assert_eq!(evalsha, scripts * REQUESTS, "{path}");
        let by_scripts = [
            "set", "del", "zadd", "zrem", "zscore", "zcount", "pttl", "pexpire",
        ];
        let is_quiet = scripts <= 1;
        for command in &by_scripts[2..] {
            assert!(!is_quiet || redis.calls(command) == 0, "{path}: {command}");
        }
        let commits = redis.calls("set");
        assert_eq!(redis.calls("get") - commits, loads * REQUESTS, "{path}");
        for needless in ["zrangebyscore", "keys", "scan", "eval", "ping"] {
            assert_eq!(redis.calls(needless), 0, "{path}: {needless}");
        }
    }
}
