//! A chart of bars: what one request costs the server, by workload and contender.

use crate::{
    contenders::Contender,
    measure::workload::Workload,
    report::{
        Results,
        svg::{Point, Svg},
    },
    settings::Settings,
};

/// One group of bars for each workload, in two columns.
pub(crate) fn bars(results: &Results, settings: &Settings) -> String {
    let group_height = HEAD + ROW * settings.contenders.len() as f64 + GAP;
    let rows = settings.workloads.len().div_ceil(2) as f64;
    let mut svg = Svg::new(2.0 * WIDTH, group_height * rows + FOOT);
    for (at, workload) in settings.workloads.iter().enumerate() {
        let origin = [(at % 2) as f64 * WIDTH, (at / 2) as f64 * group_height];
        group(&mut svg, origin, results, *workload, &settings.contenders);
    }
    let note = [MARGIN, group_height * rows + FOOT / 2.0];
    svg.text(
        "note",
        note,
        "Server CPU for one request, in microseconds; less is better.",
    );
    svg.finish()
}

fn group(
    svg: &mut Svg,
    [x, y]: Point,
    results: &Results,
    workload: Workload,
    contenders: &[Contender],
) {
    svg.text("title", [x + MARGIN, y + HEAD - 8.0], workload.title);
    let cost = |it: &Contender| Some((*it, results.spread(workload, *it, |it| it.cpu)?.median));
    let costs: Vec<_> = contenders.iter().filter_map(cost).collect();
    let most = costs.iter().map(|(_, cost)| *cost).fold(1.0, f64::max);
    for (at, (contender, cost)) in costs.into_iter().enumerate() {
        let y = y + HEAD + at as f64 * ROW;
        let width = cost / most * (WIDTH - LABELS - FIGURES);
        svg.text("end", [x + LABELS - 6.0, y + ROW - 6.0], contender.name());
        svg.bar(class(contender), [x + LABELS, y + 2.0], [width, ROW - 4.0]);
        let figure = [x + LABELS + width + 5.0, y + ROW - 6.0];
        svg.text("figure", figure, format_args!("{cost:.1}"));
    }
}

fn class(contender: Contender) -> &'static str {
    match contender {
        Contender::ByHand => "floor",
        ours if ours.is_ours() => "ours",
        _ => "peer",
    }
}

const WIDTH: f64 = 460.0;
const MARGIN: f64 = 8.0;
const LABELS: f64 = 160.0;
const FIGURES: f64 = 50.0;
const HEAD: f64 = 28.0;
const ROW: f64 = 19.0;
const GAP: f64 = 14.0;
const FOOT: f64 = 24.0;
