//! Sign-ins against requests that are still running: whoever signed in stays signed in.

use http::StatusCode;

use crate::common::{
    duo::{Duo, seen_with},
    race::race,
    visitor::{COOKIE, issued},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_arrives_last_does_not_undo_a_sign_in() {
    race("slow requests and sign-ins", 20, slow_requests).await;
}

pub(super) async fn slow_requests(duo: &Duo, _: usize) {
    let rows = [
        ("/get:a/gate:slow", StatusCode::OK, "1"),
        ("/gate:slow/touch/get:a", StatusCode::OK, "1"),
        ("/gate:slow/insert:b:2", StatusCode::CONFLICT, ""),
        ("/gate:slow/update:n", StatusCode::CONFLICT, ""),
        ("/gate:slow/take:a", StatusCode::CONFLICT, ""),
        ("/gate:slow/renew", StatusCode::CONFLICT, ""),
    ];
    for (slow, status, text) in rows {
        for begin in ["/insert:a:1", "/insert:a:1/sign_in"] {
            let sign_in = "/sign_in/insert:who:ann";
            let page = signed_in_during(duo, begin, slow, sign_in).await;
            assert_eq!((page.0, &*page.1), (status, text), "{slow}");
        }
    }
}

/// The status and the text of `slow`, during which the visitor signed in as `who`.
async fn signed_in_during(
    duo: &Duo,
    begin: &str,
    slow: &str,
    sign_in: &str,
) -> (StatusCode, String) {
    let visitor = duo.visitor();
    visitor[0].get(begin).await;
    let old = visitor[0].jar().get(COOKIE).unwrap();
    let [page, signed_in] = duo.overlap(&visitor, slow, sign_in).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{slow}");
    assert_eq!(page.set_cookie(), None, "{slow}: this came last");
    assert_eq!(visitor[0].jar().get(COOKIE), issued(&signed_in), "{slow}");
    for at in &visitor {
        let seen = at.get("/is_authenticated/get:who").await.text;
        assert_eq!(seen, "true ann", "{slow}: the browser is signed in");
        let seen = seen_with(&old, at, "/is_new").await;
        assert_eq!(seen, "true", "{slow}: the cookie from before is dead");
    }
    (page.status, page.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_can_sign_out_and_sign_in() {
    race("sign-out and sign-in", 20, switches).await;
}

pub(super) async fn switches(duo: &Duo, _: usize) {
    const SWITCH: &str = "/destroy/sign_in/insert:who:ann";
    for slow in ["/gate:slow/insert:b:2", "/gate:slow/renew"] {
        let begin = "/sign_in/insert:a:1/insert:who:bob";
        let page = signed_in_during(duo, begin, slow, SWITCH).await;
        assert_eq!(page.0, StatusCode::CONFLICT, "{slow}");
    }
    for meanwhile in ["/insert:b:2", "/renew", "/destroy"] {
        let visitor = duo.visitor();
        visitor[0].get("/sign_in/insert:a:1/insert:who:bob").await;
        let old = visitor[0].jar().get(COOKIE).unwrap();
        let slow = format!("/gate:slow{SWITCH}");
        let [page, other] = duo.overlap(&visitor, &slow, meanwhile).await;
        let statuses = [page.status, other.status];
        assert_eq!(statuses, [StatusCode::OK; 2], "{meanwhile}");
        let seen = visitor[1].get("/is_authenticated/keys/get:who").await.text;
        assert_eq!(seen, "true who ann", "{meanwhile}: nothing of before");
        for token in [&old, &issued(&other).unwrap_or(old.clone())] {
            let seen = seen_with(token, &visitor[1], "/is_new").await;
            assert_eq!(seen, "true", "{meanwhile}: the old session ended");
        }
    }
}
