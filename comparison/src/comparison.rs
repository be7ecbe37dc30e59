//! The comparison: contenders in turn, all workloads, several rounds.

use crate::{
    BoxError,
    contenders::Contender,
    measure::{Conditions, Stage},
    report::{self, Results},
    settings::Settings,
};

pub(crate) async fn run() -> Result<(), BoxError> {
    let settings = Settings::from_environment(5, 2.0)?;
    let mut stage = Stage::set(&settings.contenders, settings.workers)?;
    let commands = rehearse(&mut stage, &settings).await?;
    let results = measure(&mut stage, &settings).await?;
    let machine = report::machine(&settings, stage.redis_version())?;
    let sections = [
        ("machine", machine),
        ("ratios", report::ratios(&results, &settings)),
        ("commands", report::asked(&commands, &settings)),
        ("details", report::details(&results, &settings)),
    ];
    for (name, text) in sections {
        println!("{text}");
        report::replace_section(name, &text)?;
    }
    report::write_picture("performance", &report::bars(&results, &settings))
}

/// Checks everybody, and notes what they ask Redis for.
async fn rehearse(
    stage: &mut Stage,
    settings: &Settings,
) -> Result<Vec<(Contender, Vec<Vec<String>>)>, BoxError> {
    let mut all = Vec::new();
    for contender in &settings.contenders {
        let checked = stage.check(*contender).await;
        checked.map_err(|error| format!("{}: {error}", contender.name()))?;
        let mut commands = Vec::new();
        for workload in &settings.workloads {
            commands.push(stage.commands(*contender, *workload).await?);
        }
        all.push((*contender, commands));
    }
    Ok(all)
}

async fn measure(stage: &mut Stage, settings: &Settings) -> Result<Results, BoxError> {
    let conditions = Conditions {
        connections: settings.connections,
        length: settings.length,
        others: 0,
    };
    let mut results = Results::default();
    for round in 1..=settings.rounds {
        for workload in &settings.workloads {
            eprintln!("round {round} of {}: {}", settings.rounds, workload.title);
            for contender in &settings.contenders {
                let sample = stage.sample(*contender, *workload, conditions).await;
                let sample = sample.map_err(|error| format!("{}: {error}", contender.name()))?;
                results.add(*workload, *contender, sample);
            }
        }
    }
    Ok(results)
}
