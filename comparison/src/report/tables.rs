//! Tables in Markdown.

use std::fmt::Write as _;

use crate::{
    contenders::Contender,
    measure::{Metric, Size, workload::Workload},
    report::{Curve, Panel, Results, Spread},
    settings::Settings,
};

/// Ours against the floor and against tower-sessions, one line for each workload.
pub(crate) fn ratios(results: &Results, settings: &Settings) -> String {
    let titles = [
        "request",
        "",
        "CPU ÷ by hand",
        "CPU ÷ tower-sessions",
        "requests/s ÷ tower-sessions",
        "CPU ÷ sliding",
        "requests/s ÷ sliding",
    ];
    let mut table = Table::new(&titles, 2);
    for workload in &settings.workloads {
        for contender in settings.contenders.iter().filter(|it| it.is_ours()) {
            let against = |reference, metric| {
                ratio(results.ratio(*workload, [*contender, reference], metric))
            };
            table.row(&[
                workload.title.to_owned(),
                contender.name().to_owned(),
                against(Contender::ByHand, CPU),
                against(Contender::TowerSessions, CPU),
                against(Contender::TowerSessions, THROUGHPUT),
                against(Contender::TowerSessionsSliding, CPU),
                against(Contender::TowerSessionsSliding, THROUGHPUT),
            ]);
        }
    }
    table.text
}

/// Everything about everybody, one table for each workload.
pub(crate) fn details(results: &Results, settings: &Settings) -> String {
    let tables = settings.workloads.iter().map(|workload| {
        let table = details_of(results, *workload, &settings.contenders);
        format!("### {}\n\n{table}", workload.title)
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn details_of(results: &Results, workload: Workload, contenders: &[Contender]) -> String {
    let titles = [
        "",
        "CPU µs",
        "÷ by hand",
        "requests/s",
        "÷ tower-sessions",
        "p50 ms",
        "p99 ms",
        "commands",
        "bytes",
        "Redis CPU µs",
        "errors",
    ];
    let mut table = Table::new(&titles, 1);
    for contender in contenders {
        let spread = |metric| results.spread(workload, *contender, metric);
        let against =
            |reference, metric| ratio(results.ratio(workload, [*contender, reference], metric));
        table.row(&[
            contender.name().to_owned(),
            between(spread(CPU), 1),
            against(Contender::ByHand, CPU),
            between(spread(THROUGHPUT), 0),
            against(Contender::TowerSessions, THROUGHPUT),
            median(spread(|it| it.p50 / 1e3), 2),
            median(spread(|it| it.p99 / 1e3), 2),
            median(spread(|it| it.redis_commands), 1),
            median(spread(|it| it.redis_bytes), 0),
            median(spread(|it| it.redis_cpu), 1),
            results.errors(workload, *contender).to_string(),
        ]);
    }
    table.text
}

/// What each asks Redis for, to answer one request.
pub(crate) fn asked(commands: &[(Contender, Vec<Vec<String>>)], settings: &Settings) -> String {
    let workloads = settings.workloads.iter().map(|workload| workload.name);
    let titles: Vec<_> = [""].into_iter().chain(workloads).collect();
    let mut table = Table::new(&titles, titles.len());
    for (contender, of_workloads) in commands {
        let mut cells = vec![contender.name().to_owned()];
        cells.extend(of_workloads.iter().map(|commands| match &commands[..] {
            [] => "–".to_owned(),
            commands => commands.join(" "),
        }));
        table.row(&cells);
    }
    table.text
}

/// The curves of a panel, as numbers.
pub(crate) fn growth(panel: &Panel) -> String {
    let labels = panel.labels.iter().map(|label| &**label);
    let titles: Vec<_> = [panel.title].into_iter().chain(labels).collect();
    let mut table = Table::new(&titles, 1);
    for Curve { name, points } in &panel.curves {
        let mut cells = vec![name.clone()];
        cells.extend(points.iter().map(|point| between(Some(*point), 1)));
        table.row(&cells);
    }
    table.text
}

/// What a session of each takes in Redis.
pub(crate) fn memory(sizes: &[(Contender, [Size; 3])]) -> String {
    let titles = [
        "bytes of Redis (of the value alone)",
        "ten keys, 300 bytes",
        "480 keys, 16 KB",
        "ten keys, 16 KB",
    ];
    let mut table = Table::new(&titles, 1);
    for (contender, sizes) in sizes {
        let text = |size: &Size| format!("{} ({})", size.usage, size.values);
        let mut cells = vec![contender.name().to_owned()];
        cells.extend(sizes.iter().map(text));
        table.row(&cells);
    }
    table.text
}

struct Table {
    text: String,
}

impl Table {
    /// The first columns are words, the others numbers.
    fn new(titles: &[&str], words: usize) -> Self {
        let mut table = Self {
            text: String::new(),
        };
        table.row(titles);
        let numbers = titles.len().saturating_sub(words);
        let _ = writeln!(
            table.text,
            "|{}{}",
            "---|".repeat(words),
            "---:|".repeat(numbers)
        );
        table
    }

    fn row(&mut self, cells: &[impl AsRef<str>]) {
        let cells = cells.iter().map(AsRef::as_ref);
        let _ = writeln!(self.text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn median(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "–".to_owned(), |it| format!("{:.digits$}", it.median))
}

fn between(spread: Option<Spread>, digits: usize) -> String {
    let Some(Spread {
        median,
        least,
        most,
    }) = spread
    else {
        return "–".to_owned();
    };
    format!("{median:.digits$} ({least:.digits$}–{most:.digits$})")
}

const CPU: Metric = |it| it.cpu;
const THROUGHPUT: Metric = |it| it.requests_per_second;
