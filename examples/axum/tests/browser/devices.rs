//! Users see the browsers that they are signed in with, and end what they do not want.

use serde_json::{Value, json};

use crate::{browser::Browser, site::Site, tab::Tab, wait::eventually};

/// Proves: asvs_7_5_2.
#[tokio::test]
async fn of_two_browsers_of_a_user_each_sees_both_and_one_ends_the_other() {
    let site = Site::start();
    let (laptop, phone) = (Browser::start().await, Browser::start().await);
    let (laptop, phone) = (laptop.tab().await, phone.tab().await);
    phone.call_itself(PHONE).await;
    for (tab, is_remembered) in [(&laptop, false), (&phone, true)] {
        tab.open(&site.url()).await;
        tab.sign_in("ann", is_remembered).await;
    }
    laptop.click("a[href='/devices']").await;
    laptop.sees(&["Chrome on Linux", "Safari on iPhone"]).await;
    phone.click("a[href='/devices']").await;
    phone.sees(&["Safari on iPhone", "Chrome on Linux"]).await;

    laptop.click("form[action='/devices/end'] button").await;
    laptop.sees(&["Chrome on Linux"]).await;
    // Who is signed out by the laptop can no longer do the same to it.
    phone.click("form[action='/devices/end'] button").await;
    phone.greets("visitor").await;
    phone.open(&(site.url() + "devices")).await;
    phone.greets("visitor").await;
    laptop.open(&(site.url() + "devices")).await;
    laptop.sees(&["Chrome on Linux"]).await;
}

/// Proves: asvs_7_4_3, asvs_7_5_2.
#[tokio::test]
async fn of_three_sessions_of_a_user_one_ends_all_others_and_every_copy_of_itself() {
    let site = Site::start();
    let (here, there) = (Browser::start().await, Browser::start().await);
    let ((first, second), third) = (here.two_tabs().await, there.tab().await);
    // By another name of the site a browser has another session.
    let elsewhere = site.url_at("localhost");
    let places = [
        (&first, site.url()),
        (&second, elsewhere),
        (&third, site.url()),
    ];
    for (tab, place) in &places {
        tab.open(place).await;
        tab.sign_in("ann", true).await;
    }
    first.open(&(site.url() + "devices")).await;
    first.sees(&["Chrome on Linux"; 3]).await;
    let before = first.token().await.unwrap();

    first
        .click("form[action='/devices/end-others'] button")
        .await;
    first.sees(&["Chrome on Linux"]).await;
    assert_ne!(first.token().await.unwrap(), before);
    for ((tab, place), user) in places.iter().zip(["ann", "visitor", "visitor"]) {
        tab.open(place).await;
        tab.greets(user).await;
    }
    third.put_token(&before).await;
    third.open(&site.url()).await;
    third.greets("visitor").await;
}

/// Proves: asvs_7_5_2.
#[tokio::test]
async fn somebody_else_sees_none_of_them_and_ends_none_by_its_id() {
    let site = Site::start();
    let (hers, his) = (Browser::start().await, Browser::start().await);
    let (hers, his) = (hers.tab().await, his.tab().await);
    for (tab, user) in [(&hers, "ann"), (&his, "bob")] {
        tab.open(&site.url()).await;
        tab.sign_in(user, false).await;
    }
    let (her_id, his_id) = (hers.text("code").await, his.text("code").await);
    his.open(&(site.url() + "devices")).await;
    his.sees(&["Chrome on Linux"]).await;

    his.post("/devices/end", json!({ "id": her_id.unwrap() }))
        .await;
    his.post("/devices/end-others", json!({})).await;
    hers.open(&site.url()).await;
    hers.greets("ann").await;
    // The same request ends what is his own.
    his.post("/devices/end", json!({ "id": his_id.unwrap() }))
        .await;
    his.open(&site.url()).await;
    his.greets("visitor").await;
}

impl Tab {
    /// What the browser tells servers from now on.
    async fn call_itself(&self, name: &str) {
        let devtools = self.focused().await.cdp();
        let name = devtools.send_raw("Network.setUserAgentOverride", json!({ "userAgent": name }));
        name.await.unwrap();
    }

    /// Waits until the page shows these devices, this one first.
    #[track_caller]
    fn sees(&self, names: &[&str]) -> impl Future<Output = ()> {
        let rows = names.iter().enumerate().map(|(index, name)| match index {
            0 => format!("This device: {name}"),
            _ => format!("Another device: {name}"),
        });
        eventually(
            async || self.try_run(DEVICES, vec![]).await,
            rows.collect::<Value>(),
        )
    }

    /// Sends a form that the page does not have.
    async fn post(&self, path: &str, fields: Value) {
        let script = "
            const [path, fields] = arguments;
            return fetch(path, { method: 'POST', body: new URLSearchParams(fields) })
                .then(it => it.status)";
        let status = self.try_run(script, vec![path.into(), fields]).await;
        assert_eq!(status.unwrap(), 200);
    }
}

/// A script that reads the devices off the page.
const DEVICES: &str = "
    return [...document.querySelectorAll('section:has(.name)')].map(it =>
        it.querySelector('h2').textContent + ': ' + it.querySelector('.name').textContent)";

/// What a phone calls itself.
pub(crate) const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) \
    AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
