//! Destroy, insert, renew and sign in, in every order and repeatedly, within one request.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    app::{App, app},
    stores::stores,
    visitor::{COOKIE, token},
};
use session_test_support::Browser;
use tower_session_layer::SessionLayer;

const DEEDS: [&str; 4] = ["destroy", "insert:b:2", "renew", "sign_in"];
const LONGEST: usize = 4;

/// What should become of a session in which `a` is 1, or of none.
#[derive(Clone, Copy, Default)]
struct Expected {
    /// There was a session, and it goes on.
    goes_on: bool,
    /// There was one, and it was ended.
    is_ended: bool,
    has_b: bool,
    is_renewed: bool,
    is_signed_in: bool,
}

impl Expected {
    fn after(self, deed: &str) -> Self {
        match deed {
            "destroy" => Self {
                is_ended: self.is_ended || self.goes_on,
                ..Self::default()
            },
            "insert:b:2" => Self {
                has_b: true,
                ..self
            },
            "renew" => Self {
                is_renewed: self.is_renewed || self.goes_on,
                ..self
            },
            _ => Self {
                is_signed_in: true,
                is_renewed: self.goes_on,
                ..self
            },
        }
    }

    fn begins(self) -> bool {
        !self.goes_on && (self.has_b || self.is_signed_in)
    }

    fn keys(self) -> String {
        let keys = [("a", self.goes_on), ("b", self.has_b)];
        let keys = keys.iter().filter(|(_, is_there)| *is_there);
        keys.map(|(key, _)| *key).collect::<Vec<_>>().join(",")
    }
}

/// Every sequence of deeds up to the longest.
fn sequences() -> Vec<Vec<&'static str>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..LONGEST {
        let shorter = all[from..].to_vec();
        from = all.len();
        for sequence in shorter {
            all.extend(DEEDS.map(|deed| [&sequence[..], &[deed]].concat()));
        }
    }
    all
}

#[tokio::test]
async fn every_order_of_deeds_leaves_what_their_last_ones_say() {
    for subject in stores().await {
        for sequence in sequences() {
            for goes_on in [true, false] {
                let expected = Expected {
                    goes_on,
                    ..Expected::default()
                };
                let expected = sequence.iter().fold(expected, |it, deed| it.after(deed));
                let path = format!("/{}", sequence.join("/"));
                let context = format!("{}: {path}, with a session: {goes_on}", subject.name);
                check(&subject.layer, goes_on, &path, expected, &context).await;
            }
        }
    }
}

async fn check(layer: &SessionLayer, goes_on: bool, path: &str, expected: Expected, context: &str) {
    let browser = Browser::new(app(layer));
    if goes_on {
        browser.get("/insert:a:1").await;
    }
    let old = goes_on.then(|| token(&browser));
    let before = id(&browser).await;
    let page = browser.get(path).await;

    let is_told = expected.is_ended || expected.is_renewed || expected.begins();
    assert_eq!(page.set_cookie().is_some(), is_told, "{context}: cookie");
    let seen = browser.get("/keys/is_authenticated").await.text;
    let signed_in = expected.is_signed_in;
    assert_eq!(
        seen,
        format!("{} {signed_in}", expected.keys()),
        "{context}"
    );
    let is_same = goes_on && id(&browser).await == before;
    assert_eq!(is_same, expected.goes_on, "{context}: the id stays");
    if let Some(old) = old {
        browser.jar().set(COOKIE, &old);
        let is_dead = expected.is_ended || expected.is_renewed;
        let seen = browser.get("/is_new").await.text;
        assert_eq!(seen, is_dead.to_string(), "{context}: the old token");
    }
}

async fn id(browser: &Browser<App>) -> String {
    browser.get("/id").await.text
}
