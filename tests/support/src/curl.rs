//! A visitor that nobody here wrote: `curl`, with a cookie jar.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use tempfile::TempDir;

use crate::browser::Page;

/// The version of HTTP that `curl` speaks.
#[derive(Debug, Clone, Copy)]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2 over plain TCP, from the first byte.
    Two,
}

impl Http {
    fn option(self) -> &'static str {
        match self {
            Self::One => "--http1.1",
            Self::Two => "--http2-prior-knowledge",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        }
    }
}

/// A visitor of a server that listens on an address.
#[derive(Debug, Clone)]
pub struct Curl {
    http: Http,
    address: SocketAddr,
    directory: Arc<TempDir>,
}

impl Curl {
    /// A visitor without any cookie.
    #[must_use]
    pub fn new(http: Http, address: SocketAddr) -> Self {
        let directory = Arc::new(TempDir::new().unwrap());
        Self {
            http,
            address,
            directory,
        }
    }

    /// The same visitor at another address of the same site.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// Another visitor, with a copy of the cookies as they are now.
    #[must_use]
    pub fn thief(&self) -> Self {
        let thief = Self::new(self.http, self.address);
        fs::copy(self.jar(), thief.jar()).unwrap();
        thief
    }

    /// Visits a page.
    #[must_use]
    pub fn get(&self, path: &str) -> Page {
        self.send(path, &[])
    }

    /// Sends a form, its fields as `name=value`.
    #[must_use]
    pub fn post(&self, path: &str, fields: &[&str]) -> Page {
        let mut arguments = vec!["--data", ""];
        for field in fields {
            arguments.extend(["--data-urlencode", field]);
        }
        self.send(path, &arguments)
    }

    /// Sends a request with further arguments of `curl`; redirections are not followed.
    ///
    /// # Panics
    ///
    /// If there is no answer, or not one in the version of HTTP that was asked for.
    #[must_use]
    pub fn send(&self, path: &str, arguments: &[&str]) -> Page {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--include", "--max-time", "20"])
            .arg(self.http.option())
            .arg("--cookie")
            .arg(self.jar())
            .arg("--cookie-jar")
            .arg(self.jar())
            .args(arguments)
            .arg(format!("http://{}{path}", self.address));
        let output = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {complaint}");
        parse(&String::from_utf8(output.stdout).unwrap(), self.http)
    }

    /// The value of the only cookie in the jar; `None` if the jar is empty.
    ///
    /// # Panics
    ///
    /// If there are several.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.field(6)
    }

    /// How long the only cookie in the jar outlives the browser; `None` if it does not, or if the
    /// jar is empty.
    ///
    /// # Panics
    ///
    /// If there are several.
    #[must_use]
    pub fn keeps_cookie_for(&self) -> Option<Duration> {
        let end = self.field(4)?.parse().unwrap();
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(end);
        end.duration_since(SystemTime::now()).ok()
    }

    /// A field of the only line in the jar.
    fn field(&self, index: usize) -> Option<String> {
        let jar = fs::read_to_string(self.jar()).unwrap_or_default();
        // Seven fields to a line: the end in seconds, zero if it is that of the browser, is the
        // fifth, the value the last. A line for a cookie that scripts cannot see begins like a
        // comment.
        let fields = jar.lines().filter_map(|line| line.split('\t').nth(index));
        let fields: Vec<_> = fields.collect();
        assert!(fields.len() <= 1, "one cookie at most: {jar}");
        fields.first().map(|field| (*field).into())
    }

    fn jar(&self) -> PathBuf {
        self.directory.path().join("jar")
    }
}

fn parse(response: &str, http: Http) -> Page {
    let (head, text) = response.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let mut status_line = lines.next().unwrap().split(' ');
    assert_eq!(status_line.next(), Some(http.name()), "{head}");
    let status = status_line.next().unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name: HeaderName = name.parse().unwrap();
        let value: HeaderValue = value.trim().parse().unwrap();
        headers.append(name, value);
    }
    let text = text.into();
    Page {
        status,
        headers,
        text,
    }
}
