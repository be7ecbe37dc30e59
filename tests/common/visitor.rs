//! What a visitor holds.

use session_test_support::Browser;

use crate::common::app::App;

pub(crate) const COOKIE: &str = "__Host-id";

/// The token in the visitor's cookie.
pub(crate) fn token(browser: &Browser<App>) -> String {
    browser.jar().get(COOKIE).unwrap()
}
