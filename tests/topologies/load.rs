//! Visitors who come steadily, whatever happens to Redis, and the account of what they were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt,
    io::{self, Write as _},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::StatusCode;
use session_test_support::Browser;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{interval, sleep},
};
use tower_session_layer::SessionLayer;

use crate::common::app::{App, app};

/// Two hundred requests in a second, of which every third one writes.
///
/// A write counts, and leaves a key of its own, in one commit. So the count and the number of the
/// keys are the same as long as no commit happens twice.
pub(super) struct Load {
    visitors: Vec<Arc<Browser<App>>>,
    visits: Arc<Mutex<Vec<Visit>>>,
    driver: JoinHandle<()>,
}

/// A request that was answered.
struct Visit {
    sent: Instant,
    answered: Instant,
    status: StatusCode,
    /// Whose session it wrote to, and the key.
    wrote: Option<(usize, String)>,
}

/// What came of it all.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) requests: usize,
    pub(super) failed_reads: usize,
    pub(super) failed_writes: usize,
    /// From the disturbance to the first answer of somebody who came after it.
    pub(super) first_success: Duration,
    /// From the disturbance to the last answer that was a failure.
    pub(super) last_failure: Duration,
    /// From the request to the answer, at most.
    pub(super) longest: Duration,
    /// How many writes were answered as saved, and are not there.
    pub(super) lost: usize,
    pub(super) saved: usize,
    /// How many failures there were of each status.
    pub(super) failures: BTreeMap<StatusCode, usize>,
}

impl Load {
    /// Lets visitors sign in, and come again and again.
    pub(super) async fn begin(layer: &SessionLayer) -> Self {
        let mut visitors = Vec::new();
        for _ in 0..VISITORS {
            let visitor = Browser::new(app(layer));
            let page = visitor.get("/sign_in/number:n:0").await;
            assert_eq!(page.status, StatusCode::OK, "a visitor signs in");
            visitors.push(Arc::new(visitor));
        }
        let visits = Arc::default();
        let driver = tokio::spawn(drive(visitors.clone(), Arc::clone(&visits)));
        Self {
            visitors,
            visits,
            driver,
        }
    }

    /// Waits until a second's worth of visitors in a row, who came from now on, succeeded.
    pub(super) async fn succeeds(&self) {
        let now = Instant::now();
        let is_well = || {
            let visits = self.visits.lock().unwrap();
            let since = visits.iter().rev().take_while(|it| it.sent > now);
            since.take_while(|it| it.is_success()).count() >= PER_SECOND
        };
        while !is_well() {
            if now.elapsed() > PATIENCE {
                let report = Report::about(&self.visits.lock().unwrap(), now);
                panic!("it does not recover: {report:?}");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so many more were answered, whatever they were told.
    pub(super) async fn goes_on(&self, number: usize) {
        let answered = || self.visits.lock().unwrap().len();
        let (now, enough) = (Instant::now(), answered() + number);
        while answered() < enough {
            assert!(now.elapsed() < PATIENCE, "visitors are answered");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it, and compares what the visitors were told with what is there.
    pub(super) async fn end(mut self, disturbed: Instant) -> Report {
        self.driver.abort();
        let _ = (&mut self.driver).await;
        let visits = std::mem::take(&mut *self.visits.lock().unwrap());
        let mut report = Report::about(&visits, disturbed);
        for (number, visitor) in self.visitors.iter().enumerate() {
            let page = visitor.get("/get_number:n/keys").await;
            assert_eq!(page.status, StatusCode::OK, "everybody is served again");
            let (count, keys) = page.text.split_once(' ').unwrap();
            let keys: BTreeSet<_> = keys.split(',').filter(|it| *it != "n").collect();
            let expected = format!("Some({})", keys.len());
            assert_eq!(count, expected, "no write happens twice: {keys:?}");
            let is_lost = |visit: &&Visit| match &visit.wrote {
                Some((at, key)) => *at == number && !keys.contains(&**key),
                None => false,
            };
            let saved = visits.iter().filter(|it| it.is_success());
            report.lost += saved.filter(is_lost).count();
        }
        report
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Nobody comes to a server that is gone, while the next test runs.
        self.driver.abort();
    }
}

async fn drive(visitors: Vec<Arc<Browser<App>>>, visits: Arc<Mutex<Vec<Visit>>>) {
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(PER_SECOND).unwrap());
    // They end with this.
    let mut running = JoinSet::new();
    for number in 0.. {
        ticks.tick().await;
        let at = number % visitors.len();
        let (visitor, visits) = (Arc::clone(&visitors[at]), Arc::clone(&visits));
        running.spawn(async move {
            let wrote = (number % 3 == 0).then(|| (at, format!("w{number}")));
            let path = match &wrote {
                Some((_, key)) => format!("/update:n/insert:{key}:1"),
                None => "/get:n".into(),
            };
            let sent = Instant::now();
            let status = visitor.get(&path).await.status;
            let visit = Visit {
                sent,
                answered: Instant::now(),
                status,
                wrote,
            };
            visits.lock().unwrap().push(visit);
        });
        while running.try_join_next().is_some() {}
    }
}

impl Visit {
    fn is_success(&self) -> bool {
        self.status == StatusCode::OK
    }
}

impl Report {
    fn about(visits: &[Visit], disturbed: Instant) -> Self {
        let (successes, failures): (Vec<_>, Vec<_>) = visits.iter().partition(|it| it.is_success());
        let is_write = |visit: &&&Visit| visit.wrote.is_some();
        let failed_writes = failures.iter().filter(is_write).count();
        let later = successes.iter().filter(|it| it.sent > disturbed);
        let first = later.map(|it| it.answered - disturbed).min();
        let last = failures
            .iter()
            .map(|it| it.answered.saturating_duration_since(disturbed));
        let longest = visits.iter().map(|it| it.answered - it.sent).max();
        Self {
            requests: visits.len(),
            failed_reads: failures.len() - failed_writes,
            failed_writes,
            first_success: first.unwrap_or(Duration::MAX),
            last_failure: last.max().unwrap_or_default(),
            longest: longest.unwrap(),
            lost: 0,
            saved: successes.iter().filter(is_write).count(),
            failures: statuses(visits),
        }
    }
}

impl fmt::Display for Report {
    /// A line of a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |span: Duration| span.as_millis();
        write!(
            f,
            "{} | {} | {} | {} | {} | {} | {} of {} | {:?}",
            self.requests,
            self.failed_reads,
            self.failed_writes,
            millis(self.first_success),
            millis(self.last_failure),
            millis(self.longest),
            self.lost,
            self.saved,
            self.failures,
        )
    }
}

/// Prints a line of a table, with `FAILOVERS` in the environment.
pub(super) fn tell(what: &str, report: &Report) {
    if env::var_os("FAILOVERS").is_some() {
        // Unlike `println!`, this is shown for tests that pass as well.
        let _ = writeln!(io::stderr(), "| {what} | {report} |");
    }
}

/// How many failures there are of each status.
fn statuses(visits: &[Visit]) -> BTreeMap<StatusCode, usize> {
    let failures = visits.iter().filter(|it| !it.is_success());
    failures.fold(BTreeMap::new(), |mut statuses, visit| {
        *statuses.entry(visit.status).or_default() += 1;
        statuses
    })
}

const PER_SECOND: usize = 200;
const VISITORS: usize = 40;

/// It does not hang.
const PATIENCE: Duration = Duration::from_secs(60);
