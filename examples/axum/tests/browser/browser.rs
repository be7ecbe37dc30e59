//! A browser with a profile of its own.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use session_test_support::contains;
use tempfile::TempDir;
use thirtyfour::{ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver};

use crate::{driver::Driver, tab::Tab, wait::PATIENCE};

/// A running browser; it is killed when this is dropped, also by a test that fails.
#[derive(Debug)]
pub(crate) struct Browser {
    session: WebDriver,
    driver: Driver,
    home: TempDir,
}

impl Browser {
    /// Starts a browser that has never been anywhere.
    pub(crate) async fn start() -> Self {
        let home = TempDir::new().unwrap();
        let driver = Driver::start(home.path());
        let session = begin(&driver, home.path()).await;
        Self {
            session,
            driver,
            home,
        }
    }

    /// Closes the browser as its user would, and starts it again with the same profile.
    pub(crate) async fn restart(&mut self) {
        self.session.clone().quit().await.unwrap();
        self.session = begin(&self.driver, self.home.path()).await;
    }

    /// The tab that is there from the beginning.
    pub(crate) async fn tab(&self) -> Tab {
        Tab::of(&self.session, self.session.window().await.unwrap())
    }

    /// Another tab.
    pub(crate) async fn new_tab(&self) -> Tab {
        Tab::of(&self.session, self.session.new_tab().await.unwrap())
    }

    /// Both, to be used at once.
    pub(crate) async fn two_tabs(&self) -> (Tab, Tab) {
        (self.tab().await, self.new_tab().await)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Or it would ask the driver to close the browser, and wait for it.
        let _ = self.session.clone().leak();
        kill_all_of(self.home.path());
    }
}

async fn begin(driver: &Driver, home: &Path) -> WebDriver {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in ARGUMENTS {
        capabilities.add_arg(argument).unwrap();
    }
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    capabilities.add_arg(&profile).unwrap();
    // As most browsers do: what other sites may send along is then for the cookie to say.
    let preferences = json!({ "profile.cookie_controls_mode": ALLOW_THIRD_PARTY_COOKIES });
    let set = capabilities.add_experimental_option("prefs", preferences);
    set.unwrap();
    WebDriver::new(driver.url(), capabilities).await.unwrap()
}

/// Ends the browser with all its helpers, and waits for it: the last would write to its home again.
fn kill_all_of(home: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ids = processes_of(home);
        if ids.is_empty() || Instant::now() > deadline {
            return;
        }
        let mut kill = Command::new("sh");
        kill.arg("-c")
            .arg(format!("kill -s KILL {}", ids.join(" ")));
        // Some may have ended by themselves.
        let _ = kill.stderr(Stdio::null()).status();
        thread::sleep(Duration::from_millis(5));
    }
}

/// Those that were told of this directory when they were started. No other has its name.
fn processes_of(home: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_home = processes.filter(|process| {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        contains(&command, home.as_os_str().as_encoded_bytes())
    });
    of_home
        .filter_map(|it| it.file_name().into_string().ok())
        .collect()
}

/// Without a screen, alone with the servers of the test, and nothing that it would do by itself.
/// `evil.test` is a site of its own on this machine.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP evil.test 127.0.0.1",
];

const ALLOW_THIRD_PARTY_COOKIES: u8 = 0;
