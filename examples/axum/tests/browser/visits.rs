//! Signing in, and visits that count: in one tab, and in two at once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{browser::Browser, site::Site};

/// Proves: asvs_7_2_4.
#[tokio::test]
async fn a_sign_in_keeps_the_visits_and_leaves_nothing_to_who_has_the_token_from_before() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let tab = browser.tab().await;
    tab.open(&site.url()).await;
    tab.greets("visitor").await;
    assert_eq!(tab.token().await, None);
    tab.count_a_visit().await;
    let before = tab.token().await.unwrap();

    tab.sign_in("ann", false).await;
    let after = tab.token().await.unwrap();
    assert_ne!(before, after);
    tab.count_a_visit().await;
    tab.count_a_visit().await;
    assert_eq!(tab.visits().await.unwrap(), 3);
    assert_eq!(tab.text(".name").await.unwrap(), "ann");
    assert_eq!(tab.token().await.unwrap(), after);

    tab.put_token(&before).await;
    tab.open(&site.url()).await;
    tab.greets("visitor").await;
    assert_eq!(tab.visits().await.unwrap(), 0);
}

#[tokio::test]
async fn of_the_visits_of_two_tabs_at_once_each_one_counts() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (first, second) = browser.two_tabs().await;
    first.open(&site.url()).await;
    first.sign_in("ann", false).await;
    second.open(&site.url()).await;
    second.greets("ann").await;

    // The first waits for the word of the second.
    let go = "new BroadcastChannel('go')";
    let heard = format!("new Promise(heard => {{ {go}.onmessage = heard }})");
    first.run(&visits_after(&heard)).await;
    second
        .run(&visits_after(&format!("{go}.postMessage(0)")))
        .await;
    let mut counts = BTreeSet::new();
    for tab in [&first, &second] {
        let seen = tab.run("return seen").await;
        counts.extend(seen.as_array().unwrap().iter().filter_map(Value::as_u64));
    }
    assert_eq!(counts, (1..=2 * EACH).collect());

    for (tab, visits) in [&first, &second, &first].into_iter().zip(2 * EACH..) {
        tab.open(&site.url()).await;
        tab.has_counted(visits).await;
        tab.count_a_visit().await;
    }
}

/// A script that begins many visits after this, and remembers their counts.
fn visits_after(start: &str) -> String {
    format!(
        "const visit = () => fetch('/visits', {{ cache: 'no-store' }}).then(it => it.json());
        const visits = () => Promise.all(Array.from({{ length: {EACH} }}, visit));
        window.seen = Promise.resolve({start}).then(visits)"
    )
}

/// Visits in each tab; a browser has six connections to a server.
const EACH: u64 = 12;
