//! Visitors who go on as if nothing had happened.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http::StatusCode;
use session_test_support::{Browser, Page};

use crate::{
    common::{
        app::App,
        visitor::{COOKIE, token},
    },
    ledger::Ledger,
    site::{LENIENT, Site},
    trouble::Trouble,
};

/// A visitor who is signed in, and counts.
pub(crate) struct Regular {
    browser: Browser<App>,
    token: String,
    ledger: Ledger,
}

/// What requests came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) served: usize,
    pub(crate) refused: usize,
    pub(crate) times: Vec<Duration>,
    /// Those whose first visit was answered, with their cookie.
    newcomers: Vec<Browser<App>>,
}

impl Regular {
    pub(crate) async fn of(site: &Site) -> Self {
        let browser = site.visitor();
        browser.get("/sign_in/number:n:0").await;
        Self {
            token: token(&browser),
            browser,
            ledger: Ledger::default(),
        }
    }

    /// Ten requests: reads, writes and first visits of somebody else.
    async fn go_on(&mut self, site: &Site, app: &App, trouble: Option<Trouble>) -> Tally {
        let mut tally = Tally::default();
        for request in 0..10 {
            if let Some(trouble) = trouble {
                trouble.go_on(site);
            }
            let begin = Instant::now();
            let is_served = match request % 5 {
                0 | 2 => self.read(app).await,
                1 | 3 => self.write(app, trouble).await,
                _ => tally.newcomer(app).await,
            };
            tally.times.push(begin.elapsed());
            match is_served {
                true => tally.served += 1,
                false => tally.refused += 1,
            }
        }
        tally
    }

    pub(crate) async fn read(&mut self, app: &App) -> bool {
        let page = self.browser.at(app.clone()).get("/get_number:n").await;
        let is_served = is_served(&page);
        if is_served {
            self.ledger.seen(number(&page.text));
        }
        assert_eq!(page.set_cookie(), None, "an outage is no news for a cookie");
        is_served
    }

    async fn write(&mut self, app: &App, trouble: Option<Trouble>) -> bool {
        let page = self.browser.at(app.clone()).get("/update:n").await;
        assert_eq!(page.set_cookie(), None, "an outage is no news for a cookie");
        let is_served = is_served(&page);
        match (is_served, trouble) {
            (true, _) => self.ledger.acknowledged(),
            // Redis has not carried it out, and never may.
            (false, Some(trouble)) if trouble.stops_redis() => {}
            // Whoever would look now is kicked as well.
            (false, Some(Trouble::Kicked)) => self.ledger.failed(),
            (false, _) => {
                self.ledger.failed();
                self.look().await;
            }
        }
        is_served
    }

    /// What is stored is what was answered, and the cookie is as good as ever.
    pub(crate) async fn look(&mut self) {
        let page = self.browser.get("/is_authenticated/get_number:n").await;
        let counter = page.text.strip_prefix("true ");
        let counter = number(counter.unwrap_or_else(|| panic!("{page:?}")));
        self.ledger.seen(counter);
        assert_eq!(self.browser.jar().get(COOKIE), Some(self.token.clone()));
    }

    /// How many writes that were answered as failed had happened by then.
    pub(crate) fn happened(&self) -> u64 {
        self.ledger.happened()
    }
}

impl Tally {
    /// Fifty requests of five visitors at the same time.
    pub(crate) async fn of(
        visitors: &mut [Regular],
        site: &Site,
        app: &App,
        trouble: Option<Trouble>,
    ) -> Self {
        let visits = visitors.iter_mut();
        let tallies = join_all(visits.map(|it| it.go_on(site, app, trouble))).await;
        tallies.into_iter().fold(Self::default(), Self::and)
    }

    /// What was answered to those who came for the first time is so.
    pub(crate) async fn look_after_newcomers(&self, site: &Site) {
        for newcomer in &self.newcomers {
            let page = newcomer.at(site.near.clone()).get("/get:a").await;
            assert_eq!(page.text, "1");
        }
    }

    /// Those that hit a connection that was of no use any more.
    pub(crate) fn stale(&self) -> usize {
        let slow = self.times.iter().filter(|time| **time >= LENIENT / 2);
        self.refused.max(slow.count())
    }

    async fn newcomer(&mut self, app: &App) -> bool {
        let browser = Browser::new(app.clone());
        let page = browser.get("/insert:a:1").await;
        let is_served = is_served(&page);
        let has_cookie = page.set_cookie().is_some();
        assert_eq!(has_cookie, is_served, "a cookie for what is saved");
        if is_served {
            self.newcomers.push(browser);
        }
        is_served
    }

    fn and(mut self, other: Self) -> Self {
        self.served += other.served;
        self.refused += other.refused;
        self.times.extend(other.times);
        self.newcomers.extend(other.newcomers);
        self
    }
}

#[track_caller]
pub(crate) fn is_served(page: &Page) -> bool {
    let is_refused = page.status == StatusCode::SERVICE_UNAVAILABLE;
    assert!(is_refused || page.status == StatusCode::OK, "{page:?}");
    !is_refused
}

/// The counter as the app shows it.
pub(crate) fn number(text: &str) -> u64 {
    let digits = text
        .strip_prefix("Some(")
        .and_then(|it| it.strip_suffix(')'));
    digits.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}
