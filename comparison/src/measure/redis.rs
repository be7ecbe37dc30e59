//! A Redis server of our own, what it counts, and what it is asked for.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use redis::{Client, Connection, cmd};

use crate::{
    BoxError,
    measure::process::{Process, processor_time},
};

/// A server that keeps nothing on disk.
pub(super) struct Redis {
    pub(super) version: String,
    id: u32,
    address: SocketAddr,
    connection: Connection,
    _process: Process,
}

/// What it has done since it started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Those that scripts call are counted, too.
    pub(super) commands: u64,
    pub(super) bytes: u64,
}

/// Bytes of sessions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    /// What Redis needs for them.
    pub(crate) usage: u64,
    /// The values alone.
    pub(crate) values: u64,
}

impl Redis {
    pub(super) fn start() -> Result<Self, BoxError> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new("sh");
        command.args(["-c", RUN, "redis-server", &address.port().to_string()]);
        let process = Process::start(command.stdout(Stdio::null()))?;
        let mut connection = connect(address)?;
        let information = information(&mut connection, "server")?;
        Ok(Self {
            id: field(&information, "process_id")?.parse()?,
            version: field(&information, "redis_version")?.to_owned(),
            address,
            connection,
            _process: process,
        })
    }

    pub(super) fn url(&self) -> String {
        url(self.address)
    }

    pub(super) fn processor_time(&self) -> Result<Duration, BoxError> {
        processor_time(self.id)
    }

    pub(super) fn counts(&mut self) -> Result<Counts, BoxError> {
        let information = information(&mut self.connection, "stats")?;
        let number = |name| Ok::<u64, BoxError>(field(&information, name)?.parse()?);
        Ok(Counts {
            commands: number("total_commands_processed")?,
            bytes: number("total_net_input_bytes")? + number("total_net_output_bytes")?,
        })
    }

    /// Forgets all sessions, but not the scripts.
    pub(super) fn clear(&mut self) -> Result<(), BoxError> {
        Ok(cmd("FLUSHALL").exec(&mut self.connection)?)
    }

    /// Adds what looks like so many sessions, a part of them at a time.
    pub(super) fn populate(&mut self, count: usize) -> Result<(), BoxError> {
        for first in (0..count).step_by(PART) {
            let last = count.min(first + PART);
            let mut script = cmd("EVAL");
            script.arg(POPULATE).arg(0).arg(first).arg(last - 1);
            script.exec(&mut self.connection)?;
        }
        Ok(())
    }

    /// Whether one of the values has at least this length, and contains all of `parts`.
    pub(super) fn holds(&mut self, parts: &[&str], len: usize) -> Result<bool, BoxError> {
        let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut self.connection)?;
        for key in keys {
            let value: Vec<u8> = cmd("GET").arg(key).query(&mut self.connection)?;
            let has = |part: &&str| value.windows(part.len()).any(|at| at == part.as_bytes());
            if value.len() >= len && parts.iter().all(has) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What all keys take, with their values.
    pub(super) fn size(&mut self) -> Result<Size, BoxError> {
        let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut self.connection)?;
        let mut size = Size::default();
        for key in keys {
            let mut usage = cmd("MEMORY");
            usage.arg("USAGE").arg(&key);
            size.usage += usage.query::<u64>(&mut self.connection)?;
            size.values += cmd("STRLEN").arg(&key).query::<u64>(&mut self.connection)?;
        }
        Ok(size)
    }

    /// Begins to listen to the commands that clients send.
    pub(super) fn listen(&self) -> Result<Listener, BoxError> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"MONITOR\r\n")?;
        let mut lines = BufReader::new(stream);
        lines.read_line(&mut String::new())?;
        Ok(Listener(lines))
    }

    /// The names of the commands that clients, not scripts, sent since then.
    pub(super) fn heard(&mut self, listener: &mut Listener) -> Result<Vec<String>, BoxError> {
        cmd("ECHO").arg("end").exec(&mut self.connection)?;
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            listener.0.read_line(&mut line)?;
            let command = line.split('"').nth(1).unwrap_or_default().to_uppercase();
            match &*command {
                "ECHO" => return Ok(commands),
                _ if line.contains(" lua]") => {}
                _ => commands.push(command),
            }
        }
    }
}

/// A connection that is told of every command.
pub(super) struct Listener(BufReader<TcpStream>);

fn connect(address: SocketAddr) -> Result<Connection, BoxError> {
    let client = Client::open(url(address))?;
    let mut attempts = 0;
    loop {
        match client.get_connection() {
            Err(_) if attempts < 100 => attempts += 1,
            connection => return Ok(connection?),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn url(address: SocketAddr) -> String {
    format!("redis://{address}")
}

fn information(connection: &mut Connection, section: &str) -> Result<String, BoxError> {
    Ok(cmd("INFO").arg(section).query(connection)?)
}

fn field<'a>(information: &'a str, name: &str) -> Result<&'a str, BoxError> {
    let mut lines = information.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.ok_or_else(|| format!("redis does not say {name}").into())
}

/// The server ends when the input of the shell does. It keeps nothing on disk.
const RUN: &str = r#"
    redis-server --bind 127.0.0.1 --port "$1" --dir / --save "" --appendonly no &
    cat
    kill $!"#;

const PART: usize = 50_000;
const POPULATE: &str = "
    local value = string.rep('x', 500)
    for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do redis.call('SET', 'session:other-' .. i, value, 'EX', 3600) end";
