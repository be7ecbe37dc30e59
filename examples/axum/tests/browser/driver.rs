//! The driver: a program that starts browsers and passes on what they shall do.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A running driver; it is killed when this is dropped. Its browsers are not.
#[derive(Debug)]
pub(crate) struct Driver {
    program: Child,
    url: String,
    /// Open, or the driver would fail to print.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts a driver whose browsers leave nothing but in `home`.
    pub(crate) fn start(home: &Path) -> Self {
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
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
        let port = port_from(&mut output);
        Self {
            program,
            url: format!("http://127.0.0.1:{port}"),
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

/// The driver prints where it listens, once it does.
fn port_from(output: &mut BufReader<ChildStdout>) -> u16 {
    let mut lines = output.lines().map(Result::unwrap);
    let port = lines.find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        Some(port.trim_end_matches('.').parse().unwrap())
    });
    port.expect("the driver tells its port")
}
