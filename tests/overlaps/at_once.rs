//! What is done with a cookie that was replaced a moment ago.

use futures::future::join_all;
use http::{Method, StatusCode};

use crate::common::{
    duo::{Duo, seen_with},
    race::race,
    visitor::{COOKIE, issued},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_five_sign_ins_at_once_each_works_and_the_browser_is_signed_in() {
    race("sign-ins at once", 50, sign_ins).await;
}

pub(super) async fn sign_ins(duo: &Duo, _: usize) {
    for begin in ["/insert:a:1", "/insert:a:1/sign_in"] {
        let visitor = duo.visitor();
        visitor[0].get(begin).await;
        let old = visitor[0].jar().get(COOKIE).unwrap();
        let path = "/meet:all:5/sign_in/insert:who:ann";
        let pages = join_all((0..5).map(|at| visitor[at % 2].get(path))).await;
        let mut kept = 0;
        for page in &pages {
            assert_eq!(page.status, StatusCode::OK, "each is answered");
            let token = issued(page).unwrap();
            let seen = seen_with(&token, &visitor[1], "/is_authenticated/get:who/get:a");
            match &*seen.await {
                "true ann 1" => kept += 1,
                seen => assert_eq!(seen, "true ann none", "each cookie works"),
            }
        }
        assert_eq!(kept, 1, "one of them goes on with the session there was");
        let seen = visitor[1].get("/is_authenticated/get:who").await.text;
        assert_eq!(seen, "true ann", "the browser is signed in");
        let seen = seen_with(&old, &visitor[0], "/is_new").await;
        assert_eq!(seen, "true", "the cookie from before is dead");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_with_the_old_cookie_changes_nothing_and_gets_no_other() {
    race("late requests", 20, late_requests).await;
}

pub(super) async fn late_requests(duo: &Duo, _: usize) {
    let rows = [
        ("/get:a/is_new", StatusCode::OK, "none true"),
        ("/insert:b:2", StatusCode::CONFLICT, ""),
        ("/update:n", StatusCode::CONFLICT, ""),
        ("/renew/is_new", StatusCode::OK, "true"),
    ];
    for meanwhile in ["/sign_in", "/renew", "/destroy"] {
        for (late, status, text) in rows {
            let [here, there] = duo.visitor();
            here.get("/insert:a:1").await;
            let request = here.request(Method::GET, late);
            there.get(meanwhile).await;
            let cookie = here.jar().get(COOKIE);
            let page = here.send(request).await;
            let seen = (page.status, &*page.text, page.set_cookie());
            assert_eq!(seen, (status, text, None), "{late} after {meanwhile}");
            assert_eq!(here.jar().get(COOKIE), cookie, "{late} after {meanwhile}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_logs_out_with_the_old_cookie_ends_the_session_for_the_new_one() {
    race("late log-outs", 20, late_log_outs).await;
}

pub(super) async fn late_log_outs(duo: &Duo, _: usize) {
    for meanwhile in ["/sign_in", "/renew"] {
        let [here, there] = duo.visitor();
        here.get("/insert:a:1").await;
        let log_out = here.request(Method::GET, "/destroy");
        there.get(meanwhile).await;
        let newer = here.jar().get(COOKIE).unwrap();
        let page = here.send(log_out).await;
        assert_eq!(page.status, StatusCode::OK, "{meanwhile}");
        assert_eq!(here.jar().get(COOKIE), None, "{meanwhile}");
        let seen = seen_with(&newer, &there, "/keys/is_new").await;
        assert_eq!(seen, " true", "a log-out after {meanwhile} is final");
    }
}
