//! Headers that are as large as servers let them be.
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::System;

use common::{
    app::{App, Body, app},
    stores::Map,
    visitor::{COOKIE, token},
};
use http::{Request, header};
use session_test_support::Browser;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt as _;
use tower_session_layer::SessionLayer;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn request(lines: &[String], path: &str) -> Request<Body> {
    let mut request = Request::builder().uri(path);
    for line in lines {
        request = request.header(header::COOKIE, line);
    }
    request.body(Body::default()).unwrap()
}

/// How many allocations, and of how many bytes, a service makes for a request.
async fn cost(app: &App, lines: &[String], path: &str) -> (usize, usize) {
    let mut costs = Vec::new();
    // The first time other things are made that stay.
    for _ in 0..2 {
        let (app, request) = (app.clone(), request(lines, path));
        let region = Region::new(ALLOCATOR);
        let response = app.oneshot(request).await.unwrap();
        let stats = region.change();
        drop(response);
        costs.push((
            stats.allocations + stats.reallocations,
            stats.bytes_allocated,
        ));
    }
    costs[1]
}

/// Pairs until a line has 64 KiB.
fn long_line(pair: &str) -> String {
    pair.repeat(64 * 1024 / pair.len())
}

/// Proves: rfc6265bis_c11, rfc6265bis_c15.
#[tokio::test]
async fn cost_no_more_memory_than_small_ones() {
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let visitor = Browser::new(app(&layer));
    let mut tokens = Vec::new();
    for _ in 0..1_000 {
        visitor.jar().set(COOKIE, "");
        visitor.get("/insert:a:1").await;
        tokens.push(format!("{COOKIE}={}", token(&visitor)));
    }
    let thousand = |pair: &str| vec![pair.to_owned(); 1_000];
    let malformed = format!("{COOKIE}={}", "x".repeat(64));
    let rows = [
        ("a thousand cookies", vec![thousand("a=b").join("; ")]),
        ("a thousand crumbs", thousand("a=b")),
        ("a line of nothing", vec![long_line(";")]),
        ("a line of names", vec![long_line(COOKIE)]),
        ("a long value", vec![format!("{COOKIE}={}", long_line("A"))]),
        ("malformed ones", vec![long_line(&format!("{malformed};"))]),
        ("a thousand malformed crumbs", thousand(&malformed)),
        ("a thousand sessions", vec![tokens.join("; ")]),
        ("a thousand crumbs of sessions", tokens.clone()),
    ];
    for (layer, path) in [
        (layer.clone(), "/get:a"),
        (layer.clone().lazy(), "/"),
        (layer.lazy(), "/load/get:a"),
    ] {
        let app = app(&layer);
        let (small, small_bytes) = cost(&app, &["a=b".to_owned()], path).await;
        for (what, lines) in &rows {
            store.calls();
            let (count, bytes) = cost(&app, lines, path).await;
            // A few different tokens are kept to see that they are too many.
            assert!(count <= small + 3, "{what} at {path}: {small} and {count}");
            assert!(
                bytes <= small_bytes + 1_024,
                "{what} at {path}: {bytes} bytes"
            );
            assert_eq!(store.calls(), (0, 0), "{what} at {path}");
        }
    }
}
