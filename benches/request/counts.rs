//! Counting instructions and allocations.

use std::{env, hint::black_box, process::Command, thread};

use sha2::{Digest as _, Sha256};

use crate::{ALLOCATOR, BoxError, contender::Contender, scenario::Scenario};

/// What was counted, of some or all contenders.
pub(crate) struct Table {
    pub(crate) counts: Vec<(Contender, Scenario, Counts)>,
    /// The instructions of one SHA-256.
    pub(crate) digest: Option<i64>,
}

/// What the layer adds to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Without SHA-256; `None` where there is no valgrind.
    pub(crate) instructions: Option<i64>,
    pub(crate) allocations: i64,
}

impl Table {
    pub(crate) fn of(contenders: &[Contender]) -> Result<Self, BoxError> {
        let digest = net_instructions(&[DIGEST])?;
        let mut counts = Vec::new();
        for contender in contenders {
            for scenario in Scenario::ALL {
                if contender.has(scenario) {
                    let of_this = Counts::of(*contender, scenario, digest)?;
                    counts.push((*contender, scenario, of_this));
                }
            }
        }
        Ok(Self { counts, digest })
    }

    pub(crate) fn get(&self, contender: Contender, scenario: Scenario) -> Option<Counts> {
        let mut counts = self.counts.iter();
        let found = counts.find(|(it, kind, _)| (*it, *kind) == (contender, scenario));
        found.map(|(_, _, counts)| *counts)
    }
}

impl Counts {
    fn of(contender: Contender, scenario: Scenario, digest: Option<i64>) -> Result<Self, BoxError> {
        let instructions = net_instructions(&[RUN, contender.name(), scenario.name()])?;
        let digests = match contender.is_ours() {
            true => scenario.digests(),
            false => 0,
        };
        let others = instructions.zip(digest);
        Ok(Self {
            instructions: others.map(|(all, digest)| all - digests * digest),
            allocations: net_allocations(contender, scenario)?,
        })
    }
}

/// Computes a digest again and again, or as often does not.
pub(crate) fn digest(layered: bool, times: u64) {
    for _ in 0..times {
        let secret = black_box([7; 32]);
        if layered {
            black_box(Sha256::digest(secret));
        }
    }
}

fn net_allocations(contender: Contender, scenario: Scenario) -> Result<i64, BoxError> {
    let total = |layered, times| {
        let before = ALLOCATOR.stats();
        contender.run(scenario, layered, times)?;
        let change = ALLOCATOR.stats() - before;
        Ok(i64::try_from(change.allocations + change.reallocations)?)
    };
    Ok(for_one(sum(true, &total)? - sum(false, &total)?))
}

/// Both sides at the same time. There are none without valgrind.
fn net_instructions(what: &[&str]) -> Result<Option<i64>, BoxError> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(None);
    }
    let total = |layered, times| instructions(what, layered, times);
    let (with, without) = thread::scope(|scope| {
        let without = scope.spawn(|| sum(false, &total));
        (sum(true, &total), without.join())
    });
    let without = without.map_err(|_| "counting ended early")?;
    Ok(Some(for_one(with? - without?)))
}

/// A sum over many requests, from totals of programs that send some and some more.
fn sum(
    layered: bool,
    total: &impl Fn(bool, u64) -> Result<i64, BoxError>,
) -> Result<i64, BoxError> {
    Ok(total(layered, WARM_UP + TIMES)? - total(layered, WARM_UP)?)
}

fn for_one(sum: i64) -> i64 {
    (sum as f64 / TIMES as f64).round() as i64
}

fn instructions(what: &[&str], layered: bool, times: u64) -> Result<i64, BoxError> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(what)
        .args([layered.to_string(), times.to_string()])
        .output()?;
    let report = String::from_utf8(output.stderr)?;
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected :"));
    let collected = collected.filter(|_| output.status.success());
    let (_, number) = collected.ok_or(report.as_str())?;
    Ok(number.trim().parse()?)
}

/// The arguments with which this program sends requests, and computes digests.
pub(crate) const RUN: &str = "--run";
pub(crate) const DIGEST: &str = "--digest";

const WARM_UP: u64 = 100;
const TIMES: u64 = 2_000;
