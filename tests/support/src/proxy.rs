//! A network between a client and Redis, that can fail.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::redis::Redis;

/// Leads to a Redis server. Its threads end with the connections that they serve.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    faults: Arc<Faults>,
}

/// What is wrong with the network.
#[derive(Debug, Default)]
struct Faults {
    silences: AtomicUsize,
    /// How long bytes are under way, in milliseconds.
    delay: AtomicU64,
    /// How many replies are still to be lost.
    lost_replies: AtomicUsize,
    /// How many commands are still to be detained.
    detentions: AtomicUsize,
    detained: Mutex<Vec<(UnixStream, Vec<u8>)>>,
    /// Whether new connections have to wait.
    is_closed: Mutex<bool>,
    opened: Condvar,
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
        let faults = Arc::default();
        let proxy = Self { address, faults };
        let (socket, faults) = (redis.socket(), Arc::clone(&proxy.faults));
        thread::spawn(move || {
            for client in listener.incoming() {
                faults.wait_while_closed();
                forward(client.unwrap(), &socket, &faults);
            }
        });
        proxy
    }

    /// Where Redis can be reached through it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on lets new connections wait; those that there are work.
    ///
    /// # Panics
    ///
    /// If a thread of the proxy failed.
    pub fn close(&self) {
        *self.faults.is_closed.lock().unwrap() = true;
    }

    /// Lets them in.
    ///
    /// # Panics
    ///
    /// If a thread of the proxy failed.
    pub fn open(&self) {
        *self.faults.is_closed.lock().unwrap() = false;
        self.faults.opened.notify_all();
    }

    /// Whether all replies that were to be lost have been.
    #[must_use]
    pub fn has_lost_replies(&self) -> bool {
        self.faults.lost_replies.load(Ordering::SeqCst) == 0
    }

    /// From now on swallows what is sent on the connections that there are; new ones work.
    pub fn silence(&self) {
        self.faults.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// Loses the next replies: their connections are cut instead.
    pub fn lose_replies(&self, number: usize) {
        self.faults.lost_replies.store(number, Ordering::SeqCst);
    }

    /// Detains the next commands on their way, and cuts their connections.
    pub fn detain(&self, number: usize) {
        self.faults.detentions.store(number, Ordering::SeqCst);
    }

    /// Lets the detained commands go on to Redis. Nobody waits for the replies.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn release(&self) {
        let detained = std::mem::take(&mut *self.faults.detained.lock().unwrap());
        assert!(!detained.is_empty(), "nothing was detained");
        for (mut server, command) in detained {
            server.write_all(&command).unwrap();
        }
    }

    /// From now on whatever is sent takes this long, each way; what follows it waits behind it.
    pub fn delay(&self, each_way: Duration) {
        let delay = each_way.as_millis().try_into().unwrap();
        self.faults.delay.store(delay, Ordering::SeqCst);
    }
}

impl Faults {
    fn wait_while_closed(&self) {
        let is_closed = self.is_closed.lock().unwrap();
        drop(self.opened.wait_while(is_closed, |it| *it).unwrap());
    }
}

fn forward(client: TcpStream, socket: &PathBuf, faults: &Arc<Faults>) {
    let Ok(server) = UnixStream::connect(socket) else {
        return;
    };
    let (from_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let to_server = server.try_clone().unwrap();
    let to_client = Arc::new(client.try_clone().unwrap());
    let cut = move || {
        // The client may have hung up by itself.
        let _ = to_client.shutdown(Shutdown::Both);
    };
    let cut_too = cut.clone();
    copy(
        from_client,
        server,
        Arc::clone(faults),
        move |faults, command| {
            let is_detained = take_one(&faults.detentions);
            if is_detained {
                let to_server = to_server.try_clone().unwrap();
                faults
                    .detained
                    .lock()
                    .unwrap()
                    .push((to_server, command.to_vec()));
                cut();
            }
            is_detained
        },
    );
    copy(from_server, client, Arc::clone(faults), move |faults, _| {
        let is_lost = take_one(&faults.lost_replies);
        if is_lost {
            cut_too();
        }
        is_lost
    });
}

fn copy(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    faults: Arc<Faults>,
    is_lost: impl Fn(&Faults, &[u8]) -> bool + Send + 'static,
) {
    let before = faults.silences.load(Ordering::SeqCst);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let delay = faults.delay.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(delay));
            if is_lost(&faults, &buffer[..read]) {
                break;
            }
            let is_silent = faults.silences.load(Ordering::SeqCst) > before;
            if !is_silent && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    });
}

/// Whether there was one left to take.
fn take_one(number: &AtomicUsize) -> bool {
    let one_less = |number: usize| number.checked_sub(1);
    let taken = number.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
    taken.is_ok()
}
