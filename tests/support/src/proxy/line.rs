//! One connection through the network.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink},
    net::{TcpStream, UnixStream},
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use super::fault::{Fault, Network, Way};

/// The connection of a client.
pub(super) struct Line {
    client: TcpStream,
    network: Arc<Network>,
    strikes: watch::Receiver<Option<Fault>>,
}

/// Why a connection ends that nobody closed, and the message that was sent last.
type End = (Option<Fault>, Vec<u8>);

impl Line {
    pub(super) fn of(client: TcpStream, network: &Arc<Network>) -> Self {
        client.set_nodelay(true).unwrap();
        network.connections.fetch_add(1, Ordering::SeqCst);
        Self {
            client,
            network: Arc::clone(network),
            strikes: network.strikes.subscribe(),
        }
    }

    /// Forwards everything both ways, until both ends have closed it or something befalls it.
    pub(super) async fn lead_to(mut self, mut server: UnixStream) {
        let (from_client, to_client) = self.client.split();
        let (from_server, to_server) = server.split();
        let there = forward(&self.network, Way::ToRedis, from_client, to_server);
        let back = forward(&self.network, Way::FromRedis, from_server, to_client);
        let end = tokio::select! {
            ended = async { tokio::try_join!(there, back) } => ended.err(),
            _ = self.strikes.changed() => Some((*self.strikes.borrow(), Vec::new())),
        };
        if let Some((Some(fault), message)) = end {
            self.fall(fault, &message, server).await;
        }
    }

    /// What becomes of a connection that something befell.
    async fn fall(mut self, fault: Fault, message: &[u8], mut server: UnixStream) {
        match fault {
            Fault::Reset | Fault::ResetReply => self.client.set_zero_linger().unwrap(),
            Fault::Forgotten => {
                // Until the client gives it up, or resets it.
                let _ = copy(&mut self.client, &mut sink()).await;
            }
            Fault::Detained => {
                let network = Arc::clone(&self.network);
                let _under_way = network.message();
                network.detain();
                drop(self);
                network.released().await;
                server.write_all(message).await.unwrap();
                // Whatever it answers, it has read it then.
                let _ = server.read(&mut [0; 1]).await;
            }
            _ => {}
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.network.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Bytes that were sent at once.
struct Message {
    bytes: Vec<u8>,
    sent: Instant,
    fate: Option<Fault>,
    _under_way: Arc<()>,
}

/// Forwards one way, until it is closed.
async fn forward(
    network: &Network,
    way: Way,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> Result<(), End> {
    let (queue, mut queued) = mpsc::unbounded_channel();
    let take = async move {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let message = Message {
                bytes: buffer[..read].to_vec(),
                sent: Instant::now(),
                fate: network.fate(way),
                _under_way: network.message(),
            };
            if queue.send(message).is_err() {
                break;
            }
        }
        Ok(())
    };
    let hand_over = async move {
        while let Some(message) = queued.recv().await {
            message.arrive(network, &mut to).await?;
        }
        // The other end may have gone first.
        let _ = to.shutdown().await;
        Ok(())
    };
    tokio::try_join!(take, hand_over).map(|_| ())
}

impl Message {
    /// Meets its fate, and arrives if it may.
    async fn arrive(
        mut self,
        network: &Network,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Result<(), End> {
        match self.fate {
            None | Some(Fault::Closed | Fault::Forgotten | Fault::Refused) => {}
            Some(Fault::Latency(each_way)) => sleep_until(self.sent + each_way).await,
            Some(fault @ Fault::BlackHole) => network.end_of(fault).await,
            Some(fault @ Fault::Trickle(pause)) => {
                for byte in std::mem::take(&mut self.bytes) {
                    write(to, &[byte]).await;
                    pause_within(network, fault, pause).await;
                }
            }
            Some(fault @ Fault::CutReply(arriving)) => {
                self.bytes.truncate(arriving);
                write(to, &self.bytes).await;
                return Err((Some(fault), Vec::new()));
            }
            Some(Fault::Garbage) => self.bytes = GARBAGE.to_vec(),
            Some(fault @ (Fault::Reset | Fault::ResetReply | Fault::Detained)) => {
                return Err((Some(fault), self.bytes));
            }
        }
        write(to, &self.bytes).await;
        Ok(())
    }
}

/// Waits so long, but not longer than the fault lasts.
async fn pause_within(network: &Network, fault: Fault, pause: Duration) {
    let _ = timeout(pause, network.end_of(fault)).await;
}

/// That nobody is there to read it shows on the way back.
async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    let _ = to.write_all(bytes).await;
}

/// What says who does not speak our language.
const GARBAGE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";
