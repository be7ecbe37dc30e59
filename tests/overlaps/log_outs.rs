//! Log-outs against requests that are still running: a log-out is final.

use futures::future::join;
use http::StatusCode;

use crate::common::{
    duo::{Duo, Visitor, hang_up, seen_with},
    race::race,
    visitor::{COOKIE, issued},
};

/// Nobody who has one of these tokens finds a session, at either server.
async fn assert_dead(visitor: &[Visitor; 2], tokens: &[&str], after: &str) {
    for token in tokens {
        for at in visitor {
            let seen = seen_with(token, at, "/keys/is_new").await;
            assert_eq!(seen, " true", "the session lives on after {after}");
        }
    }
}

/// Proves: asvs_7_4_1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_is_final_and_no_slow_request_brings_the_session_or_its_cookie_back() {
    race("slow requests and log-outs", 20, slow_requests).await;
}

pub(super) async fn slow_requests(duo: &Duo, _: usize) {
    let rows = [
        ("/get:a/gate:slow/get:a", StatusCode::OK, "1 1"),
        ("/gate:slow/touch/get:a", StatusCode::OK, "1"),
        ("/gate:slow/insert:b:2", StatusCode::CONFLICT, ""),
        ("/insert:b:2/gate:slow", StatusCode::CONFLICT, ""),
        ("/gate:slow/remove:a", StatusCode::CONFLICT, ""),
        ("/gate:slow/update:n", StatusCode::CONFLICT, ""),
        ("/gate:slow/update_now:n", StatusCode::CONFLICT, ""),
        ("/gate:slow/take:a", StatusCode::CONFLICT, ""),
        ("/gate:slow/clear", StatusCode::CONFLICT, ""),
        ("/gate:slow/renew", StatusCode::CONFLICT, ""),
    ];
    for (slow, status, text) in rows {
        let visitor = duo.visitor();
        visitor[0].get("/sign_in/insert:a:1").await;
        let old = visitor[0].jar().get(COOKIE).unwrap();
        let [page, log_out] = duo.overlap(&visitor, slow, "/destroy").await;
        assert_eq!(log_out.status, StatusCode::OK, "{slow}");
        assert_eq!((page.status, &*page.text), (status, text), "{slow}");
        assert_eq!(page.set_cookie(), None, "{slow}");
        assert_eq!(visitor[0].jar().get(COOKIE), None, "{slow}");
        assert_dead(&visitor, &[&old], slow).await;
    }
}

/// Proves: asvs_7_4_1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_races_a_log_out_comes_before_it_or_is_told_that_it_came_too_late() {
    race("requests and log-outs", 200, racing_requests).await;
}

pub(super) async fn racing_requests(duo: &Duo, round: usize) {
    for path in ["insert:b:2", "update_now:n", "renew"] {
        let visitor = duo.visitor();
        visitor[0].get("/sign_in/insert:a:1").await;
        let old = visitor[0].jar().get(COOKIE).unwrap();
        let racing = format!("/meet:both:2/{path}");
        // One of them has to be sent first: they take turns.
        let [first, second] = [&visitor[round % 2], &visitor[1 - round % 2]];
        let pages = join(first.get(&racing), second.get("/meet:both:2/destroy"));
        let (page, log_out) = pages.await;
        assert_eq!(log_out.status, StatusCode::OK, "{path}");
        let renewed = issued(&page);
        match page.status {
            StatusCode::OK => assert_eq!(renewed.is_some(), path == "renew"),
            status => assert_eq!((status, &renewed), (StatusCode::CONFLICT, &None)),
        }
        assert_dead(&visitor, &[&old, &renewed.unwrap_or(old.clone())], path).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_log_out_ends_a_session_that_was_changed_or_renewed_meanwhile() {
    race("slow log-outs", 20, slow_log_outs).await;
}

pub(super) async fn slow_log_outs(duo: &Duo, _: usize) {
    for meanwhile in ["/insert:b:2", "/renew", "/sign_in", "/destroy"] {
        let visitor = duo.visitor();
        visitor[0].get("/sign_in/insert:a:1").await;
        let old = visitor[0].jar().get(COOKIE).unwrap();
        let slow = "/gate:slow/destroy";
        let [log_out, page] = duo.overlap(&visitor, slow, meanwhile).await;
        let statuses = [log_out.status, page.status];
        assert_eq!(statuses, [StatusCode::OK; 2], "{meanwhile}");
        assert_eq!(visitor[0].jar().get(COOKIE), None, "{meanwhile}");
        let newer = issued(&page).unwrap_or(old.clone());
        assert_dead(&visitor, &[&old, &newer], meanwhile).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_out_is_final_after_a_request_that_was_cancelled() {
    race("cancelled requests and log-outs", 10, cancelled_requests).await;
}

pub(super) async fn cancelled_requests(duo: &Duo, _: usize) {
    for at in [duo.here.wire(), duo.here.wire_of_http2()] {
        for cancelled in ["/insert:b:2", "/update_now:n", "/sign_in", "/renew"] {
            let visitor = duo.visitor();
            visitor[0].get("/sign_in/insert:a:1").await;
            let old = visitor[0].jar().get(COOKIE).unwrap();
            let path = format!("{cancelled}/gate:slow");
            hang_up(&visitor[0].at(at.clone()), &path, duo.slow().arrival()).await;
            let log_out = visitor[1].get("/destroy").await;
            assert_eq!(log_out.status, StatusCode::OK, "{cancelled}");
            duo.here.idle().await;
            assert_eq!(visitor[0].jar().get(COOKIE), None, "{cancelled}");
            assert_dead(&visitor, &[&old], cancelled).await;
        }
    }
}
