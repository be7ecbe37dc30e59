//! The driver: a program that starts browsers and passes on what they shall do.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use session_test_support::Port;

/// A running driver; it is killed when this is dropped. Its browsers are not.
#[derive(Debug)]
pub(crate) struct Driver {
    program: Child,
    _port: Port,
    url: String,
    /// Open, or the driver would fail to print.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts a driver whose browsers leave nothing but in `home`.
    pub(crate) fn start(home: &Path) -> Self {
        // The one that it would choose may be taken on the other loopback address: then it gives up.
        let port = Port::free();
        let mut command = Command::new("chromedriver");
        command
            .arg(format!("--port={}", port.number()))
            .env("HOME", home)
            .env("TMPDIR", home)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdout(Stdio::piped());
        let program = command.spawn();
        let mut program = program.unwrap_or_else(|error| {
            panic!("{command:?}: {error}; scripts/test installs it");
        });
        let mut output = BufReader::new(program.stdout.take().unwrap());
        await_start(&mut output);
        Self {
            program,
            url: format!("http://127.0.0.1:{}", port.number()),
            _port: port,
            _output: output,
        }
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The driver says when it listens.
fn await_start(output: &mut BufReader<ChildStdout>) {
    let mut lines = output.lines().map(Result::unwrap);
    let started = lines.find(|line| line.contains("was started successfully"));
    assert!(started.is_some(), "the driver starts");
}
