//! Signing out is final, whatever the browser still has under way or in store.

use serde_json::Value;
use thirtyfour::error::WebDriverResult;

use crate::{
    browser::Browser, elsewhere::Elsewhere, gate::Gate, site::Site, tab::Tab, wait::eventually,
};

/// Proves: asvs_7_4_1.
#[tokio::test]
async fn a_response_that_arrives_after_the_sign_out_brings_nothing_back() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let gate = site.gate().await;
    let late = Late {
        page: format!("http://{}/", gate.address()),
        held: "HTTP/1.1 200",
        answers: &[200],
    };
    leave_while(&late, &gate, &site, &browser).await;
}

/// Proves: asvs_7_4_1.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_arrives_after_the_sign_out_brings_nothing_back() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (instance, gate) = site.instance_behind_a_gate().await;
    let late = Late {
        page: format!("http://{}/", instance.address()),
        held: "EVALSHA",
        // Too late for the session or, if this takes long, for the patience of the server.
        answers: &[409, 503],
    };
    leave_while(&late, &gate, &site, &browser).await;
}

/// A visit that finishes after the sign-out.
struct Late {
    /// Where it is made.
    page: String,
    /// What is held on its way.
    held: &'static str,
    /// How it ends.
    answers: &'static [u64],
}

/// Signs out in one tab while another is counting a visit at another address of the site: cookies
/// do not know ports.
async fn leave_while(late: &Late, gate: &Gate, site: &Site, browser: &Browser) {
    let (first, second) = browser.two_tabs().await;
    first.open(&site.url()).await;
    first.sign_in("ann", true).await;
    second.open(&late.page).await;
    second.greets("ann").await;
    second.count_a_visit().await;
    let token = first.token().await.unwrap();

    gate.hold(late.held);
    second.run(LATE_VISIT).await;
    gate.holds_something().await;
    first.sign_out().await;
    // Unless the server has lost patience, there is no answer yet.
    assert_ne!(second.run("return answer").await, 200);
    gate.release();
    let is_answered = async || {
        let answer = second.try_run("return answer", vec![]).await?;
        Ok(answer.as_u64().is_some())
    };
    eventually(is_answered, true).await;
    let answer = second.run("return answer").await.as_u64().unwrap();
    assert!(late.answers.contains(&answer), "{answer}");

    assert_eq!(first.token().await, None);
    assert_nobody_is_signed_in(&first, &second, site, late).await;
    // A copy of the cookie is worth nothing either.
    first.put_token(&token).await;
    assert_nobody_is_signed_in(&first, &second, site, late).await;
}

async fn assert_nobody_is_signed_in(first: &Tab, second: &Tab, site: &Site, late: &Late) {
    for (tab, page) in [(first, &site.url()), (second, &late.page)] {
        tab.open(page).await;
        tab.greets("visitor").await;
        tab.has_counted(0).await;
    }
}

/// Proves: asvs_14_3_1.
#[tokio::test]
async fn the_sign_out_clears_what_scripts_kept() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    tab.open(&site.url()).await;
    tab.sign_in("ann", false).await;
    tab.run("localStorage.draft = 'private'").await;
    tab.count_a_visit().await;
    assert_eq!(tab.run("return localStorage.draft").await, "private");
    tab.sign_out().await;
    assert_eq!(tab.run("return localStorage.draft").await, Value::Null);
}

/// A browser goes back to what it has on disk, or to the page itself, which it keeps in memory.
#[tokio::test]
async fn the_back_button_shows_nothing_private_after_the_sign_out() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let elsewhere = Elsewhere::start().await;
    let (first, second) = browser.two_tabs().await;
    first.open(&site.url()).await;
    first.sign_in("ann", true).await;
    first.mark().await;
    second.open(&site.url()).await;
    second.greets("ann").await;
    second.mark().await;

    // Where the page would be kept in memory, as another is.
    second.open(&elsewhere.url_at("127.0.0.1")).await;
    second.mark().await;
    second.open(&elsewhere.url_at("localhost")).await;
    first.sign_out().await;
    for (tab, user) in [(&second, ""), (&second, "visitor"), (&first, "visitor")] {
        tab.back().await;
        eventually(async || tab.is_marked().await, true).await;
        match user {
            "" => assert_eq!(tab.run("return window.kept").await, true),
            user => tab.greets(user).await,
        }
    }
}

impl Tab {
    /// Marks this step of the history, and this very document.
    async fn mark(&self) {
        self.run("history.replaceState('marked', ''); window.kept = true")
            .await;
    }

    async fn is_marked(&self) -> WebDriverResult<bool> {
        let state = "return history.state == 'marked' && document.readyState == 'complete'";
        Ok(self.try_run(state, vec![]).await? == true)
    }
}

/// Counts a visit without waiting for the answer.
const LATE_VISIT: &str = "
    window.answer = null;
    fetch('/visits', { cache: 'no-store' }).then(it => { answer = it.status })";
