//! Routine rotation of the token: one successor, and nobody is logged out, whatever gets lost.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use http::{Method, StatusCode};
use session_test_support::{Browser, Clock, Page};

use crate::common::{
    duo::{Duo, Visitor, seen_with},
    stores::stores,
    visitor::{COOKIE, issued},
};

/// A site whose tokens rotate, and somebody who is signed in there.
struct Site {
    duo: Duo,
    clock: Clock,
    visitor: [Visitor; 2],
    /// The visitor's first token.
    old: String,
}

/// A site on every store that the features allow.
async fn sites() -> Vec<Site> {
    let mut sites = Vec::new();
    for subject in stores().await {
        let clock = Clock::new();
        let configure = |layer: &tower_session_layer::SessionLayer| {
            let now = clock.clone();
            let layer = layer.clone().with_clock(move || now.now());
            layer.with_rotation(EVERY, GRACE)
        };
        let duo = Duo::serve(subject, configure).await;
        let visitor = duo.visitor();
        let page = visitor[0].get("/sign_in").await;
        let old = issued(&page).unwrap();
        sites.push(Site {
            duo,
            clock,
            visitor,
            old,
        });
    }
    sites
}

impl Site {
    /// What somebody gets at the other server who still has the first token.
    async fn with_old_token(&self, path: &str) -> Page {
        let behind = Browser::new(self.visitor[1].service().clone());
        behind.jar().set(COOKIE, &self.old);
        behind.get(path).await
    }

    /// The browser has this token and is signed in, for good; the first one is over after a while.
    async fn assert_moved_on_to(&self, successor: &str) {
        let name = self.duo.name();
        let now = self.visitor[0].jar().get(COOKIE);
        assert_eq!(now.as_deref(), Some(successor), "{name}");
        // From here on it is known that the successor arrived.
        let seen = self.visitor[0].get("/is_authenticated").await.text;
        assert_eq!(seen, "true", "{name}: the browser is signed in");
        self.clock.pass(GRACE.as_secs());
        let page = self.with_old_token("/is_authenticated").await;
        let seen = (&*page.text, page.set_cookie());
        assert_eq!(seen, ("false", None), "{name}: the grace is over");
        let seen = self.visitor[1].get("/is_authenticated").await.text;
        assert_eq!(seen, "true", "{name}: and harms only the old token");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_requests_around_a_rotation_none_is_anonymous_and_one_gets_the_successor() {
    for (first, seconds) in [("rotate", 0), ("get:a", EVERY.as_secs())] {
        for site in sites().await {
            site.clock.pass(seconds);
            let actions = (10..50).map(|key| match key {
                10 => format!("{first}/insert:k10:1"),
                key => format!("insert:k{key}:1"),
            });
            let paths = actions.map(|it| format!("/meet:all:40/{it}/is_authenticated"));
            let paths: Vec<_> = paths.collect();
            let at = |number: usize| &site.visitor[number % 2];
            let visits = paths.iter().enumerate();
            let mut pages = join_all(visits.map(|(number, path)| at(number).get(path))).await;
            let late = (0..40).map(|_| site.with_old_token("/is_authenticated"));
            pages.extend(join_all(late).await);

            let name = site.duo.name();
            for page in &pages {
                assert_eq!(page.status, StatusCode::OK, "{name}: {first}");
                assert!(page.text.ends_with("true"), "{name}: anonymous: {page:?}");
            }
            let issued: BTreeSet<_> = pages.iter().filter_map(issued).collect();
            assert_eq!(issued.len(), 1, "{name}: {first}: one successor");
            let keys = site.visitor[1].get("/keys").await.text;
            let expected: Vec<_> = (10..50).map(|key| format!("k{key}")).collect();
            assert_eq!(keys, expected.join(","), "{name}: {first}: nothing is lost");
            site.assert_moved_on_to(issued.first().unwrap()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_whose_response_is_lost_is_made_up_for_when_the_browser_comes_back() {
    for (rotate, due) in [("/rotate", 0), ("/get:a", EVERY.as_secs())] {
        for pauses in [&[5][..], &[120], &[5, 5, 120, 600]] {
            for site in sites().await {
                let name = site.duo.name();
                site.clock.pass(due);
                let lost = site.with_old_token(rotate).await;
                let successor = issued(&lost).unwrap();
                let (last, lost) = pauses.split_last().unwrap();
                for pause in lost {
                    site.clock.pass(*pause);
                    let page = site.with_old_token("/is_authenticated").await;
                    let seen = (&*page.text, issued(&page));
                    let expected = ("true", Some(successor.clone()));
                    assert_eq!(seen, expected, "{name}: {rotate} {pauses:?}");
                }
                site.clock.pass(*last);
                let page = site.visitor[0].get("/is_authenticated").await;
                assert_eq!(page.text, "true", "{name}: {rotate} {pauses:?}");
                site.assert_moved_on_to(&successor).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_repeated_at_once_gets_no_cookie_and_no_refusal() {
    for site in sites().await {
        let lost = site.with_old_token("/rotate").await;
        site.clock.pass(1);
        let page = site.with_old_token("/insert:a:1/is_authenticated").await;
        let seen = (page.status, &*page.text, page.set_cookie());
        let expected = (StatusCode::OK, "true", None);
        assert_eq!(seen, expected, "{}", site.duo.name());
        let token = issued(&lost).unwrap();
        let seen = seen_with(&token, &site.visitor[0], "/get:a").await;
        assert_eq!(seen, "1", "{}: it is one session", site.duo.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_request_from_before_a_rotation_is_saved_and_leaves_the_cookie_alone() {
    let rows = [
        "/gate:slow/insert:a:1",
        "/gate:slow/update:a",
        "/gate:slow/number:a:1",
    ];
    for slow in rows {
        for site in sites().await {
            let pages = site.duo.overlap(&site.visitor, slow, "/rotate").await;
            let [page, rotation] = &pages;
            let seen = (page.status, page.set_cookie());
            assert_eq!(seen, (StatusCode::OK, None), "{}: {slow}", site.duo.name());
            let seen = site.visitor[1].get("/get:a").await.text;
            assert_eq!(seen, "1", "{}: {slow}", site.duo.name());
            site.assert_moved_on_to(&issued(rotation).unwrap()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_either_token_logs_out_and_a_renewal_ends_both() {
    for end in ["/destroy", "/sign_in", "/renew"] {
        for is_old in [true, false] {
            for site in sites().await {
                let [here, there] = &site.visitor;
                let with_old = here.request(Method::GET, end);
                let rotation = there.get("/rotate").await;
                let page = match is_old {
                    true => here.send(with_old).await,
                    false => here.get(end).await,
                };
                assert_eq!(page.status, StatusCode::OK, "{end}");
                for token in [&site.old, &issued(&rotation).unwrap()] {
                    let seen = seen_with(token, there, "/is_new").await;
                    let name = site.duo.name();
                    assert_eq!(seen, "true", "{name}: dead after {end}, {is_old}");
                }
                let seen = here.get("/is_authenticated").await.text;
                let is_signed_in = end != "/destroy";
                assert_eq!(seen, is_signed_in.to_string(), "{end}, {is_old}");
            }
        }
    }
}

const EVERY: Duration = Duration::from_secs(900);
const GRACE: Duration = Duration::from_secs(60);
