//! The session cookie as a browser keeps it, and scripts that are after it.

use thirtyfour::SameSite;

use crate::{
    browser::Browser,
    elsewhere::Elsewhere,
    site::Site,
    tab::{COOKIE, Tab},
};

/// Proves: asvs_3_3_1, asvs_3_3_2, asvs_3_3_3, asvs_3_3_4.
#[tokio::test]
async fn a_browser_keeps_the_cookie_as_strictly_as_it_can() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    tab.open(&site.url()).await;
    tab.sign_in("ann", false).await;
    let cookie = tab.cookie().await.unwrap();
    assert!(cookie.name.starts_with("__Host-"));
    assert_eq!(cookie.secure, Some(true));
    assert_eq!(cookie.http_only, Some(true));
    assert_eq!(cookie.same_site, Some(SameSite::Lax));
    assert_eq!(cookie.path.as_deref(), Some("/"));
    // Without a dot before it: for this host alone.
    assert_eq!(cookie.domain.as_deref(), Some("127.0.0.1"));
    assert_eq!(cookie.expiry, None);
}

/// Proves: asvs_3_3_4.
#[tokio::test]
async fn a_script_neither_reads_the_cookie_nor_replaces_it() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    tab.open(&site.url_at("localhost")).await;
    tab.sign_in("ann", false).await;
    let token = tab.token().await.unwrap();
    let theirs = token_of_somebody_else(&site);
    for attributes in [
        "Path=/; Secure",
        "Path=/; Secure; SameSite=None",
        "Path=/; Secure; Max-Age=0",
        "Path=/; Secure; Domain=localhost",
        "Path=/visits; Secure",
        "Path=/",
        "",
    ] {
        let line = format!("{COOKIE}={theirs}; {attributes}");
        tab.set_cookie(&line).await;
        assert_eq!(tab.readable_cookies().await, "", "{attributes}");
        assert_eq!(tab.token().await.as_ref(), Some(&token), "{attributes}");
        tab.count_a_visit().await;
        tab.greets("ann").await;
    }
    for attempt in [
        format!("cookieStore.set('{COOKIE}', '{theirs}')"),
        format!("cookieStore.delete('{COOKIE}')"),
    ] {
        tab.run(&format!("return {attempt}.catch(() => null)"))
            .await;
        assert_eq!(tab.token().await.as_ref(), Some(&token), "{attempt}");
    }
    // Scripts have cookies of their own.
    tab.set_cookie("mine=1; Path=/").await;
    assert_eq!(tab.readable_cookies().await, "mine=1");
    let names = "return cookieStore.getAll().then(all => all.map(it => it.name).join())";
    assert_eq!(tab.run(names).await, "mine");
}

/// Proves: asvs_3_3_3.
#[tokio::test]
async fn a_neighbouring_host_cannot_set_the_cookie() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (elsewhere, tab) = (Elsewhere::start().await, browser.tab().await);
    let page = site.url_at("app.example.localhost");
    for user in ["visitor", "ann"] {
        tab.open(&page).await;
        if user == "ann" {
            tab.sign_in(user, false).await;
        }
        let (token, visits) = (tab.token().await, tab.visits().await.unwrap());
        let theirs = token_of_somebody_else(&site);
        let neighbour = elsewhere.url_at("neighbour.example.localhost");
        tab.open(&neighbour).await;
        for name in [COOKIE, "id", "theirs"] {
            let line = format!("{name}={theirs}; Domain=example.localhost; Path=/; Secure");
            tab.set_cookie(&line).await;
        }

        tab.open(&page).await;
        let readable = tab.readable_cookies().await;
        assert!(readable.contains("theirs="), "{readable:?}");
        assert!(!readable.contains(COOKIE), "{readable:?}");
        assert_eq!(tab.token().await, token);
        tab.greets(user).await;
        tab.has_counted(visits).await;
        tab.count_a_visit().await;
    }
}

/// Proves: asvs_7_2_4.
#[tokio::test]
async fn a_token_that_a_script_planted_is_dead_once_its_victim_signs_in() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let attacker = site.visitor();
    assert_eq!(attacker.get("/visits").text, "1");
    let planted = attacker.cookie().unwrap();
    let tab = browser.tab().await;
    tab.open(&site.url()).await;
    let line = format!("{COOKIE}={planted}; Path=/; Secure");
    tab.set_cookie(&line).await;
    tab.open(&site.url()).await;
    // It works for somebody without a session.
    tab.has_counted(1).await;

    tab.sign_in("ann", false).await;
    assert_ne!(tab.token().await.unwrap(), planted);
    assert_eq!(tab.readable_cookies().await, "");
    assert_eq!(attacker.get("/whoami").status, 401);
}

/// A good one, of a session that has begun.
fn token_of_somebody_else(site: &Site) -> String {
    let visitor = site.visitor();
    assert_eq!(visitor.get("/visits").text, "1");
    visitor.cookie().unwrap()
}

impl Tab {
    async fn set_cookie(&self, line: &str) {
        let script = "document.cookie = arguments[0]";
        self.try_run(script, vec![line.into()]).await.unwrap();
    }

    async fn readable_cookies(&self) -> String {
        let cookies = self.run("return document.cookie").await;
        cookies.as_str().unwrap().to_owned()
    }
}
