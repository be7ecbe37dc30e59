//! Programs that are measured, and the time that processors spent on them.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{BoxError, contenders::Contender};

/// A program that ends when its input does: when this is dropped, or whatever else ends us.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(command: &mut Command) -> Result<Self, BoxError> {
        Ok(Self(command.stdin(Stdio::piped()).spawn()?))
    }

    /// How long its threads have run, as the kernel counts.
    pub(super) fn processor_time(&self) -> Result<Duration, BoxError> {
        processor_time(self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // This closes its input.
        let _ = self.0.wait();
    }
}

/// How long the threads of the process with this number have run, as the kernel counts.
pub(super) fn processor_time(id: u32) -> Result<Duration, BoxError> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread may end meanwhile. Those that serve do not.
        let Ok(statistics) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let running = statistics.split(' ').next().unwrap_or_default();
        nanoseconds += running.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The server of a contender.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts this program once more, as a server.
    pub(super) fn start(
        contender: Contender,
        redis: &str,
        workers: usize,
    ) -> Result<Self, BoxError> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["serve", contender.name(), redis, &workers.to_string()]);
        command.stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let output = process.0.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("{} does not serve", contender.name()))?;
        Ok(Self { process, address })
    }
}
