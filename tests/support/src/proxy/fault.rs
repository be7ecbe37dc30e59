//! What can be wrong with a network, and what is.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Semaphore, watch};

/// What can be wrong with a network.
///
/// A message is what was sent at once: a command, a reply, or several of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whatever is sent takes this long, each way.
    Latency(Duration),
    /// Nobody is let in, and nothing arrives before this has ended; then all of it arrives.
    BlackHole,
    /// Nobody is let in before this has ended; the connections that there are work.
    Closed,
    /// The connections that there are swallow what is sent, for ever; new ones work.
    Forgotten,
    /// The connections that there are are closed, and nobody is let in.
    Refused,
    /// The connections that there are are reset, and others before a command arrives.
    Reset,
    /// Commands arrive, and instead of the reply there is a reset.
    ResetReply,
    /// Of a reply so many bytes arrive, and then the end of the connection.
    CutReply(usize),
    /// Replies arrive byte by byte, with a pause between them.
    Trickle(Duration),
    /// Instead of a reply there is something else.
    Garbage,
    /// Connections are closed, and their commands arrive when they are released.
    Detained,
}

impl Fault {
    /// Whether those who come have to wait.
    pub(super) fn closes(self) -> bool {
        matches!(self, Self::BlackHole | Self::Closed)
    }

    /// Whether it is about the connections that there are, at once.
    fn strikes(self) -> bool {
        matches!(self, Self::Forgotten | Self::Refused | Self::Reset)
    }

    fn befalls(self, way: Way) -> bool {
        match self {
            Self::Latency(_) | Self::BlackHole => true,
            Self::Reset | Self::Detained => way == Way::ToRedis,
            Self::ResetReply | Self::CutReply(_) | Self::Trickle(_) | Self::Garbage => {
                way == Way::FromRedis
            }
            Self::Closed | Self::Forgotten | Self::Refused => false,
        }
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToRedis,
    FromRedis,
}

/// What is wrong now.
#[derive(Debug)]
pub(super) struct Network {
    lasting: watch::Sender<Option<Fault>>,
    /// What befalls the connections that there are.
    pub(super) strikes: watch::Sender<Option<Fault>>,
    /// What befalls one message each.
    next: Mutex<VecDeque<Fault>>,
    /// As many clones as there are messages under way.
    messages: Arc<()>,
    pub(super) connections: AtomicUsize,
    detained: AtomicUsize,
    releases: Semaphore,
}

impl Network {
    pub(super) fn sound() -> Self {
        Self {
            lasting: watch::Sender::new(None),
            strikes: watch::Sender::new(None),
            next: Mutex::default(),
            messages: Arc::default(),
            connections: AtomicUsize::new(0),
            detained: AtomicUsize::new(0),
            releases: Semaphore::new(0),
        }
    }

    pub(super) fn turn(&self, fault: Option<Fault>) {
        self.lasting.send_replace(fault);
        if fault.is_some_and(Fault::strikes) {
            self.strikes.send_replace(fault);
        }
    }

    pub(super) fn lasting(&self) -> Option<Fault> {
        *self.lasting.borrow()
    }

    pub(super) fn befall_next(&self, times: usize, fault: Fault) {
        let mut next = self.next.lock().unwrap();
        next.extend(std::iter::repeat_n(fault, times));
    }

    pub(super) fn has_befallen(&self) -> bool {
        self.next.lock().unwrap().is_empty()
    }

    /// What befalls a message that is sent now.
    pub(super) fn fate(&self, way: Way) -> Option<Fault> {
        let mut next = self.next.lock().unwrap();
        match next.front() {
            Some(fault) if fault.befalls(way) => next.pop_front(),
            _ => self.lasting().filter(|fault| fault.befalls(way)),
        }
    }

    /// Waits until something else is wrong, or nothing.
    pub(super) async fn end_of(&self, fault: Fault) {
        let mut lasting = self.lasting.subscribe();
        // It cannot be closed while this is borrowed.
        let _ = lasting.wait_for(|now| *now != Some(fault)).await;
    }

    pub(super) fn message(&self) -> Arc<()> {
        Arc::clone(&self.messages)
    }

    pub(super) fn under_way(&self) -> usize {
        Arc::strong_count(&self.messages) - 1
    }

    pub(super) fn detain(&self) {
        self.detained.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until what is detained is released.
    pub(super) async fn released(&self) {
        self.releases.acquire().await.unwrap().forget();
    }

    /// Says how many were detained.
    pub(super) fn release(&self) -> usize {
        let detained = self.detained.swap(0, Ordering::SeqCst);
        self.releases.add_permits(detained);
        detained
    }
}
