//! A network between a client and Redis, that can fail.

mod fault;
mod line;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::Ordering, mpsc as blocking},
    thread,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UnixStream},
    runtime,
    sync::mpsc,
    task::JoinSet,
};

pub use self::fault::Fault;
use self::fault::Network;
use crate::redis::Redis;

/// Leads to a Redis server. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What is wrong from now on, and whom to tell when it is so.
type Order = (Option<Fault>, blocking::Sender<()>);

impl Proxy {
    /// Listens on an address of its own.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    pub fn to(redis: &Redis) -> Self {
        let reserved = bind((Ipv4Addr::LOCALHOST, 0).into());
        let address = reserved.local_addr().unwrap();
        let network = Arc::new(Network::sound());
        let (orders, taken) = mpsc::unbounded_channel();
        let gate = Gate {
            reserved,
            socket: redis.socket(),
            network: Arc::clone(&network),
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap();
        thread::spawn(move || runtime.block_on(gate.keep(taken)));
        let proxy = Self {
            address,
            network,
            orders,
        };
        proxy.end();
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

    /// From now on this is wrong, and whatever was wrong before no longer.
    pub fn begin(&self, fault: Fault) {
        self.order(Some(fault));
    }

    /// From now on nothing is wrong.
    pub fn end(&self) {
        self.order(None);
    }

    /// The next so many messages that this can befall it does befall.
    pub fn next(&self, times: usize, fault: Fault) {
        self.network.befall_next(times, fault);
    }

    /// Whether nothing is left that is to befall the next messages.
    #[must_use]
    pub fn has_befallen(&self) -> bool {
        self.network.has_befallen()
    }

    /// Lets the detained commands go on to Redis. Nobody waits for the replies.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn release(&self) {
        assert!(self.network.release() > 0, "nothing was detained");
    }

    /// How many messages were sent, and have not arrived.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.network.under_way()
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.connections.load(Ordering::SeqCst)
    }

    fn order(&self, fault: Option<Fault>) {
        let (done, is_done) = blocking::channel();
        self.orders.send((fault, done)).unwrap();
        is_done.recv().unwrap();
    }
}

/// Where clients are let in.
struct Gate {
    /// Bound and nothing else, so that the port is nobody else's while nobody listens there.
    reserved: TcpSocket,
    socket: PathBuf,
    network: Arc<Network>,
}

impl Gate {
    async fn keep(self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut listener = None;
        let mut lines = JoinSet::new();
        loop {
            let is_open = !self.network.lasting().is_some_and(Fault::closes);
            tokio::select! {
                biased;
                order = orders.recv() => {
                    let Some((fault, done)) = order else { return };
                    listener = self.turn(listener, fault);
                    // Nobody listens if the test is over.
                    let _ = done.send(());
                }
                client = accept(listener.as_ref()), if is_open => self.let_in(client, &mut lines),
                Some(_) = lines.join_next() => {}
            }
        }
    }

    fn turn(&self, listener: Option<TcpListener>, fault: Option<Fault>) -> Option<TcpListener> {
        self.network.turn(fault);
        match fault {
            Some(Fault::Refused) => None,
            _ => listener.or_else(|| {
                let address = self.reserved.local_addr().unwrap();
                Some(bind(address).listen(BACKLOG).unwrap())
            }),
        }
    }

    fn let_in(&self, client: TcpStream, lines: &mut JoinSet<()>) {
        let line = line::Line::of(client, &self.network);
        let socket = self.socket.clone();
        lines.spawn(async move {
            // Where there is no Redis, the client is sent away.
            if let Ok(server) = UnixStream::connect(socket).await {
                line.lead_to(server).await;
            }
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => listener.accept().await.unwrap().0,
        None => std::future::pending().await,
    }
}

fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

const BACKLOG: u32 = 1024;
