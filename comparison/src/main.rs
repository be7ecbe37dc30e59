//! What sessions cost a server: this library beside others, and beside doing it by hand.
//!
//! `scripts/compare` builds this program and runs it; docs/performance.md says what is measured,
//! and has the results. It starts Redis and, for each contender, itself as a server.

mod comparison;
mod contenders;
mod content;
mod growth;
mod measure;
mod memory;
mod report;
mod settings;

use std::{env, error::Error};

use contenders::Contender;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", contender, redis, workers] => {
            Contender::named(contender)?.serve(redis, workers.parse()?)
        }
        [] => unless_interrupted(comparison::run()),
        ["growth"] => unless_interrupted(growth::run()),
        ["memory"] => unless_interrupted(memory::run()),
        _ => Err("the arguments are none, `growth`, or `memory`".into()),
    }
}

/// What is dropped takes along the programs that it started.
fn unless_interrupted(work: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                result = work => result,
                _ = interrupt.recv() => Err("interrupted".into()),
                _ = terminate.recv() => Err("terminated".into()),
            }
        })
}

type BoxError = Box<dyn Error + Send + Sync>;
