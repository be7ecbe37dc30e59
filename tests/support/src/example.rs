//! An example of the project, as a program that its visitors reach over the wire.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
};

use crate::{
    curl::{Curl, Http},
    process::Server,
};

/// An example, and how its visitors speak to it.
#[derive(Debug)]
pub struct Example {
    program: &'static str,
    http: Http,
}

impl Example {
    /// An example by the path of its program.
    #[must_use]
    pub fn new(program: &'static str, http: Http) -> Self {
        Self { program, http }
    }

    /// Starts an instance with these environment variables, and a visitor of it.
    #[must_use]
    pub fn start(&self, environment: &[(&str, &str)]) -> (Instance, Curl) {
        let instance = Instance {
            server: Server::start(&mut self.command(environment)),
            http: self.http,
        };
        let visitor = instance.visitor();
        (instance, visitor)
    }

    pub(crate) fn program(&self) -> &'static str {
        self.program
    }

    pub(crate) fn http(&self) -> Http {
        self.http
    }

    /// The command that starts an instance with these environment variables.
    #[must_use]
    pub fn command(&self, environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.program);
        command
            .env_remove("REDIS_URL")
            .env_remove("INSECURE_HTTP")
            .env_remove("RUST_LOG")
            .envs(environment.iter().copied())
            .stdout(Stdio::null());
        command
    }
}

/// A running instance of an example; it ends when this is dropped.
#[derive(Debug)]
pub struct Instance {
    server: Server,
    http: Http,
}

impl Instance {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// A visitor without any cookie.
    #[must_use]
    pub fn visitor(&self) -> Curl {
        Curl::new(self.http, self.address())
    }
}
