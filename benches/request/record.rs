//! The record of the counts, which they may not outgrow.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, ExitCode},
};

use crate::{
    BoxError,
    counts::{Counts, Table},
};

/// Writes the record anew.
pub(crate) fn write(table: &Table) -> Result<(), BoxError> {
    let mut text = format!("{HEAD}# {}\n", compiler()?);
    for (name, counts) in named(table) {
        let Counts { allocations, .. } = counts;
        let instructions = counts.instructions.ok_or(NO_VALGRIND)?;
        text += &format!("{name} | {instructions} | {allocations}\n");
    }
    Ok(fs::write(FILE, text)?)
}

/// Says which counts are not near the recorded ones. To have grown is a failure.
pub(crate) fn compare(table: &Table) -> Result<ExitCode, BoxError> {
    let text = fs::read_to_string(FILE)?;
    let recorded = parse(&text)?;
    let mut is_more = false;
    for (name, now) in named(table) {
        is_more |= match recorded.get(&*name) {
            Some(before) => has_grown(&name, *before, now)?,
            None => {
                println!("NOT RECORDED: {name}");
                true
            }
        };
    }
    if !is_more {
        return Ok(ExitCode::SUCCESS);
    }
    let compiler = compiler()?;
    if !text.contains(&compiler) {
        println!("This is {compiler}, the record is of another one.");
    }
    println!("{TO_ACCEPT}");
    Ok(ExitCode::FAILURE)
}

fn has_grown(name: &str, before: Counts, now: Counts) -> Result<bool, BoxError> {
    let instructions = before.instructions.zip(now.instructions);
    let (before_instructions, now_instructions) = instructions.ok_or(NO_VALGRIND)?;
    let grown = [
        is_more("instructions", name, before_instructions, now_instructions),
        is_more("allocations", name, before.allocations, now.allocations),
    ];
    Ok(grown.contains(&true))
}

fn is_more(what: &str, name: &str, before: i64, now: i64) -> bool {
    let percent = 100.0 * (now - before) as f64 / before.max(1) as f64;
    let change = format!("{name}: {before} {what} recorded, {now} now ({percent:+.1} %)");
    if percent < -TOLERANCE {
        println!("less: {change}; `scripts/counts --record` keeps it so");
    }
    if percent > TOLERANCE {
        println!("MORE: {change}");
    }
    percent > TOLERANCE
}

fn named(table: &Table) -> impl Iterator<Item = (String, Counts)> {
    let ours = table.counts.iter().filter(|(it, ..)| it.is_ours());
    ours.map(|(it, scenario, counts)| (format!("{}: {}", it.name(), scenario.name()), *counts))
}

fn parse(text: &str) -> Result<BTreeMap<&str, Counts>, BoxError> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let counts = lines.map(|line| {
        let mut cells = line.rsplitn(3, " | ");
        let mut next = || cells.next().ok_or("a line of the record is too short");
        let allocations = next()?.parse()?;
        let instructions = Some(next()?.parse()?);
        let counts = Counts {
            instructions,
            allocations,
        };
        Ok((next()?, counts))
    });
    counts.collect()
}

fn compiler() -> Result<String, BoxError> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

const FILE: &str = "benches/request/counts.txt";
const HEAD: &str = "\
# What a session adds to one request: instructions without SHA-256, allocations.
# `scripts/counts` fails where one has grown by more than 5 %; `scripts/counts --record` writes this.
";
const NO_VALGRIND: &str = "valgrind is needed to count instructions";
const TO_ACCEPT: &str = "\
A request costs more than the record says. If that is what it has to cost, run
    scripts/counts --record
and commit what it writes, benches/request/counts.txt, together with the change.";

/// In percent.
const TOLERANCE: f64 = 5.0;
