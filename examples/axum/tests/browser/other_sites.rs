//! What pages of other sites can do to a visitor who is signed in.

use crate::{browser::Browser, elsewhere::Elsewhere, site::Site, tab::Tab, wait::eventually};

/// Proves: asvs_3_3_2.
#[tokio::test]
async fn a_form_that_another_site_submits_does_nothing_to_the_session() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (elsewhere, tab) = (Elsewhere::start().await, browser.tab().await);
    let before = visit_once(&tab, &site).await;
    for (path, ends_at, status) in [
        ("visits", "visits", 403),
        ("logout", "", 200),
        ("devices/end-others", "?again", 200),
    ] {
        tab.open(&elsewhere.url_at(OTHER_SITE)).await;
        tab.run(&form(&site, path)).await;
        arrives(&tab, &(site.url() + ends_at), status).await;
        assert_nothing_happened(&tab, &site, &before).await;
    }
}

/// Proves: asvs_3_3_2.
#[tokio::test]
async fn a_request_that_a_script_of_another_site_sends_does_nothing_to_the_session() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (elsewhere, tab) = (Elsewhere::start().await, browser.tab().await);
    let before = visit_once(&tab, &site).await;
    for path in ["visits", "logout", "devices/end-others"] {
        for method in ["GET", "POST"] {
            tab.open(&elsewhere.url_at(OTHER_SITE)).await;
            let url = site.url() + path;
            let fetch = format!(
                "fetch('{url}', {{method: '{method}', mode: 'no-cors', credentials: 'include'}})"
            );
            let script = format!("return {fetch}.then(it => it.type, String)");
            // It was answered, but scripts of another site do not learn how.
            assert_eq!(tab.run(&script).await, "opaque", "{method} {path}");
            assert_nothing_happened(&tab, &site, &before).await;
        }
    }
}

/// So the forms above fail because they come from another site, and visitors can be sent here.
#[tokio::test]
async fn a_link_of_another_site_and_a_form_of_the_same_site_carry_the_session() {
    let (site, browser) = (Site::start(), Browser::start().await);
    let (elsewhere, tab) = (Elsewhere::start().await, browser.tab().await);
    visit_once(&tab, &site).await;

    tab.open(&elsewhere.url_at(OTHER_SITE)).await;
    let page = site.url();
    tab.run(&format!("location.href = '{page}'")).await;
    arrives(&tab, &page, 200).await;
    tab.greets("ann").await;

    // Another port, and the same site for all that.
    tab.open(&elsewhere.url_at("127.0.0.1")).await;
    tab.run(&form(&site, "visits")).await;
    arrives(&tab, &page, 200).await;
    tab.has_counted(2).await;
}

/// Signs in and counts a visit; the token.
async fn visit_once(tab: &Tab, site: &Site) -> String {
    tab.open(&site.url()).await;
    tab.sign_in("ann", false).await;
    tab.count_a_visit().await;
    tab.token().await.unwrap()
}

/// A script that submits a form.
fn form(site: &Site, path: &str) -> String {
    let url = site.url() + path;
    format!(
        "const form = document.body.appendChild(document.createElement('form'));
        form.method = 'post';
        form.action = '{url}';
        form.submit()"
    )
}

/// Waits until the tab has gone to a page, and knows all of the answer.
async fn arrives(tab: &Tab, url: &str, status: u64) {
    let script = "return document.readyState == 'complete' &&
        performance.getEntriesByType('navigation')[0].responseStatus";
    let place = async || {
        let status = tab.try_run(script, vec![]).await?;
        Ok((tab.focused().await.current_url().await?.to_string(), status))
    };
    eventually(place, (url.to_owned(), status.into())).await;
}

async fn assert_nothing_happened(tab: &Tab, site: &Site, token: &str) {
    tab.open(&site.url()).await;
    tab.greets("ann").await;
    tab.has_counted(1).await;
    assert_eq!(tab.token().await.as_deref(), Some(token));
}

/// The browser finds it on this machine, and takes it for somebody else's.
const OTHER_SITE: &str = "evil.test";
