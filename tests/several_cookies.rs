//! Several session cookies in one request: other hosts plant them, or a change of configuration left
//! them behind.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{App, app},
    log::Log,
    stores::{Map, Subject, stores},
    visitor::{COOKIE, token},
};
use futures::future::join;
use http::{HeaderValue, Method, StatusCode};
use session_test_support::{Browser, Page};
use tower_session_layer::SessionLayer;

/// Tokens of all sorts, on one store.
struct Cast {
    /// Of a live session in which `who` is `victim`, and its token before the last rotation.
    victim: String,
    predecessor: String,
    /// Of another live session, in which `who` is `attacker`.
    attacker: String,
    /// Of sessions that were renewed away and destroyed a moment ago.
    renewed: String,
    destroyed: String,
    /// Of no session that anybody remembers.
    dead: Vec<String>,
}

impl Cast {
    async fn of(subject: &Subject) -> Self {
        let visitor = async |who: &str| {
            let browser = Browser::new(app(&subject.layer));
            browser.get(&format!("/insert:who:{who}")).await;
            let token = token(&browser);
            (browser, token)
        };
        let (browser, predecessor) = visitor("victim").await;
        browser.get("/rotate").await;
        let (attacker, (renewing, renewed)) = join(visitor("attacker"), visitor("x")).await;
        renewing.get("/renew").await;
        let (destroying, destroyed) = visitor("x").await;
        destroying.get("/destroy").await;
        let elsewhere = Browser::new(app(&SessionLayer::new(Map::default())));
        let mut dead = Vec::new();
        for _ in 0..5 {
            elsewhere.jar().set(COOKIE, "");
            elsewhere.get("/insert:a:1").await;
            dead.push(token(&elsewhere));
        }
        Self {
            victim: token(&browser),
            predecessor,
            attacker: attacker.1,
            renewed,
            destroyed,
            dead,
        }
    }

    /// What requests present, and who they are then.
    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = self.rows_of_the_victim();
        rows.extend(self.rows_of_strangers());
        rows
    }

    fn rows_of_the_victim(&self) -> Vec<Row<'_>> {
        let (live, old, dead) = (&self.victim[..], &self.predecessor[..], &self.dead);
        let rows = [
            ("one twice", vec![live, live]),
            ("with malformed ones", vec!["", live, "x"]),
            ("with a dead one", vec![live, &dead[0]]),
            (
                "with three dead ones",
                vec![live, &dead[0], &dead[1], &dead[2]],
            ),
            ("with one of the past", vec![live, &self.renewed]),
            ("both of a rotation", vec![live, old]),
            ("both and a dead one", vec![live, old, &dead[0]]),
        ];
        rows.map(|(what, values)| (what, values, Who::Victim))
            .into()
    }

    fn rows_of_strangers(&self) -> Vec<Row<'_>> {
        let (live, dead, renewed) = (&self.victim[..], &self.dead, &self.renewed[..]);
        let five = [live].into_iter().chain(dead[..4].iter().map(|it| &it[..]));
        let nobody = [
            ("an attacker's live one", vec![live, &self.attacker]),
            (
                "a rotation and an attacker's",
                vec![&self.predecessor, live, &self.attacker],
            ),
            ("five with a live one", five.collect()),
            ("two of the past", vec![renewed, &self.destroyed]),
            ("one of the past, a dead one", vec![renewed, &dead[0]]),
        ];
        let guest = [
            ("dead ones", vec![&dead[0][..], &dead[1]]),
            ("malformed ones", vec!["x", "y"]),
        ];
        let guests = guest.map(|(what, values)| (what, values, Who::Guest));
        let nobodies = nobody.map(|(what, values)| (what, values, Who::Nobody));
        nobodies.into_iter().chain(guests).collect()
    }
}

/// What it is, the values of the cookies, and who that is.
type Row<'a> = (&'static str, Vec<&'a str>, Who);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Victim,
    /// A stranger, who begins a session like any other.
    Guest,
    /// A stranger whose session may be among these: begins one only by a sign-in.
    Nobody,
}

async fn present(browser: &Browser<App>, lines: &[String], path: &str) -> Page {
    let mut request = browser.request(Method::POST, path);
    for line in lines {
        request
            .headers_mut()
            .append("cookie", line.parse().unwrap());
    }
    browser.send(request).await
}

/// The values on one line and on one each, in both orders.
fn spellings(values: &[&str]) -> Vec<Vec<String>> {
    let pairs: Vec<_> = values.iter().map(|it| format!("{COOKIE}={it}")).collect();
    let reversed: Vec<_> = pairs.iter().rev().cloned().collect();
    vec![
        vec![pairs.join("; ")],
        vec![reversed.join("; ")],
        pairs,
        reversed,
    ]
}

/// Proves: asvs_15_3_7, rfc6265bis_c11, rfc6265bis_c12.
#[tokio::test]
async fn the_only_live_session_counts_whatever_the_order() {
    for subject in stores().await {
        let cast = Cast::of(&subject).await;
        for (what, values, who) in cast.rows() {
            for lines in spellings(&values) {
                let row = format!("{}: {what}", subject.name);
                let fresh = || Browser::new(app(&subject.layer));
                let seen = present(&fresh(), &lines, "/get:who").await;
                let is_victim = who == Who::Victim;
                let text = if is_victim { "victim" } else { "none" };
                assert_eq!((&*seen.text, seen.set_cookie()), (text, None), "{row}");

                let saved = present(&fresh(), &lines, "/insert:seen:1").await;
                let expected = match who {
                    Who::Nobody => (false, false),
                    Who::Guest => (true, true),
                    Who::Victim => (true, false),
                };
                let is_ok = saved.status == StatusCode::OK;
                assert_eq!((is_ok, saved.set_cookie().is_some()), expected, "{row}");
            }
        }
    }
}

/// Proves: asvs_15_3_7.
#[tokio::test]
async fn a_sign_in_works_whatever_the_cookies_and_harms_no_session() {
    for subject in stores().await {
        let cast = Cast::of(&subject).await;
        for (what, values, who) in cast.rows() {
            if who == Who::Victim {
                continue;
            }
            let row = format!("{}: {what}", subject.name);
            let lines = &spellings(&values)[0];
            let browser = Browser::new(app(&subject.layer));
            let page = present(&browser, lines, "/sign_in/insert:who:me").await;
            assert_eq!(page.status, StatusCode::OK, "{row}");
            assert_eq!(browser.get("/get:who").await.text, "me", "{row}");
            // Whose session would end cannot be told, and the client is told that.
            let page = present(&Browser::new(app(&subject.layer)), lines, "/destroy").await;
            let is_refused = page.status == StatusCode::BAD_REQUEST;
            assert_eq!(is_refused, AMBIGUOUS.contains(&what), "{row}");
        }
        for (token, who) in [(&cast.victim, "victim"), (&cast.attacker, "attacker")] {
            let browser = Browser::new(app(&subject.layer));
            browser.jar().set(COOKIE, token);
            assert_eq!(browser.get("/get:who").await.text, who, "{}", subject.name);
        }
    }
}

#[tokio::test]
async fn what_is_refused_to_several_cookies_is_the_fault_of_the_request() {
    for subject in stores().await {
        let cast = Cast::of(&subject).await;
        let lines = &spellings(&[&cast.victim, &cast.attacker])[0];
        let browser = Browser::new(app(&subject.layer));
        let page = present(&browser, lines, "/insert:a:1/commit").await;
        assert_eq!((page.status, &*page.text), (StatusCode::BAD_REQUEST, ""));
        let mut request = browser.request(Method::POST, "/insert:a:1");
        let headers = request.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.insert("cookie", lines[0].parse().unwrap());
        let page = browser.send(request).await;
        assert_eq!(
            (page.status, page.header("grpc-status")),
            (StatusCode::OK, Some("9"))
        );
    }
}

const AMBIGUOUS: [&str; 4] = [
    "an attacker's live one",
    "a rotation and an attacker's",
    "five with a live one",
    "two of the past",
];

/// Ids are public: anybody can make up another token of a session.
///
/// Proves: rfc6265bis_c12.
#[tokio::test]
async fn a_made_up_token_beside_one_of_the_past_does_not_keep_a_session_alive() {
    for subject in stores().await {
        for order in 0..2 {
            let browser = Browser::new(app(&subject.layer));
            browser.get("/insert:a:1").await;
            let past = token(&browser);
            browser.get("/renew").await;
            let made_up = format!("{}{}", &past[..24], "A".repeat(40));
            let lines = &spellings(&[&past, &made_up])[order];
            present(&Browser::new(app(&subject.layer)), lines, "/destroy").await;
            assert_eq!(browser.get("/get:a").await.text, "none", "{}", subject.name);
        }
    }
}

/// A form of another site comes without a cookie of ours, or with one that is none.
#[tokio::test]
async fn dead_cookies_give_no_right_that_none_would_not_give() {
    for subject in stores().await {
        let cast = Cast::of(&subject).await;
        for values in [
            vec![],
            vec![&*cast.dead[0]],
            vec![&*cast.dead[0], &cast.dead[1]],
        ] {
            let browser = Browser::new(app(&subject.layer));
            let mut request = browser.request(Method::POST, "/insert:a:1");
            let headers = request.headers_mut();
            headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
            headers.insert("cookie", spellings(&values)[0][0].parse().unwrap());
            assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN);
        }
    }
}

/// Proves: asvs_15_3_7.
#[tokio::test]
async fn several_cookies_are_an_event_that_names_no_secret() {
    let log = Log::start();
    let subject = stores().await.swap_remove(0);
    let cast = Cast::of(&subject).await;
    for (values, event) in [
        (
            vec![&cast.victim, &cast.dead[0]],
            "several different session cookies",
        ),
        (
            vec![&cast.victim, &cast.attacker],
            "several different session cookies",
        ),
        (
            cast.dead.iter().collect(),
            "more than four different session cookies",
        ),
    ] {
        log.take();
        let values: Vec<_> = values.into_iter().map(|it| &it[..]).collect();
        present(
            &Browser::new(app(&subject.layer)),
            &spellings(&values)[0],
            "/get:who",
        )
        .await;
        let logged = log.take();
        assert!(logged.contains(event), "{logged}");
        for value in values {
            assert!(!logged.contains(value));
        }
    }
}

#[tokio::test]
async fn five_cookies_are_not_looked_up_and_four_once_per_session() {
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let subject = Subject::here("own", store.clone());
    let cast = Cast::of(&subject).await;
    for (values, loads) in [
        (vec![&cast.victim, &cast.predecessor], 1),
        (cast.dead[..4].iter().collect(), 4),
        (cast.dead.iter().collect(), 0),
    ] {
        store.calls();
        let values: Vec<_> = values.into_iter().map(|it: &String| &it[..]).collect();
        present(
            &Browser::new(app(&layer)),
            &spellings(&values)[0],
            "/get:who",
        )
        .await;
        assert_eq!(store.calls().0, loads);
    }
}

#[tokio::test]
async fn a_store_that_fails_for_one_of_several_fails_the_request() {
    let store = Map::default();
    let subject = Subject::here("own", store.clone());
    let cast = Cast::of(&subject).await;
    store
        .fails_to_load
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let lines = &spellings(&[&cast.victim, &cast.dead[0]])[0];
    let page = present(&Browser::new(app(&subject.layer)), lines, "/get:who").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.set_cookie(), None);
}

/// The same with a lazy layer.
#[tokio::test]
async fn a_lazy_session_is_the_same_one() {
    for subject in stores().await {
        let cast = Cast::of(&subject).await;
        let layer = subject.layer.clone().lazy();
        for (what, values, who) in cast.rows() {
            for lines in spellings(&values) {
                let seen = present(&Browser::new(app(&layer)), &lines, "/load/get:who").await;
                let text = if who == Who::Victim { "victim" } else { "none" };
                assert_eq!(seen.text, text, "{}: {what}", subject.name);
            }
        }
    }
}
