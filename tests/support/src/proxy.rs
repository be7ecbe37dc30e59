//! A network between a client and Redis, that can fail.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::redis::Redis;

/// Leads to a Redis server. Its threads end with the connections that they serve.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    silences: Arc<AtomicUsize>,
}

impl Proxy {
    /// Listens on an address of its own.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    pub fn to(redis: &Redis) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let silences = Arc::new(AtomicUsize::new(0));
        let proxy = Self { address, silences };
        let (socket, silences) = (redis.socket(), Arc::clone(&proxy.silences));
        thread::spawn(move || {
            for client in listener.incoming() {
                forward(client.unwrap(), &socket, &silences);
            }
        });
        proxy
    }

    /// Where Redis can be reached through it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on swallows what is sent on the connections that there are; new ones work.
    pub fn silence(&self) {
        self.silences.fetch_add(1, Ordering::SeqCst);
    }
}

fn forward(client: TcpStream, socket: &PathBuf, silences: &Arc<AtomicUsize>) {
    let Ok(server) = UnixStream::connect(socket) else {
        return;
    };
    let (from_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    copy(from_client, server, Arc::clone(silences));
    copy(from_server, client, Arc::clone(silences));
}

fn copy(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    silences: Arc<AtomicUsize>,
) {
    let before = silences.load(Ordering::SeqCst);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let is_silent = silences.load(Ordering::SeqCst) > before;
            if !is_silent && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    });
}
