//! Programs that run as long as a test needs them.

use std::{
    io::{BufRead as _, BufReader, Lines},
    net::{SocketAddr, TcpListener},
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program and waits until `is_ready`.
    ///
    /// # Panics
    ///
    /// If the program cannot be started, ends, or is not ready within half a minute.
    pub fn start(command: &mut Command, is_ready: impl Fn() -> bool) -> Self {
        let mut program = Self::spawn(command);
        wait_until(&format!("{command:?} is ready"), || {
            let is_ready = is_ready();
            if let (false, Some(status)) = (is_ready, program.0.try_wait().unwrap()) {
                panic!("{command:?} ended: {status}");
            }
            is_ready
        });
        program
    }

    /// Sends a signal by its name.
    ///
    /// # Panics
    ///
    /// If there is no such signal, or the program has ended.
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("sh");
        let id = self.0.id();
        kill.arg("-c").arg(format!("kill -s {name} {id}"));
        assert!(kill.status().unwrap().success(), "{kill:?}");
    }

    fn spawn(command: &mut Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running server, which logs to its standard output.
#[derive(Debug)]
pub struct Server {
    program: Program,
    address: SocketAddr,
    log: JoinHandle<String>,
}

impl Server {
    /// Starts a server that takes the address to listen on from `ADDR`, and logs the one it got.
    ///
    /// # Panics
    ///
    /// If the program cannot be started, or ends without having listened.
    pub fn start(command: &mut Command) -> Self {
        command.env("ADDR", "127.0.0.1:0").stdout(Stdio::piped());
        let mut program = Program::spawn(command);
        let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
        let mut log = String::new();
        let address = loop {
            let Some(line) = next(&mut lines) else {
                panic!("{command:?} does not listen: {log}");
            };
            log.push_str(&line);
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim_end().parse().unwrap();
            }
        };
        // Read to the end, or the server would wait for somebody to read its log.
        let log = thread::spawn(move || {
            log.extend(std::iter::from_fn(|| next(&mut lines)));
            log
        });
        Self {
            program,
            address,
            log,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the server, and returns what it has logged.
    ///
    /// # Panics
    ///
    /// If the log is not text.
    #[must_use]
    pub fn stop(self) -> String {
        drop(self.program);
        self.log.join().unwrap()
    }
}

fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    lines.next().map(|line| line.unwrap() + "\n")
}

/// Runs a program to its end, and returns what it printed.
///
/// # Panics
///
/// If the program cannot be started, fails, or prints what is not text.
#[track_caller]
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// An address on this machine where nothing listens.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Waits until something is so.
///
/// # Panics
///
/// If it is not so within half a minute.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it is not so that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
