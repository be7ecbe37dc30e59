//! What one session takes in Redis.

use crate::{BoxError, measure::Stage, report, settings::Settings};

pub(crate) async fn run() -> Result<(), BoxError> {
    let settings = Settings::from_environment(1, 1.0)?;
    let mut stage = Stage::set(&settings.contenders, settings.workers)?;
    let mut sizes = Vec::new();
    for contender in &settings.contenders {
        let checked = stage.check(*contender).await;
        checked.map_err(|error| format!("{}: {error}", contender.name()))?;
        sizes.push((*contender, stage.sizes(*contender).await?));
    }
    let text = format!(
        "Redis {}.\n\n{}",
        stage.redis_version(),
        report::memory(&sizes)
    );
    println!("{text}");
    report::replace_section("redis-memory", &text)
}
