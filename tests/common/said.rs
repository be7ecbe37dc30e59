//! What is said aloud, in which no secret and no value may stand.

use std::{
    error::Error,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use session_test_support::{Browser, assert_tells_no_secret, assert_tells_nothing_of};
use tower_session_layer::SessionLayer;

use crate::common::{
    app::{App, app},
    log::Log,
    visitor::COOKIE,
};

/// What nobody may hear of.
pub(crate) const VALUE: &str = "confidential-7f3a";

/// All that was said, and what must not have been.
#[derive(Clone, Default)]
pub(crate) struct Said {
    text: Arc<Mutex<String>>,
    pub(crate) tokens: Arc<Mutex<Vec<String>>>,
}

impl Said {
    pub(crate) fn note(&self, what: impl std::fmt::Debug) {
        let _ = writeln!(self.text.lock().unwrap(), "{what:?}");
    }

    /// What is text already.
    pub(crate) fn note_text(&self, text: &str) {
        self.text.lock().unwrap().push_str(text);
    }

    /// An error, as people print them, down to its causes.
    pub(crate) fn note_error(&self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.note(error);
            let _ = writeln!(self.text.lock().unwrap(), "{error}");
            next = error.source();
        }
    }

    /// What was logged, with these events in it.
    pub(crate) fn note_events(&self, log: &Log, events: &[&str]) {
        let text = log.take();
        for event in events {
            assert!(text.contains(event), "{event}: {text}");
        }
        self.note_text(&text);
    }

    pub(crate) fn keep(&self, browser: &Browser<App>) {
        let token = browser.jar().get(COOKIE);
        self.tokens
            .lock()
            .unwrap()
            .extend(token.filter(|it| it.len() == 64));
    }

    #[track_caller]
    pub(crate) fn tells_no_secret_and_no_value(&self, log: &Log) {
        let text = log.take() + &self.text.lock().unwrap();
        let tokens = self.tokens.lock().unwrap();
        assert!(!tokens.is_empty());
        assert_tells_no_secret(text.as_bytes(), &tokens);
        assert_tells_nothing_of(text.as_bytes(), VALUE.as_bytes());
    }
}

/// A visitor with a session in which `a` is the value.
pub(crate) async fn visitor(layer: &SessionLayer, said: &Said) -> Browser<App> {
    let browser = Browser::new(app(layer));
    browser.get(&format!("/sign_in/insert:a:{VALUE}")).await;
    said.keep(&browser);
    browser
}
