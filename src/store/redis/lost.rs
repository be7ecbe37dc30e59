//! Shards of a Cluster that the client has no way to.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{Value, cluster_routing::Slot};
use tokio::time::sleep;

/// What the clones of a connection know of them.
///
/// A question for one of them is answered with `MOVED` by somebody else, and each such answer makes
/// the client connect to what it misses, while nobody is served. So one asks, and the others wait.
#[derive(Clone, Default)]
pub(super) struct LostShards(Arc<Mutex<Shards>>);

#[derive(Default)]
struct Shards {
    /// Who has what, as somebody said.
    owners: Vec<(RangeInclusive<u16>, String)>,
    lost: HashMap<String, Turns>,
    /// Whether they changed, and nobody told the client.
    is_outdated: bool,
}

struct Turns {
    /// When somebody may ask.
    next: Instant,
    pause: Duration,
}

impl LostShards {
    /// Takes in what `CLUSTER SLOTS` says.
    pub(super) fn learn(&self, slots: Value) {
        let rows: Vec<Vec<Value>> = redis::from_redis_value(slots).unwrap_or_default();
        let mut owners: Vec<_> = rows.iter().filter_map(|row| owner(row)).collect();
        // Everybody has an order of their own.
        owners.sort_by_key(|(slots, _)| *slots.start());
        let mut shards = self.shards();
        shards.is_outdated |= shards.owners != owners;
        shards.owners = owners;
    }

    /// Whether others may have what the client believes to be where it was.
    pub(super) fn client_is_outdated(&self) -> bool {
        let shards = self.shards();
        shards.is_outdated || shards.owners.is_empty()
    }

    /// Notes that somebody told the client to look for who has what.
    pub(super) fn client_was_told(&self) {
        self.shards().is_outdated = false;
    }

    /// Notes that the client was sent to the server at `address`. Whether it has to learn who has what.
    pub(super) fn moved(&self, address: &str, slot: u16) -> bool {
        let mut shards = self.shards();
        let is_known =
            |(slots, it): &(RangeInclusive<u16>, _)| slots.contains(&slot) && it == address;
        if !shards.owners.iter().any(is_known) {
            return true;
        }
        // It knew, and asked somebody else all the same.
        let turns = Turns {
            next: Instant::now() + FIRST_PAUSE,
            pause: FIRST_PAUSE,
        };
        shards.lost.entry(address.to_owned()).or_insert(turns);
        false
    }

    /// Waits, if what is asked for is in one of them, until it may be asked for.
    pub(super) async fn wait_for_a_turn(&self, key: Option<&[u8]>) {
        while let Some(pause) = self.pause(key) {
            // Somebody may find the way meanwhile.
            sleep(pause.min(FIRST_PAUSE)).await;
        }
    }

    /// Notes that there was an answer.
    pub(super) fn found(&self, key: Option<&[u8]>) {
        let mut shards = self.shards();
        if let Some(address) = shards.lost_owner(key) {
            shards.lost.remove(&address);
        }
    }

    /// For how long not to ask. Who may, has taken the turn.
    fn pause(&self, key: Option<&[u8]>) -> Option<Duration> {
        let mut shards = self.shards();
        let address = shards.lost_owner(key)?;
        let turns = shards.lost.get_mut(&address)?;
        let now = Instant::now();
        if now < turns.next {
            return Some(turns.next - now);
        }
        turns.pause = (turns.pause * 2).min(LONGEST_PAUSE);
        turns.next = now + turns.pause;
        None
    }

    fn shards(&self) -> MutexGuard<'_, Shards> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shards {
    fn lost_owner(&self, key: Option<&[u8]>) -> Option<String> {
        if self.lost.is_empty() {
            return None;
        }
        self.owner(key)
            .filter(|it| self.lost.contains_key(*it))
            .cloned()
    }

    fn owner(&self, key: Option<&[u8]>) -> Option<&String> {
        let slot = Slot::for_key(key?);
        let has_it =
            |slots: &RangeInclusive<u16>| slots.clone().any(|it| Slot::new(it) == Some(slot));
        let mut owners = self.owners.iter().filter(|(slots, _)| has_it(slots));
        owners.next().map(|(_, address)| address)
    }
}

/// A row is the first slot, the last one, the primary, and more.
fn owner(row: &[Value]) -> Option<(RangeInclusive<u16>, String)> {
    let [
        Value::Int(first),
        Value::Int(last),
        Value::Array(primary),
        ..,
    ] = row
    else {
        return None;
    };
    let [Value::BulkString(host), Value::Int(port), ..] = &primary[..] else {
        return None;
    };
    let slots = u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?;
    Some((slots, format!("{}:{port}", String::from_utf8_lossy(host))))
}

const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Time in which the others are served.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
