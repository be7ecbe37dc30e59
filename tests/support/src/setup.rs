//! How a Redis server is started.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{certificates::Certificates, port::Port, process::Program, redis::Redis};

/// What is to be said to a Redis server when it starts.
///
/// It persists nothing, and listens on a socket of its own, whatever else is asked for.
#[derive(Debug)]
pub struct Setup {
    server: PathBuf,
    port: Option<Port>,
    is_tls: bool,
    config: Option<String>,
    arguments: Vec<String>,
}

impl Setup {
    /// The server that is installed, on its socket alone.
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            server: "redis-server".into(),
            port: None,
            is_tls: false,
            config: None,
            arguments: Vec::new(),
        }
    }

    /// Another server than the one that is installed.
    #[must_use]
    pub fn with_server(self, server: impl Into<PathBuf>) -> Self {
        let server = server.into();
        Self { server, ..self }
    }

    /// On a port of 127.0.0.1, too.
    #[must_use]
    pub fn with_port(self) -> Self {
        let port = Some(Port::free());
        Self { port, ..self }
    }

    /// On a port of 127.0.0.1, too, where it speaks TLS, and only with those who show a certificate
    /// if `is_mutual`.
    #[must_use]
    pub fn with_tls(self, certificates: &Certificates, is_mutual: bool) -> Self {
        let path = |name| certificates.path(name).display().to_string();
        let is_tls = true;
        let setup = Self { is_tls, ..self }.with_port();
        setup.with(&[
            "--tls-ca-cert-file",
            &path("authority.pem"),
            "--tls-cert-file",
            &path("server.pem"),
            "--tls-key-file",
            &path("server.key"),
            // For where it is a client of others.
            "--tls-client-cert-file",
            &path("client.pem"),
            "--tls-client-key-file",
            &path("client.key"),
            "--tls-auth-clients",
            if is_mutual { "yes" } else { "no" },
        ])
    }

    /// With these arguments as well.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// With a configuration file that the server may write to.
    #[must_use]
    pub fn with_config(self, config: String) -> Self {
        let config = Some(config);
        Self { config, ..self }
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// If it is not installed, or not with what was said to it; `scripts/test` installs it.
    #[must_use]
    pub fn start(self) -> Redis {
        let directory = TempDir::new().unwrap();
        if let Some(config) = &self.config {
            fs::write(config_in(directory.path()), config).unwrap();
        }
        Redis::new(self.run(directory.path()), self, directory)
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.port.as_ref().map(Port::number)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub(crate) fn run(&self, directory: &Path) -> Program {
        let socket = socket_in(directory);
        let port = self.port().unwrap_or(0).to_string();
        let (port_of_tls, port) = match self.is_tls {
            true => (Some(port), "0".into()),
            false => (None, port),
        };
        let mut command = Command::new(&self.server);
        command
            .args(self.config.as_ref().map(|_| config_in(directory)))
            .args(["--bind", "127.0.0.1", "--port", &port])
            .args(["--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .args(
                port_of_tls
                    .map(|port| ["--tls-port".into(), port])
                    .iter()
                    .flatten(),
            )
            .args(&self.arguments)
            .current_dir(directory)
            .stdout(Stdio::null());
        Program::start(&mut command, || UnixStream::connect(&socket).is_ok())
    }
}

pub(crate) fn socket_in(directory: &Path) -> PathBuf {
    directory.join("redis.sock")
}

fn config_in(directory: &Path) -> PathBuf {
    directory.join("redis.conf")
}
