//! A way to Redis that ends after so many commands.
#![cfg(all(feature = "redis-cluster", feature = "redis-sentinel"))]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use session_test_support::Redis;
use tokio::{
    io::{
        AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy,
    },
    net::{TcpListener, TcpStream, UnixStream},
    sync::Notify,
    task::JoinSet,
};

/// Lets commands about sessions and their owners pass, until so many were let through; the next one
/// waits, and whatever follows. Other commands are not counted.
pub(crate) struct Fuse {
    pub(crate) ports: Vec<u16>,
    metal: Arc<Metal>,
    _listening: JoinSet<()>,
}

struct Metal {
    left: AtomicUsize,
    blown: Notify,
    mended: Notify,
}

impl Fuse {
    /// One that leads to all of these servers, each by a port of its own. It lasts for ever at first.
    pub(crate) async fn to(servers: &[&Redis]) -> Self {
        let metal = Arc::new(Metal {
            left: AtomicUsize::new(ENDLESS),
            blown: Notify::new(),
            mended: Notify::new(),
        });
        let (mut ports, mut listening) = (Vec::new(), JoinSet::new());
        for server in servers {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            ports.push(listener.local_addr().unwrap().port());
            let socket = server.url().replacen("unix://", "", 1);
            listening.spawn(let_in(listener, socket, Arc::clone(&metal)));
        }
        Self {
            ports,
            metal,
            _listening: listening,
        }
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        let url = |port| format!("redis://127.0.0.1:{port}");
        self.ports.iter().map(url).collect()
    }

    pub(crate) fn lasts_for(&self, commands: usize) {
        self.metal.left.store(commands, Ordering::SeqCst);
    }

    /// What waits is lost, unless it is mended as well.
    pub(crate) fn lasts_for_ever(&self) {
        self.lasts_for(ENDLESS);
    }

    /// Lets everything pass, also what waits.
    pub(crate) fn mend(&self) {
        self.lasts_for_ever();
        self.metal.mended.notify_waiters();
    }

    /// Waits for the first command that does not get through.
    pub(crate) async fn blown(&self) {
        self.metal.blown.notified().await;
    }
}

impl Metal {
    fn lets_through(&self, command: &[u8]) -> bool {
        let one_less = |left: usize| match left {
            ENDLESS => Some(ENDLESS),
            left => left.checked_sub(1),
        };
        let counts = command.windows(KEYS.len()).any(|it| it == KEYS);
        let order = Ordering::SeqCst;
        !counts || self.left.fetch_update(order, order, one_less).is_ok()
    }
}

async fn let_in(listener: TcpListener, socket: String, metal: Arc<Metal>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (socket, metal) = (socket.clone(), Arc::clone(&metal));
        connections.spawn(async move {
            // Who hangs up, or cannot be reached, is gone.
            let _ = lead(client, &socket, &metal).await;
        });
    }
}

async fn lead(client: TcpStream, socket: &str, metal: &Metal) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let server = UnixStream::connect(socket).await?;
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut commands = BufReader::new(from_client);
    let there = async {
        loop {
            let command = command(&mut commands).await?;
            let mended = metal.mended.notified();
            if !metal.lets_through(&command) {
                metal.blown.notify_one();
                mended.await;
            }
            to_server.write_all(&command).await?;
        }
    };
    tokio::select! {
        ended = there => ended,
        ended = copy(&mut from_server, &mut to_client) => ended.map(drop),
    }
}

/// Reads one command: how many words there are, and each word with its length.
async fn command(from: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut command = Vec::new();
    let words = number(from, &mut command).await?;
    for _ in 0..words {
        let len = number(from, &mut command).await?;
        let mut word = vec![0; len + 2];
        from.read_exact(&mut word).await?;
        command.extend(word);
    }
    Ok(command)
}

async fn number(
    from: &mut (impl AsyncBufRead + Unpin),
    into: &mut Vec<u8>,
) -> std::io::Result<usize> {
    let start = into.len();
    from.read_until(b'\n', into).await?;
    let digits = into.get(start + 1..into.len().saturating_sub(2));
    let number = std::str::from_utf8(digits.unwrap_or_default()).ok();
    let number = number.and_then(|it| it.parse().ok());
    number.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

const KEYS: &[u8] = b"session:";
const ENDLESS: usize = usize::MAX;
