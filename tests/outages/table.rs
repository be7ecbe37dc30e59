//! Each fault, and fifty requests while it lasts.

use std::{env, ops::RangeInclusive, time::Duration};

use session_test_support::Fault;

use crate::{
    parallel::{alone, in_parallel},
    site::{LENIENT, Site, eventually},
    trouble::Trouble,
    visits::{Regular, Tally},
};

/// With `OUTAGE_TABLE` in the environment the faults come one after the other, the store has the
/// deadline that it has by default, and the test prints the table in `docs/outages.md`.
#[test]
fn an_outage_is_answered_in_time_harms_nothing_and_ends_by_itself() {
    if env::var_os("OUTAGE_TABLE").is_some() {
        println!("{HEAD}");
        for row in rows(Duration::from_secs(1)) {
            println!("{}", alone(row.run()));
        }
        return;
    }
    let rows = rows(Duration::from_millis(400));
    in_parallel(rows, async |row| {
        row.run().await;
    });
}

struct Row {
    trouble: Trouble,
    deadline: Duration,
    /// How many of the fifty may be answered.
    served: RangeInclusive<usize>,
}

fn rows(deadline: Duration) -> Vec<Row> {
    use Fault::{
        BlackHole, CutReply, Forgotten, Garbage, Latency, Refused, Reset, ResetReply, Trickle,
    };
    use Trouble::{Busy, Kicked, Killed, Network, Paused};
    let row = |trouble, served| Row {
        trouble,
        deadline,
        served,
    };
    vec![
        Row {
            deadline: LENIENT,
            ..row(Network(Latency(Duration::from_millis(20))), ALL)
        },
        row(Network(Latency(deadline * 3 / 4)), NONE),
        row(Network(BlackHole), NONE),
        row(Network(Forgotten), SOME),
        row(Network(Refused), NONE),
        row(Network(Reset), NONE),
        row(Network(ResetReply), NONE),
        row(Network(CutReply(0)), NONE),
        row(Network(CutReply(5)), NONE),
        row(Network(Trickle(deadline / 10)), NONE),
        row(Network(Garbage), NONE),
        row(Paused, NONE),
        row(Killed, NONE),
        row(Kicked, SOME),
        row(Busy, NONE),
    ]
}

const ALL: RangeInclusive<usize> = REQUESTS..=REQUESTS;
const SOME: RangeInclusive<usize> = 1..=REQUESTS;
const NONE: RangeInclusive<usize> = 0..=0;

const HEAD: &str = "\
| fault | 200 | 503 | answered after, median | at most | cookies | failed writes that happened \
| served again after | failures in 50 requests then |
|---|---:|---:|---:|---:|---|---:|---:|---:|";

impl Row {
    async fn run(self) -> String {
        let mut site = Site::on(self.trouble.redis(), self.deadline).await;
        let mut visitors = Vec::new();
        for _ in 0..VISITORS {
            visitors.push(Regular::of(&site).await);
        }
        let (hasty, patient) = (site.far.clone(), site.patient.clone());
        // From now on connections and scripts are there.
        Tally::of(&mut visitors, &site, &patient, None).await;

        let busy = self.trouble.begin(&mut site);
        let during = Tally::of(&mut visitors, &site, &hasty, Some(self.trouble)).await;
        self.trouble.end(&mut site);
        let first = &mut visitors[0];
        let recovery = eventually("it serves again", async || first.read(&hasty).await).await;
        let after = Tally::of(&mut visitors, &site, &patient, None).await;
        drop(busy);

        site.settle().await;
        for visitor in &mut visitors {
            visitor.look().await;
        }
        during.look_after_newcomers(&site).await;
        after.look_after_newcomers(&site).await;
        self.check(&during, &after);
        let happened = visitors.iter().map(Regular::happened).sum();
        self.shown(during, happened, recovery, &after)
    }

    fn check(&self, during: &Tally, after: &Tally) {
        let name = self.trouble.name();
        let Tally {
            served, refused, ..
        } = during;
        assert_eq!(served + refused, REQUESTS, "{name}");
        assert!(self.served.contains(served), "{name}: {served} were served");
        let longest = during.times.iter().max().unwrap();
        // A load and a commit, and a busy machine.
        let patience = self.deadline * 2 + Duration::from_secs(2);
        assert!(*longest < patience, "{name}: somebody waits {longest:?}");
        assert_eq!(after.stale(), 0, "{name}: of {REQUESTS} afterwards");
    }

    fn shown(&self, during: Tally, happened: u64, recovery: Duration, after: &Tally) -> String {
        let mut times = during.times;
        times.sort_unstable();
        let [median, most] = [times[times.len() / 2], times[times.len() - 1]];
        format!(
            "| {} | {} | {} | {} | {} | unchanged | {happened} | {} | {} |",
            self.trouble.name(),
            during.served,
            during.refused,
            shown(median),
            shown(most),
            shown(recovery),
            after.stale(),
        )
    }
}

fn shown(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

const VISITORS: usize = 5;
const REQUESTS: usize = 50;
