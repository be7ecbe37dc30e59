//! Races, round after round.

use std::{
    env,
    io::{self, Write as _},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use crate::common::duo::{Duo, duos};

/// Runs so many rounds of a race on every store.
///
/// With `SOAK_MINUTES` in the environment it goes on until that many minutes have passed since
/// the first race of the program began, and says how many rounds there were. For all races to be
/// run all the time, they need a thread each: `--test-threads=100`.
pub(crate) async fn race(name: &'static str, rounds: usize, round: impl AsyncFn(&Duo, usize)) {
    race_on(duos().await, name, rounds, round).await;
}

/// The same on servers of one's own.
pub(crate) async fn race_on(
    duos: Vec<Duo>,
    name: &'static str,
    rounds: usize,
    round: impl AsyncFn(&Duo, usize),
) {
    let mut done = 0;
    while done < rounds || SOAK_END.is_some_and(|end| Instant::now() < end) {
        for duo in &duos {
            let _scene = Scene(name, duo.name(), done);
            let ended = timeout(PATIENCE, round(duo, done)).await;
            assert!(ended.is_ok(), "somebody waits, and nobody comes");
        }
        done += 1;
    }
    if SOAK_END.is_some() {
        // Unlike `println!`, this is shown for tests that pass as well.
        let _ = writeln!(io::stderr(), "{name}: {done} rounds on each store");
    }
}

/// Where a race was, if it fails.
struct Scene(&'static str, &'static str, usize);

impl Drop for Scene {
    fn drop(&mut self) {
        let Self(name, store, round) = self;
        if thread::panicking() {
            eprintln!("{name} failed in round {round} on the store {store:?}");
        }
    }
}

static SOAK_END: LazyLock<Option<Instant>> = LazyLock::new(|| {
    let minutes: u64 = env::var("SOAK_MINUTES").ok()?.parse().unwrap();
    Some(Instant::now() + Duration::from_secs(60 * minutes))
});

/// No round takes that long, unless one of its requests never ends.
const PATIENCE: Duration = Duration::from_secs(30);
