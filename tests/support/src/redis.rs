//! A Redis server of a test's own.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    process::{Program, wait_until},
    setup::{Setup, socket_in},
};

/// A Redis server on a socket of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Redis {
    program: Program,
    setup: Setup,
    directory: TempDir,
}

impl Redis {
    /// Starts a server that persists nothing.
    ///
    /// # Panics
    ///
    /// If there is no `redis-server` to start; `scripts/test` installs it.
    #[must_use]
    pub fn start() -> Self {
        Setup::new().start()
    }

    pub(crate) fn new(program: Program, setup: Setup, directory: TempDir) -> Self {
        Self {
            program,
            setup,
            directory,
        }
    }

    /// Where it can be reached: at its socket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Where it can be reached over TCP, for this user: `""`, or `name:password@`.
    ///
    /// # Panics
    ///
    /// If it has no port.
    #[must_use]
    pub fn url_over_tcp(&self, user: &str) -> String {
        let scheme = if self.setup.is_tls() {
            "rediss"
        } else {
            "redis"
        };
        format!("{scheme}://{user}{}", self.address())
    }

    /// Where it listens besides its socket.
    ///
    /// # Panics
    ///
    /// If it has no port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let port = self.setup.port().expect("the server has a port");
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Kills the server: nobody is told, nothing is finished.
    ///
    /// # Panics
    ///
    /// If it does not go.
    pub fn kill(&self) {
        self.program.signal("KILL");
        wait_until("the server is gone", || !self.is_running());
    }

    /// Starts the server again after it was killed, empty, with what it wrote to its directory.
    ///
    /// # Panics
    ///
    /// If it is running.
    pub fn restart(&mut self) {
        assert!(!self.is_running(), "the server was killed before");
        self.program = self.setup.run(self.directory.path());
    }

    /// Whether it listens.
    #[must_use]
    pub fn is_running(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        socket_in(self.directory.path())
    }

    /// Stops the server where it is: it is there, and silent.
    pub fn pause(&self) {
        self.program.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.program.signal("CONT");
    }

    /// Cuts every connection there is, at once.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn cut(&self) {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.write_all(b"CLIENT KILL TYPE normal\r\n").unwrap();
        // The answer is the number of connections.
        assert!(stream.read(&mut [0; 64]).unwrap() > 0);
    }

    /// Cuts off its replicas, and does not let them come back.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn cut_off_replicas(&self) {
        let refused = self.cli(&["ACL", "SETUSER", "default", "-psync", "-sync"]);
        assert_eq!(refused, "OK", "replicas can be refused");
        let _ = self.cli(&["CLIENT", "KILL", "TYPE", "replica"]);
    }

    /// What `redis-cli` prints for a command.
    ///
    /// # Panics
    ///
    /// If `redis-cli` fails.
    #[must_use]
    pub fn cli(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.output(arguments))
            .trim_end()
            .to_owned()
    }

    /// Everything it holds: the keys and their values, byte by byte.
    ///
    /// # Panics
    ///
    /// If a value is neither a string nor a sorted set.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let keys = self.cli(&["KEYS", "*"]);
        let values = keys.lines().map(|key| match &*self.cli(&["TYPE", key]) {
            "string" => self.output(&["--raw", "GET", key]),
            "zset" => self.output(&["--raw", "ZRANGE", key, "0", "-1", "WITHSCORES"]),
            other => panic!("{key} holds a {other}"),
        });
        values.fold(keys.clone().into_bytes(), |dump, value| {
            [dump, value].concat()
        })
    }

    /// How often a command was called since the start or the last `CONFIG RESETSTAT`.
    ///
    /// # Panics
    ///
    /// If the statistics are not as documented.
    #[must_use]
    pub fn calls(&self, command: &str) -> u64 {
        let calls = self.statistic(command, "calls");
        calls.map_or(0, |calls| calls.parse().unwrap())
    }

    /// One of the statistics of a command, such as `usec_per_call`, if it was called since then.
    ///
    /// # Panics
    ///
    /// If the statistics are not as documented.
    #[must_use]
    pub fn statistic(&self, command: &str, name: &str) -> Option<String> {
        let statistics = self.cli(&["INFO", "commandstats"]);
        let (command, name) = (format!("cmdstat_{command}:"), format!("{name}="));
        let mut lines = statistics.lines().map(str::trim_end);
        let fields = lines.find_map(|it| it.strip_prefix(&command))?;
        let value = fields.split(',').find_map(|it| it.strip_prefix(&name));
        Some(value.unwrap().to_owned())
    }

    /// Sends a command that keeps it busy for long, from a program that waits for the reply.
    #[must_use]
    pub fn keep_busy(&self, arguments: &[&str]) -> Program {
        Program::start(&mut self.silent_command(arguments), || true)
    }

    /// Runs a script that does not end, until it is killed, and waits until it refuses everybody else
    /// for that.
    #[must_use]
    pub fn run_endless_script(&self) -> Program {
        // Not so while it loads what it has written down before it was killed.
        wait_until("it executes commands", || self.cli(&["PING"]) == "PONG");
        let _ = self.cli(&["CONFIG", "SET", "lua-time-limit", "1"]);
        let mut script = self.silent_command(&["EVAL", "while true do end", "0"]);
        Program::start(&mut script, || self.cli(&["PING"]).starts_with("BUSY"))
    }

    fn output(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = self.command(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}");
        output.stdout
    }

    fn silent_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("redis-cli");
        command.arg("-s").arg(self.socket()).args(arguments);
        command
    }
}
