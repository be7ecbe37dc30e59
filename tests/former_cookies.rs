//! Session cookies of a former configuration: they go, and no session with them.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    collections::BTreeMap,
    sync::{Mutex, atomic::Ordering},
};

use common::{
    app::{App, app},
    stores::Map,
};
use cookie::Cookie;
use http::{Method, StatusCode, header::SET_COOKIE};
use session_test_support::{Browser, Page};
use tower_session_layer::{SessionCookie, SessionLayer};

const NAME: &str = "__Secure-id";

/// Tells cookies apart as browsers do: by name, domain and path (RFC 6265bis §5.7).
#[derive(Default)]
struct Visitor(Mutex<BTreeMap<[String; 3], String>>);

impl Visitor {
    async fn visit(&self, site: &App, path: &str) -> Page {
        let browser = Browser::new(site.clone());
        let mut request = browser.request(Method::GET, path);
        for ([name, ..], value) in &*self.0.lock().unwrap() {
            let pair = format!("{name}={value}").parse().unwrap();
            request.headers_mut().append("cookie", pair);
        }
        let page = browser.send(request).await;
        for line in page.headers.get_all(SET_COOKIE) {
            self.take_in(line.to_str().unwrap());
        }
        page
    }

    fn take_in(&self, line: &str) {
        let cookie = Cookie::parse(line).unwrap();
        let place = [
            cookie.name(),
            cookie.domain().unwrap_or("host"),
            cookie.path().unwrap_or("/"),
        ];
        let place = place.map(str::to_owned);
        let mut cookies = self.0.lock().unwrap();
        match cookie.max_age().is_some_and(|age| age.is_zero()) {
            true => drop(cookies.remove(&place)),
            false => drop(cookies.insert(place, cookie.value().to_owned())),
        }
    }

    async fn sees(&self, site: &App, text: &str) {
        assert_eq!(self.visit(site, "/get:who").await.text, text);
    }

    /// The places of the cookies, domain and path.
    fn places(&self) -> Vec<String> {
        let cookies = self.0.lock().unwrap();
        cookies
            .keys()
            .map(|[name, domain, path]| format!("{name} {domain}{path}"))
            .collect()
    }
}

/// The site before and after a change of the cookie, on one store.
fn sites(before: SessionCookie, now: tower_session_layer::SessionCookieBuilder) -> (App, App, Map) {
    let store = Map::default();
    let layer = SessionLayer::new(store.clone());
    let now = now.formerly(before.clone()).build().unwrap();
    let old = app(&layer.clone().with_cookie(before));
    (old, app(&layer.with_cookie(now)), store)
}

/// The cookie of a domain becomes that of one host.
fn narrowed() -> (App, App, Map) {
    let of_domain = SessionCookie::builder(NAME)
        .domain("example.com")
        .build()
        .unwrap();
    sites(of_domain, SessionCookie::builder(NAME))
}

const OLD: &str = "__Secure-id example.com/";
const NEW: &str = "__Secure-id host/";

#[tokio::test]
async fn the_former_cookie_goes_when_the_present_one_comes() {
    for deed in ["sign_in", "renew", "rotate"] {
        let (old, new, _) = narrowed();
        let visitor = Visitor::default();
        visitor.visit(&old, "/insert:who:me").await;
        visitor.sees(&new, "me").await;
        assert_eq!(visitor.places(), [OLD], "it carries the session");
        // The present one comes, and shows beside the former one.
        visitor.visit(&new, &format!("/{deed}")).await;
        assert_eq!(visitor.places(), [OLD, NEW]);
        visitor.sees(&new, "me").await;
        visitor.visit(&new, "/renew").await;
        assert_eq!(visitor.places(), [NEW], "{deed}");
        visitor.sees(&new, "me").await;
    }
}

#[tokio::test]
async fn a_log_out_takes_both_along() {
    let (old, new, _) = narrowed();
    let visitor = Visitor::default();
    visitor.visit(&old, "/insert:who:me").await;
    visitor.visit(&new, "/renew").await;
    visitor.visit(&new, "/destroy").await;
    assert_eq!(visitor.places(), [""; 0]);
}

#[tokio::test]
async fn servers_of_both_configurations_serve_one_visitor() {
    let (old, new, _) = narrowed();
    let visitor = Visitor::default();
    visitor.visit(&new, "/insert:who:guest").await;
    for (site, deed) in [
        (&old, "/sign_in/insert:who:me"),
        (&new, "/get:who"),
        (&new, "/renew"),
        (&old, "/rotate"),
        (&new, "/update:n"),
        (&old, "/renew"),
        (&new, "/rotate"),
        (&old, "/sign_in"),
    ] {
        visitor.visit(site, deed).await;
        for _ in 0..2 {
            visitor.sees(&new, "me").await;
            visitor.sees(&old, "me").await;
        }
    }
}

/// Who controls a neighbouring host can set cookies for the domain, but not over those of this host.
#[tokio::test]
async fn a_planted_cookie_removes_no_session() {
    for planted in ["garbage", "attacker"] {
        let of_host = SessionCookie::builder(NAME).build().unwrap();
        let (old, new, _) = sites(of_host, SessionCookie::builder(NAME).domain("example.com"));
        let victim = Visitor::default();
        victim.visit(&old, "/insert:who:victim").await;
        let attacker = Visitor::default();
        let page = attacker.visit(&new, "/insert:who:attacker").await;
        match planted {
            "attacker" => victim.take_in(page.set_cookie().unwrap()),
            _ => victim.take_in("__Secure-id=garbage; Path=/; Domain=example.com"),
        }
        let seen = if planted == "attacker" {
            "none"
        } else {
            "victim"
        };
        for _ in 0..3 {
            victim.sees(&new, seen).await;
            victim.visit(&new, "/insert:a:1").await;
            victim.visit(&new, "/header:set-cookie:a=b").await;
        }
        assert_eq!(
            victim
                .places()
                .iter()
                .filter(|it| it.contains(NAME))
                .count(),
            2
        );
        // Who signs in is signed in, and the former cookie goes.
        victim.visit(&new, "/sign_in/insert:who:me").await;
        victim.sees(&new, "me").await;
    }
}

#[tokio::test]
async fn a_cookie_of_another_name_goes_with_the_first_response_that_is_no_failure() {
    let sid = || SessionCookie::builder("sid").insecure_without_prefix();
    let store = Map::default();
    let now = SessionCookie::builder("__Host-id")
        .formerly(sid().build().unwrap())
        .formerly(sid().domain("example.com").build().unwrap());
    let layer = SessionLayer::new(store.clone()).with_cookie(now.build().unwrap());
    for (layer, load) in [(layer.clone(), ""), (layer.lazy(), "/load")] {
        let site = app(&layer);
        let planted = || {
            let visitor = Visitor::default();
            visitor.take_in("sid=x; Path=/");
            visitor.take_in("sid=y; Path=/; Domain=example.com");
            visitor.take_in("sid2=z; Path=/");
            visitor
        };
        let rows = [
            ("/", 1),
            ("/status:404", 1),
            ("/insert:a:1", 2),
            ("/status:503", 3),
            ("/header:set-cookie:sid=mine", 3),
        ];
        for (path, left) in rows {
            let visitor = planted();
            let page = visitor.visit(&site, &format!("{load}{path}")).await;
            assert_eq!(visitor.places().len(), left, "{load}{path}");
            let no_store = (left < 3).then_some("no-store");
            assert_eq!(page.header("cache-control"), no_store, "{load}{path}");
        }
        store.fails_to_load.store(true, Ordering::SeqCst);
        let visitor = planted();
        visitor.take_in(&format!("__Host-id={}; Path=/", token_of_nobody()));
        let page = visitor.visit(&site, &format!("{load}/status:503")).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(visitor.places().len(), 4, "an outage touches no cookie");
        store.fails_to_load.store(false, Ordering::SeqCst);
    }
}

/// Well-formed, and of no session.
fn token_of_nobody() -> String {
    format!("{}QACAAAAAAAAAAAAA{}", "A".repeat(8), "A".repeat(40))
}
