//! The driver: a program that starts browsers and passes on what they shall do.

use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
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
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command
            .arg(format!("--port={port}"))
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

/// A port that is free on both loopback addresses: the driver needs both, and gives up where the
/// one that it was given, or that it chose, is taken on the second.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST_PORT);
    std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed))
        .take_while(|port| *port < END_OF_PORTS)
        .find(|port| {
            let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, *port));
            let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, *port));
            v4.is_ok() && v6.is_ok()
        })
        .expect("a free port for the driver")
}

/// The driver says when it listens.
fn await_start(output: &mut BufReader<ChildStdout>) {
    let mut lines = output.lines().map(Result::unwrap);
    let started = lines.find(|line| line.contains("was started successfully"));
    assert!(started.is_some(), "the driver starts");
}

/// The driver's own default; from here to where systems take the ports of outgoing connections
/// nobody gets one that they did not ask for.
const FIRST_PORT: u16 = 9_515;
const END_OF_PORTS: u16 = 32_768;
