//! What is left when the browser is closed and started again.

use crate::{browser::Browser, site::Site};

#[tokio::test]
async fn a_remembered_sign_in_survives_a_restart_of_the_browser_and_a_plain_one_does_not() {
    let (site, mut browser) = (Site::start(), Browser::start().await);
    for (is_remembered, after_restart) in [(false, "visitor"), (true, "ann")] {
        let tab = browser.tab().await;
        tab.open(&site.url()).await;
        tab.sign_in("ann", is_remembered).await;
        browser.restart().await;
        let tab = browser.tab().await;
        tab.open(&site.url()).await;
        tab.greets(after_restart).await;
    }
}
