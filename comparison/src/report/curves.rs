//! A chart of curves: how the cost of a request grows with something.

use crate::report::{
    Spread,
    svg::{Point, Svg},
};

/// Curves over the same axis.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) labels: Vec<String>,
    pub(crate) curves: Vec<Curve>,
}

/// What one contender takes for one kind of request.
#[derive(Debug)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<Spread>,
}

/// One panel beside and below the other. Costs are on a logarithmic scale.
pub(crate) fn curves(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(2) as f64;
    let mut svg = Svg::new(2.0 * WIDTH, rows * HEIGHT + FOOT);
    for (at, panel) in panels.iter().enumerate() {
        let origin = [(at % 2) as f64 * WIDTH, (at / 2) as f64 * HEIGHT];
        draw(&mut svg, origin, panel);
    }
    let note = [MARGIN, rows * HEIGHT + FOOT / 2.0];
    svg.text(
        "note",
        note,
        "Server CPU for one request, in microseconds, on a logarithmic scale.",
    );
    svg.finish()
}

fn draw(svg: &mut Svg, [x, y]: Point, panel: &Panel) {
    svg.text("title", [x + MARGIN, y + 18.0], panel.title);
    let scale = Scale::of(panel, [x + LEFT, y + TOP]);
    for cost in scale.marks() {
        let [_, y] = scale.point(0, cost);
        svg.line("grid", &[[x + LEFT, y], [x + LEFT + PLOT[0], y]]);
        svg.text("end note", [x + LEFT - 6.0, y + 4.0], cost);
    }
    for (at, label) in panel.labels.iter().enumerate() {
        let [label_x, _] = scale.point(at, 1.0);
        svg.text("middle note", [label_x, y + TOP + PLOT[1] + 18.0], label);
    }
    for (at, curve) in panel.curves.iter().enumerate() {
        let class = format!("c{at}");
        let points = curve.points.iter().enumerate();
        let points: Vec<_> = points.map(|(at, it)| scale.point(at, it.median)).collect();
        svg.line(&class, &points);
        points.iter().for_each(|point| svg.dot(&class, *point));
    }
    legend(svg, [x, y + TOP + PLOT[1] + 38.0], panel);
}

fn legend(svg: &mut Svg, [x, y]: Point, panel: &Panel) {
    for (at, curve) in panel.curves.iter().enumerate() {
        let x = x + LEFT + (at % 2) as f64 * (PLOT[0] / 2.0 + 14.0);
        let y = y + (at / 2) as f64 * 16.0;
        svg.line(&format!("c{at}"), &[[x, y - 4.0], [x + 22.0, y - 4.0]]);
        svg.text("legend", [x + 28.0, y], &curve.name);
    }
}

/// Where costs are in a panel.
struct Scale {
    origin: Point,
    columns: usize,
    /// The logarithms of the least and of the most that is shown.
    range: [f64; 2],
}

impl Scale {
    fn of(panel: &Panel, origin: Point) -> Self {
        let points = panel.curves.iter().flat_map(|curve| &curve.points);
        let costs: Vec<_> = points.map(|point| point.median.log10()).collect();
        let least = costs.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let most = costs.iter().copied().reduce(f64::max).unwrap_or(1.0);
        Self {
            origin,
            columns: panel.labels.len(),
            range: [least - EDGE, most + EDGE],
        }
    }

    /// What has a line across the panel: powers of ten, and what is between them if there is room.
    fn marks(&self) -> impl Iterator<Item = f64> + use<> {
        let [least, most] = self.range;
        let steps: &[f64] = match most - least < 2.5 {
            true => &[1.0, 2.0, 5.0],
            false => &[1.0],
        };
        let powers = least.floor() as i32..=most as i32;
        let marks =
            powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
        marks.filter(move |mark| (least..=most).contains(&mark.log10()))
    }

    fn point(&self, column: usize, cost: f64) -> Point {
        let [x, y] = self.origin;
        let [least, most] = self.range;
        let across = (column as f64 + 0.5) / self.columns as f64;
        let up = (cost.log10() - least) / (most - least);
        [x + across * PLOT[0], y + (1.0 - up) * PLOT[1]]
    }
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
const PLOT: Point = [390.0, 170.0];
const LEFT: f64 = 56.0;
const TOP: f64 = 30.0;
const MARGIN: f64 = 8.0;
/// In powers of ten.
const EDGE: f64 = 0.1;
const FOOT: f64 = 24.0;
