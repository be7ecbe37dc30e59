//! A visitor who does this and that, and knows at any time what has to be stored.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use session_test_support::{Browser, Page};
use tokio::time::sleep;

use crate::{
    common::{
        app::App,
        dice::Dice,
        visitor::{COOKIE, token},
    },
    ledger::Ledger,
    site::{Site, eventually},
    visits::{is_served, number},
};

pub(crate) struct Customer {
    browser: Browser<App>,
    /// The same app, which the network does not fail.
    near: App,
    dice: Dice,
    end: Instant,
    session: Session,
    /// The last tokens that were replaced or logged out, and counted by nobody since.
    dead: VecDeque<String>,
    figures: Figures,
}

/// What the customer knows of the session.
#[derive(Debug, Clone, Copy)]
enum Session {
    /// There is none.
    Gone,
    Live(Ledger),
    /// A sign-in or a log-out was answered as failed: it may have happened before that.
    Uncertain(Ledger),
}

/// What the requests came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    served: u64,
    refused: u64,
    acknowledged: u64,
    sign_ins: u64,
    log_outs: u64,
    /// What failed, and was found to have happened.
    lost: u64,
    pub(crate) longest: Duration,
}

impl Customer {
    pub(crate) fn of(site: &Site, dice: Dice, end: Instant) -> Self {
        Self {
            browser: Browser::new(site.far.clone()),
            near: site.near_in_haste.clone(),
            dice,
            end,
            session: Session::Gone,
            dead: VecDeque::new(),
            figures: Figures::default(),
        }
    }

    pub(crate) async fn go_on(&mut self) {
        while Instant::now() < self.end {
            self.session = match self.session {
                Session::Gone => self.begin().await,
                Session::Uncertain(ledger) => self.find_out(ledger).await,
                Session::Live(ledger) => match self.dice.roll(20) {
                    0 => self.sign_in(ledger).await,
                    1 => self.log_out(ledger).await,
                    2..10 => self.increment(ledger).await,
                    _ => self.read(ledger).await,
                },
            };
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Looks, now that nothing is wrong, whether everything is as it was answered.
    pub(crate) async fn settle(mut self, site: &Site) -> Figures {
        let far = self.browser.clone();
        eventually("it serves again", async || {
            is_served(&far.get("/get:x").await)
        })
        .await;
        self.browser = self.browser.at(site.near.clone());
        if let Session::Live(ledger) = self.session {
            self.session = self.read(ledger).await;
            let is_live = matches!(self.session, Session::Live(_));
            assert!(is_live, "it was not answered");
        }
        for token in &self.dead {
            let stranger = site.visitor();
            stranger.jar().set(COOKIE, token);
            assert_eq!(stranger.get("/get_number:n").await.text, "None");
        }
        self.figures
    }

    async fn begin(&mut self) -> Session {
        match self.visit("/sign_in/number:n:0").await {
            Some(page) => {
                assert!(page.set_cookie().is_some(), "{page:?}");
                Session::Live(Ledger::default())
            }
            None => Session::Gone,
        }
    }

    async fn read(&mut self, mut ledger: Ledger) -> Session {
        if let Some(page) = self.visit("/get_number:n").await {
            assert_eq!(page.set_cookie(), None);
            ledger.seen(number(&page.text));
        }
        Session::Live(ledger)
    }

    async fn increment(&mut self, mut ledger: Ledger) -> Session {
        match self.visit("/update:n").await {
            Some(page) => {
                assert_eq!(page.set_cookie(), None);
                self.figures.acknowledged += 1;
                ledger.acknowledged();
            }
            None => {
                ledger.failed();
                self.look(&mut ledger).await;
            }
        }
        Session::Live(ledger)
    }

    async fn sign_in(&mut self, ledger: Ledger) -> Session {
        let old = token(&self.browser);
        match self.visit("/sign_in").await {
            Some(_) => {
                assert_ne!(token(&self.browser), old);
                self.bury(old);
                self.figures.sign_ins += 1;
                Session::Live(ledger)
            }
            None => Session::Uncertain(ledger),
        }
    }

    async fn log_out(&mut self, ledger: Ledger) -> Session {
        let old = token(&self.browser);
        match self.visit("/destroy").await {
            Some(_) => {
                assert_eq!(self.browser.jar().get(COOKIE), None);
                self.bury(old);
                self.figures.log_outs += 1;
                Session::Gone
            }
            None => Session::Uncertain(ledger),
        }
    }

    /// What is seen now holds: what failed and has not happened never will.
    async fn find_out(&mut self, mut ledger: Ledger) -> Session {
        match self.visit("/get_number:n").await {
            None => Session::Uncertain(ledger),
            Some(page) if page.text == "None" => {
                self.bury(token(&self.browser));
                self.figures.lost += 1;
                Session::Gone
            }
            Some(page) => {
                ledger.seen(number(&page.text));
                Session::Live(ledger)
            }
        }
    }

    /// Looks what is stored, if Redis can be asked.
    async fn look(&mut self, ledger: &mut Ledger) {
        let near = self.browser.at(self.near.clone());
        let page = near.get("/get_number:n").await;
        if is_served(&page) {
            let happened = ledger.happened();
            ledger.seen(number(&page.text));
            self.figures.lost += ledger.happened() - happened;
        }
    }

    /// The page, unless it was refused.
    async fn visit(&mut self, path: &str) -> Option<Page> {
        let (begin, cookie) = (Instant::now(), self.browser.jar().get(COOKIE));
        let page = self.browser.post(path).await;
        let figures = &mut self.figures;
        figures.longest = figures.longest.max(begin.elapsed());
        if is_served(&page) {
            figures.served += 1;
            return Some(page);
        }
        assert_eq!(self.browser.jar().get(COOKIE), cookie, "{path}");
        figures.refused += 1;
        None
    }

    fn bury(&mut self, token: String) {
        self.dead.push_back(token);
        if self.dead.len() > REMEMBERED {
            self.dead.pop_front();
        }
    }
}

impl Figures {
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            served: self.served + other.served,
            refused: self.refused + other.refused,
            acknowledged: self.acknowledged + other.acknowledged,
            sign_ins: self.sign_ins + other.sign_ins,
            log_outs: self.log_outs + other.log_outs,
            lost: self.lost + other.lost,
            longest: self.longest.max(other.longest),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            served,
            refused,
            acknowledged,
            sign_ins,
            log_outs,
            lost,
            longest,
        } = self;
        write!(
            f,
            "{served} requests served, {refused} refused, after {} ms at most; {acknowledged} increments, \
             {sign_ins} sign-ins and {log_outs} log-outs acknowledged; {lost} that failed had happened",
            longest.as_millis()
        )
    }
}

const REMEMBERED: usize = 100;
