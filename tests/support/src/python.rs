//! Visitors by clients in Python that nobody here wrote, each with the cookie jar that it has.

use std::{path::Path, process::Command};

use crate::{example::Example, process::output};

/// A client that keeps cookies.
#[derive(Debug, Clone, Copy)]
pub enum Python {
    /// `urllib` with `http.cookiejar`, as they come with Python; HTTP/1.1 only.
    Urllib,
    /// `aiohttp`; HTTP/1.1 only.
    Aiohttp,
    /// `httpx`, in both versions of HTTP.
    Httpx,
}

impl Python {
    /// Visits an example: looks around, is counted, signs in and out, is forgotten and remembered.
    ///
    /// # Panics
    ///
    /// If something is not as a visitor expects it.
    pub fn visits(self, example: &Example) {
        let (cookie, insecure_http) = self.cookie();
        let (instance, _) = example.start(&[("INSECURE_HTTP", insecure_http)]);
        let mut client = python(example.program());
        client
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/clients/visit.py"))
            .args([self.name(), example.http().name(), cookie])
            .arg(instance.address().to_string());
        assert_eq!(output(&mut client), "all as expected\n");
    }

    fn name(self) -> &'static str {
        match self {
            Self::Urllib => "urllib",
            Self::Aiohttp => "aiohttp",
            Self::Httpx => "httpx",
        }
    }

    /// The cookie that it takes, and what it takes to be given that one.
    fn cookie(self) -> (&'static str, &'static str) {
        match self {
            // They can be told that plain http to this machine is safe.
            Self::Urllib | Self::Aiohttp => ("__Host-id", "0"),
            // It copies its jar for each request, and forgets what the jar was told.
            Self::Httpx => ("id", "1"),
        }
    }
}

/// The Python that has the clients, which `scripts/python-clients` put above `program`.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn python(program: &str) -> Command {
    let mut folders = Path::new(program).ancestors();
    let found = folders.find_map(|folder| {
        let python = folder.join("python/bin/python");
        python.exists().then_some(python)
    });
    let mut command = Command::new(found.expect("no clients in Python: run `scripts/test`"));
    // Nothing is to be left beside the scripts.
    command.arg("-B");
    command
}
