//! Faults in the middle of one request: browser and store agree afterwards, and what was answered
//! as failed is not carried out later.

use std::time::Duration;

use http::StatusCode;
use session_test_support::{Browser, Fault, Page, Program, Redis};
use tokio::time::{Instant, sleep_until};

use crate::{
    common::{
        app::App,
        visitor::{COOKIE, token, with_pause},
    },
    parallel::in_parallel,
    site::Site,
    trouble::Trouble,
};

#[test]
fn after_a_fault_within_a_request_browser_and_store_agree_and_nothing_happens_later() {
    let deeds = [Deed::SignIn, Deed::LogOut, Deed::Write];
    let visits = rows().into_iter();
    let visits = visits.flat_map(|row| deeds.map(|deed| (row, deed)));
    in_parallel(visits.collect(), async |(row, deed)| {
        let mut visit = Visit::begin(row, deed).await;
        visit.go_through(row).await;
        visit.check(row.end).await;
    });
}

/// What fails, when, and how it ends.
#[derive(Debug, Clone, Copy)]
struct Row {
    moment: Moment,
    how: How,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    BeforeLoad,
    BetweenLoadAndCommit,
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// It befalls one message.
    Once(Fault),
    /// It goes on until the request is answered.
    UntilAnswered(Trouble),
    /// It goes on for a second and a half, longer than the deadline.
    Silence(Trouble),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It failed, and is as if it had never been.
    Intact,
    /// It was answered, and is stored.
    Complete,
    /// It failed, and has happened by then: Redis had it in time, and its answers were lost. Nobody
    /// can tell that from here.
    Happened,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    SignIn,
    LogOut,
    Write,
}

fn rows() -> Vec<Row> {
    use End::{Complete, Happened, Intact};
    use Fault::{
        BlackHole, CutReply, Detained, Garbage, Latency, Refused, Reset, ResetReply, Trickle,
    };
    use How::{Once, Silence, UntilAnswered};
    use Moment::{BeforeLoad, BetweenLoadAndCommit};
    use Trouble::{Busy, Killed, Network, Paused};
    let row = |moment| move |(how, end)| Row { moment, how, end };
    let before = [
        (Once(Reset), Complete),
        (Once(CutReply(5)), Complete),
        (Silence(Network(BlackHole)), Intact),
        (Silence(Paused), Intact),
        (UntilAnswered(Network(Refused)), Intact),
        (UntilAnswered(Network(CutReply(5))), Intact),
    ];
    let between = [
        (Once(Reset), Complete),
        (Once(ResetReply), Complete),
        (Once(CutReply(0)), Complete),
        (Once(CutReply(5)), Complete),
        (Once(Garbage), Complete),
        (Once(Detained), Complete),
        (Silence(Network(BlackHole)), Intact),
        (Silence(Paused), Intact),
        (
            UntilAnswered(Network(Latency(Duration::from_millis(800)))),
            Intact,
        ),
        (UntilAnswered(Network(Detained)), Intact),
        (UntilAnswered(Network(Refused)), Intact),
        (UntilAnswered(Network(Reset)), Intact),
        (UntilAnswered(Killed), Intact),
        (UntilAnswered(Busy), Intact),
        (UntilAnswered(Network(ResetReply)), Happened),
        (UntilAnswered(Network(CutReply(0))), Happened),
        (UntilAnswered(Network(CutReply(5))), Happened),
        (UntilAnswered(Network(Garbage)), Happened),
        (
            UntilAnswered(Network(Trickle(Duration::from_millis(200)))),
            Happened,
        ),
    ];
    let before = before.map(row(BeforeLoad));
    [&before[..], &between.map(row(BetweenLoadAndCommit))].concat()
}

impl Row {
    /// Where Redis has to be reached in time, a busy machine must not be in the way.
    fn deadline(self) -> Duration {
        match self.end {
            End::Intact => Duration::from_secs(1),
            End::Complete => Duration::from_secs(6),
            End::Happened => Duration::from_secs(4),
        }
    }

    /// Whether the commit stands in a queue until nobody waits for it any more.
    fn arrives_late(self) -> bool {
        let is_late = matches!(
            self.how,
            How::Silence(_)
                | How::UntilAnswered(Trouble::Network(Fault::Latency(_) | Fault::Detained))
        );
        is_late && matches!(self.moment, Moment::BetweenLoadAndCommit)
    }
}

/// A visitor who has a session, and asks for something.
struct Visit {
    site: Site,
    browser: Browser<App>,
    old: String,
    deed: Deed,
    scene: String,
    page: Option<Page>,
}

impl Visit {
    async fn begin(row: Row, deed: Deed) -> Self {
        let site = Site::on(row.how.redis(), row.deadline()).await;
        let browser = site.visitor();
        browser.get("/insert:a:1").await;
        Self {
            old: token(&browser),
            browser: browser.at(site.far.clone()),
            site,
            deed,
            scene: format!("{deed:?}, {row:?}"),
            page: None,
        }
    }

    async fn go_through(&mut self, row: Row) {
        let begin = Instant::now();
        let scripts = self.site.redis.calls("evalsha");
        let mut busy = None;
        let page = match row.moment {
            Moment::BeforeLoad => {
                busy = row.how.begin(&mut self.site);
                self.browser.post(self.deed.path()).await
            }
            Moment::BetweenLoadAndCommit => {
                let path = format!("/wait{}", self.deed.path());
                let site = &mut self.site;
                let fail = async || busy = row.how.begin(site);
                with_pause(&self.browser, &path, fail).await
            }
        };
        let stored = row.how.leaves_redis_alone();
        let stored = stored.then(|| self.site.redis.dump());
        if let How::Silence(_) = row.how {
            sleep_until(begin + SILENCE).await;
        }
        row.how.end(&mut self.site);
        drop(busy);
        self.site.settle().await;
        if let Some(stored) = stored {
            let later = self.site.redis.dump();
            assert!(later == stored, "it happened later: {}", self.scene);
        }
        if row.arrives_late() {
            let later = self.site.redis.calls("evalsha");
            assert!(later > scripts, "it never arrived: {}", self.scene);
        }
        self.page = Some(page);
    }

    async fn check(&self, end: End) {
        let Self { scene, browser, .. } = self;
        let page = self.page.as_ref().unwrap();
        if end == End::Complete {
            assert_eq!(page.status, StatusCode::OK, "{scene}");
        } else {
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{scene}");
            assert_eq!(page.set_cookie(), None, "{scene}");
            assert_eq!(browser.jar().get(COOKIE), Some(self.old.clone()), "{scene}");
        }
        let (seen, with_the_old_cookie) = self.deed.seen(end);
        let browser = browser.at(self.site.near.clone());
        assert_eq!(browser.get(LOOK).await.text, seen, "{scene}");
        let stranger = self.site.visitor();
        stranger.jar().set(COOKIE, &self.old);
        let page = stranger.get(LOOK).await;
        assert_eq!(page.text, with_the_old_cookie, "{scene}");
        // Whatever came of it, the way is free.
        let page = browser.post("/sign_in/insert:b:3").await;
        assert_eq!(page.status, StatusCode::OK, "{scene}");
        let page = browser.get("/get:b/is_authenticated").await;
        assert_eq!(page.text, "3 true", "{scene}");
    }
}

impl How {
    fn begin(self, site: &mut Site) -> Option<Program> {
        match self {
            Self::Once(fault) => {
                site.network.next(1, fault);
                None
            }
            Self::UntilAnswered(trouble) | Self::Silence(trouble) => trouble.begin(site),
        }
    }

    fn end(self, site: &mut Site) {
        match self {
            Self::Once(Fault::Detained) => site.network.release(),
            Self::Once(_) => {}
            Self::UntilAnswered(trouble) | Self::Silence(trouble) => trouble.end(site),
        }
    }

    fn redis(self) -> Redis {
        match self {
            Self::Once(_) => Redis::start(),
            Self::UntilAnswered(trouble) | Self::Silence(trouble) => trouble.redis(),
        }
    }

    fn leaves_redis_alone(self) -> bool {
        match self {
            Self::Once(_) => true,
            Self::UntilAnswered(trouble) | Self::Silence(trouble) => !trouble.stops_redis(),
        }
    }
}

impl Deed {
    fn path(self) -> &'static str {
        match self {
            Self::SignIn => "/sign_in/insert:b:2",
            Self::LogOut => "/destroy",
            Self::Write => "/insert:b:2",
        }
    }

    /// What the visitor sees, and who has the old cookie.
    fn seen(self, end: End) -> (&'static str, &'static str) {
        match (end, self) {
            (End::Intact, _) => (BEFORE, BEFORE),
            (_, Self::Write) => (WRITTEN, WRITTEN),
            (End::Complete, Self::SignIn) => (SIGNED_IN, NOTHING),
            // The new cookie never left the server, and the old one is dead.
            (End::Happened, Self::SignIn) | (_, Self::LogOut) => (NOTHING, NOTHING),
        }
    }
}

const LOOK: &str = "/get:a/get:b/is_authenticated";
const BEFORE: &str = "1 none false";
const WRITTEN: &str = "1 2 false";
const SIGNED_IN: &str = "1 2 true";
const NOTHING: &str = "none none false";

const SILENCE: Duration = Duration::from_millis(1500);
