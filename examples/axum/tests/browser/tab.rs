//! A tab: what a visitor does in it, and what they see.

use serde_json::Value;
use thirtyfour::{
    By, Cookie, WebDriver, WindowHandle, error::WebDriverResult,
    extensions::query::ElementQueryable as _,
};

use crate::wait::eventually;

/// A tab of a browser. One thing is done at a time, in whichever tab.
#[derive(Debug)]
pub(crate) struct Tab {
    session: WebDriver,
    window: WindowHandle,
}

impl Tab {
    pub(crate) fn of(session: &WebDriver, window: WindowHandle) -> Self {
        let session = session.clone();
        Self { session, window }
    }

    /// Goes to a page.
    pub(crate) async fn open(&self, url: &str) {
        self.focused().await.goto(url).await.unwrap();
    }

    /// Presses the back button.
    pub(crate) async fn back(&self) {
        self.focused().await.back().await.unwrap();
    }

    /// Types a name into the form, and submits it.
    pub(crate) async fn sign_in(&self, user: &str, is_remembered: bool) {
        let field = self.find("input[name=user]").await;
        field.send_keys(user).await.unwrap();
        if is_remembered {
            self.click("input[name=remember]").await;
        }
        self.click("form[action='/login'] button").await;
        self.greets(user).await;
    }

    /// Clicks on what is there, or will soon be.
    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// Presses the button that counts a visit, and waits until it counts.
    pub(crate) async fn count_a_visit(&self) {
        let visits = self.visits().await.unwrap();
        self.click("form[action='/visits'] button").await;
        self.has_counted(visits + 1).await;
    }

    /// Presses the button that signs out.
    pub(crate) async fn sign_out(&self) {
        self.click("form[action='/logout'] button").await;
        self.greets("visitor").await;
    }

    /// Waits until the page greets this user.
    #[track_caller]
    pub(crate) fn greets(&self, user: &str) -> impl Future<Output = ()> {
        eventually(async || self.text("h1").await, format!("Hello, {user}"))
    }

    /// Waits until the page shows this number of visits.
    #[track_caller]
    pub(crate) fn has_counted(&self, visits: u64) -> impl Future<Output = ()> {
        eventually(async || self.visits().await, visits)
    }

    /// The number of visits on the page.
    pub(crate) async fn visits(&self) -> WebDriverResult<u64> {
        Ok(self.text(".count").await?.parse().unwrap_or(0))
    }

    /// What an element says, or nothing if there is none.
    pub(crate) async fn text(&self, selector: &str) -> WebDriverResult<String> {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        let value = self.try_run(script, vec![selector.into()]).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the page, and returns what it returns, or what that promises.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.try_run(script, vec![]).await.unwrap()
    }

    /// As [`Self::run`], with arguments, and where the page may be going.
    pub(crate) async fn try_run(
        &self,
        script: &str,
        arguments: Vec<Value>,
    ) -> WebDriverResult<Value> {
        let session = self.focused().await;
        Ok(session.execute(script, arguments).await?.json().clone())
    }

    /// The session cookie that the browser has for the page.
    pub(crate) async fn cookie(&self) -> Option<Cookie> {
        let cookies = self.focused().await.get_all_cookies().await.unwrap();
        cookies.into_iter().find(|cookie| cookie.name == COOKIE)
    }

    /// The token in that cookie.
    pub(crate) async fn token(&self) -> Option<String> {
        self.cookie().await.map(|cookie| cookie.value)
    }

    /// Puts a token into the browser, as one who stole it.
    pub(crate) async fn put_token(&self, token: &str) {
        let mut cookie = Cookie::new(COOKIE, token);
        cookie.set_path("/");
        cookie.set_secure(true);
        cookie.set_http_only(true);
        self.focused().await.add_cookie(cookie).await.unwrap();
    }

    /// The browser, with its eyes on this tab.
    pub(crate) async fn focused(&self) -> &WebDriver {
        let window = self.window.clone();
        self.session.switch_to_window(window).await.unwrap();
        &self.session
    }

    async fn find(&self, selector: &str) -> thirtyfour::WebElement {
        let session = self.focused().await;
        session.query(By::Css(selector)).first().await.unwrap()
    }
}

/// The name of the session cookie.
pub(crate) const COOKIE: &str = "__Host-id";
