//! Visitors who go on for a while, and faults at random.

use std::{
    env, fs,
    io::{self, Write as _},
    thread,
    time::{Duration, Instant, SystemTime},
};

use futures::future::join_all;
use session_test_support::Fault;
use tokio::time::timeout;

use crate::{
    common::dice::Dice,
    customer::{Customer, Figures},
    parallel::alone,
    site::{PATIENCE, Site, eventually},
    trouble::{Trouble, durable},
};

/// With `SOAK_MINUTES` in the environment it goes on for that long, with dice of its own, and says
/// what it has seen. `SOAK_SEED` repeats the dice.
#[test]
fn after_random_faults_all_that_was_acknowledged_is_there_and_nothing_has_grown() {
    let minutes = env::var("SOAK_MINUTES").ok();
    let minutes: Option<u64> = minutes.map(|minutes| minutes.parse().unwrap());
    let span = minutes.map_or(Duration::from_secs(5), |it| Duration::from_secs(60 * it));
    let seed = match (env::var("SOAK_SEED"), minutes) {
        (Ok(seed), _) => seed.parse().unwrap(),
        (_, Some(_)) => SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        (_, None) => 1,
    };
    eprintln!("SOAK_SEED={seed}");
    let figures = alone(soak(span, usize::try_from(seed).unwrap()));
    if minutes.is_some() {
        // Unlike `println!`, this is shown for tests that pass as well.
        let _ = writeln!(io::stderr(), "seed {seed}: {figures}");
    }
}

async fn soak(span: Duration, seed: usize) -> String {
    let mut site = Site::on(durable(), DEADLINE).await;
    let begin = Instant::now();
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS {
        let dice = Dice::of(number, seed);
        customers.push(Customer::of(&site, dice, begin + span));
    }
    let connections = connections(&site);
    let harm = thread::spawn(move || {
        let dice = Dice::of(CUSTOMERS, seed);
        let troubles = harm_until(begin + span, &mut site, dice);
        (site, troubles)
    });
    let early = async {
        tokio::time::sleep(span / 5).await;
        memory()
    };
    let visits = join_all(customers.iter_mut().map(Customer::go_on));
    let visits = futures::future::join(visits, early);
    let ended = timeout(span + PATIENCE, visits).await;
    let (_, memory_before) = ended.expect("somebody waits, and nobody comes");
    let (site, troubles) = harm.join().unwrap();

    site.settle().await;
    let mut figures = Figures::default();
    for customer in customers {
        figures = figures.and(customer.settle(&site).await);
    }
    let patience = DEADLINE * 3 + Duration::from_secs(2);
    assert!(figures.longest < patience, "somebody waits: {figures}");
    eventually("connections are no more than before", async || {
        let now = self::connections(&site);
        now.0 <= connections.0.max(POOL) && now.1 <= connections.1.max(3 * POOL + 1)
    })
    .await;
    let memory_after = memory();
    let grown = memory_after.saturating_sub(memory_before);
    assert!(grown < 32 * 1024, "grown by {grown} kB");
    format!(
        "{troubles} faults; {figures}; {memory_before} kB after a fifth of the time, {memory_after} kB at the \
         end; connections (of the network, of Redis) {connections:?}, {:?}",
        self::connections(&site)
    )
}

/// One fault after the other; says how many there were.
fn harm_until(end: Instant, site: &mut Site, mut dice: Dice) -> usize {
    let mut troubles = 0;
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(50 + dice.roll(300) as u64));
        let trouble = any(&mut dice);
        let lasting = Duration::from_millis(50 + dice.roll(1200) as u64);
        let _scene = Scene(trouble);
        let busy = trouble.begin(site);
        thread::sleep(lasting);
        trouble.end(site);
        drop(busy);
        let single = [Fault::Reset, Fault::ResetReply, Fault::CutReply(3)];
        site.network
            .next(dice.roll(3), single[dice.roll(single.len())]);
        troubles += 1;
    }
    troubles
}

fn any(dice: &mut Dice) -> Trouble {
    let millis = |millis: usize| Duration::from_millis(millis as u64);
    let troubles = [
        Trouble::Network(Fault::Latency(millis(dice.roll(400)))),
        Trouble::Network(Fault::BlackHole),
        Trouble::Network(Fault::Forgotten),
        Trouble::Network(Fault::Refused),
        Trouble::Network(Fault::Reset),
        Trouble::Network(Fault::ResetReply),
        Trouble::Network(Fault::CutReply(dice.roll(30))),
        Trouble::Network(Fault::Trickle(millis(dice.roll(20)))),
        Trouble::Network(Fault::Garbage),
        Trouble::Paused,
        Trouble::Killed,
        Trouble::Kicked,
        Trouble::Busy,
    ];
    troubles[dice.roll(troubles.len())]
}

/// What was wrong, if something fails.
struct Scene(Trouble);

impl Drop for Scene {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("while this was wrong: {}", self.0.name());
        }
    }
}

/// Connections through the network, and all that Redis has.
fn connections(site: &Site) -> (usize, usize) {
    let clients = site.redis.cli(&["CLIENT", "LIST"]);
    (site.network.connections(), clients.lines().count())
}

/// What this process has in memory, in kB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse().unwrap()
}

const CUSTOMERS: usize = 8;
const DEADLINE: Duration = Duration::from_millis(500);
/// As many connections as a store has.
const POOL: usize = 2;
