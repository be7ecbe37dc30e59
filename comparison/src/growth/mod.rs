//! How costs grow: with what a session contains, with how many there are, with what is going on.

mod axes;
mod axis;

use crate::{
    BoxError,
    contenders::Contender,
    growth::axis::Axis,
    measure::Stage,
    report::{self, Panel},
    settings::Settings,
};

pub(crate) async fn run() -> Result<(), BoxError> {
    let settings = Settings::from_environment(3, 1.0)?;
    let mut stage = Stage::set(&CONTENDERS, settings.workers)?;
    for contender in CONTENDERS {
        stage.check(contender).await?;
    }
    let machine = report::machine(&settings, stage.redis_version())?;
    drop(stage);
    let mut panels = Vec::new();
    for axis in axes::all(&settings) {
        panels.push(panel(&axis, settings.rounds).await?);
    }
    let tables: Vec<_> = panels.iter().map(report::growth).collect();
    let text = format!("{machine}\n\n{}", tables.join("\n"));
    println!("{text}");
    report::replace_section("growth", &text)?;
    report::write_picture("growth", &report::curves(&panels))
}

async fn panel(axis: &Axis, rounds: usize) -> Result<Panel, BoxError> {
    let mut curves = axis.empty_curves();
    for point in &axis.points {
        eprintln!("{}: {}", axis.title, point.label);
        let costs = point.measure(axis.actions, rounds).await?;
        for (curve, costs) in curves.iter_mut().zip(costs) {
            curve.points.push(costs);
        }
    }
    Ok(Panel {
        title: axis.title,
        labels: axis
            .points
            .iter()
            .map(|point| point.label.clone())
            .collect(),
        curves,
    })
}

/// Ours, and what there is to do in any case.
const CONTENDERS: [Contender; 2] = [Contender::ByHand, Contender::Eager];
