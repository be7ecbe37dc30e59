//! What a session costs a request, in instructions, in allocations and in memory.
//!
//! Each scenario calls a service with a session layer, and the same service with the same requests
//! without the layer; what is printed is the difference for one request. The service is called
//! directly, without sockets, and its response has no headers, so that the layer pays for the whole
//! of every header that it adds. Both run on a runtime of one thread. Sign-ins let a store in memory
//! grow, and their numbers contain a share of that.
//!
//! * **Stores**: a `MemoryStore`, and a `RedisStore` on the pool that `connect` makes, whose
//!   connections are faked in memory. What a client of Redis does with a command is not counted.
//!   tower-sessions stands beside them, on its own `MemoryStore`.
//! * **Instructions** are counted by callgrind, in which this program runs itself. Counts come
//!   from two runs of different length, so that start-up cancels out; they do not depend on the
//!   load of the machine. System calls (the clock, the entropy of a new token) count as nothing.
//! * **SHA-256** is a column of its own and not in the instructions: callgrind knows no SHA
//!   instructions, so a digest shows as many times what it costs on most processors in use.
//! * **Allocations** are the calls that ask the global allocator for memory, new or more.
//! * **Memory** is what the allocator was asked for, without what it adds itself.
//!
//! Run it with `cargo bench --bench request`. It needs `valgrind` in the path; without it there
//! are no instructions. `-- check` compares with counts.txt and fails where one has grown,
//! `-- record` writes that file and docs/performance.md; `scripts/counts` does either. To see where
//! the instructions go, run the program that it builds under callgrind as
//! `request --run MemoryStore 'valid, read' true 10000`.

mod contender;
mod counts;
mod faked;
mod memory;
mod ours;
mod page;
mod peer;
mod record;
mod scenario;
mod tables;
mod visitor;

use std::{alloc::System, env, error::Error, process::ExitCode};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::{contender::Contender, counts::Table, scenario::Scenario};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<ExitCode, BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--bench"] => print()?,
        ["check", "--bench"] => return check(),
        ["record", "--bench"] => record()?,
        [counts::RUN, contender, scenario, layered, times] => {
            let scenario = Scenario::named(scenario)?;
            Contender::named(contender)?.run(scenario, layered.parse()?, times.parse()?)?;
        }
        [counts::DIGEST, layered, times] => counts::digest(layered.parse()?, times.parse()?),
        // `cargo test --all-targets` comes here; counts of a debug build would tell nothing.
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn print() -> Result<(), BoxError> {
    println!("{}", tables::counts(&Table::of(&Contender::ALL)?));
    println!("{}", tables::memory(&memory::measure()?));
    Ok(())
}

fn check() -> Result<ExitCode, BoxError> {
    let table = Table::of(&Contender::OURS)?;
    println!("{}", tables::counts(&table));
    println!("{}", tables::memory(&memory::measure()?));
    record::compare(&table)
}

fn record() -> Result<(), BoxError> {
    let table = Table::of(&Contender::ALL)?;
    record::write(&table)?;
    page::replace_section("counts", &tables::counts(&table))?;
    page::replace_section("memory", &tables::memory(&memory::measure()?))
}

type BoxError = Box<dyn Error + Send + Sync>;
