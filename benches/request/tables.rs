//! Tables in Markdown.

use crate::{contender::Contender, counts::Table, memory::Memory, scenario::Scenario};

pub(crate) fn counts(table: &Table) -> String {
    let mut text = String::from(INSTRUCTIONS);
    for scenario in Scenario::ALL {
        let digests = table.digest.map(|digest| digest * scenario.digests());
        let budget = scenario.budget().map(|budget| budget.0);
        let count = |contender| table.get(contender, scenario)?.instructions;
        text += &row(scenario.name(), &cells(count, budget, &[digests]));
    }
    text += ALLOCATIONS;
    for scenario in Scenario::ALL {
        let budget = scenario.budget().map(|budget| budget.1);
        let count = |contender| Some(table.get(contender, scenario)?.allocations);
        text += &row(scenario.name(), &cells(count, budget, &[]));
    }
    if table.digest.is_none() {
        text += "\n`valgrind` is not in the path: instructions were NOT counted\n";
    }
    text
}

fn cells(
    count: impl Fn(Contender) -> Option<i64>,
    budget: Option<i64>,
    others: &[Option<i64>],
) -> Vec<Option<i64>> {
    let [memory, redis, peer] = Contender::ALL.map(count);
    [&[memory, budget, redis, peer], others].concat()
}

pub(crate) fn memory(memory: &Memory) -> String {
    let mut text = String::from(IN_FLIGHT);
    for (name, taken) in &memory.in_flight {
        text += &row(name, &[Some(taken.live), Some(taken.allocated)]);
    }
    text += STORED;
    for (name, bytes) in &memory.stored {
        text += &row(name, &[Some(*bytes)]);
    }
    text
}

fn row(name: &str, cells: &[Option<i64>]) -> String {
    let text = |cell: &Option<i64>| cell.map_or_else(|| "–".to_owned(), |cell| cell.to_string());
    let cells: Vec<_> = cells.iter().map(text).collect();
    format!("| {name} | {} |\n", cells.join(" | "))
}

const INSTRUCTIONS: &str = "\
| Instructions | MemoryStore | budget | RedisStore | tower-sessions, in memory | SHA-256 of ours |
|---|---:|---:|---:|---:|---:|
";
const ALLOCATIONS: &str = "
| Allocations | MemoryStore | budget | RedisStore | tower-sessions, in memory |
|---|---:|---:|---:|---:|
";
const IN_FLIGHT: &str = "\
| One request with its handler | bytes live | bytes allocated |
|---|---:|---:|
";
const STORED: &str = "
| One of 100,000 sessions in the memory of | bytes live |
|---|---:|
";
