//! Shards of a Cluster that the client has no way to.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use redis::{Value, cluster_routing::Slot};
use tokio::time::sleep;

use crate::store::redis::topology::Topology;

/// What the clones of a connection know of them.
///
/// A question for one of them is answered with `MOVED` by somebody else, and each such answer makes
/// the client connect to what it misses, while nobody is served. So one asks, and the others wait.
#[derive(Clone, Default)]
pub(super) struct LostShards(Arc<Mutex<Shards>>);

impl LostShards {
    /// Takes in what `CLUSTER SLOTS` says.
    pub(super) fn learn(&self, slots: Value) {
        self.shards().learn(slots);
    }

    /// Whether others may have what the client believes to be where it was.
    pub(super) fn client_is_outdated(&self) -> bool {
        let shards = self.shards();
        shards.is_outdated || shards.topology.owners.is_empty()
    }

    /// Notes that somebody told the client to look for who has what.
    pub(super) fn client_was_told(&self) {
        self.shards().is_outdated = false;
    }

    /// Whether the server at `address` has any slots.
    pub(super) fn has_slots(&self, address: &str) -> bool {
        let shards = self.shards();
        shards.topology.owners.iter().any(|(_, it)| it == address)
    }

    /// How many servers there are, replicas among them.
    pub(super) fn count_servers(&self) -> usize {
        self.shards().topology.servers
    }

    /// Whether one of them has been lost for a long time.
    pub(super) fn is_stuck(&self) -> bool {
        self.shards().is_stuck(Instant::now())
    }

    /// Notes that the client was sent to the server at `address`. Whether it has to learn who has what.
    pub(super) fn moved(&self, address: &str, slot: u16) -> bool {
        self.shards().moved(address, slot, Instant::now())
    }

    /// Waits, if what is asked for is in one of them, until it may be asked for.
    ///
    /// Whoever is dropped while it has the turn holds up nobody: the next one comes when its time does.
    pub(super) async fn wait_for_a_turn(&self, slot: Option<Slot>) {
        let Some(slot) = slot else {
            return;
        };
        let pause = || self.shards().pause(slot, Instant::now());
        while let Some(pause) = pause() {
            // Somebody may find the way meanwhile.
            sleep(pause.min(FIRST_PAUSE)).await;
        }
    }

    /// Notes that there was an answer.
    pub(super) fn found(&self, slot: Option<Slot>) {
        let mut shards = self.shards();
        if let Some(slot) = slot {
            shards.lost.retain(|_, lost| !lost.slots.contains(&slot));
        }
    }

    fn shards(&self) -> MutexGuard<'_, Shards> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Shards {
    /// As somebody said.
    topology: Topology,
    lost: HashMap<String, Lost>,
    /// Whether they changed, and nobody told the client.
    is_outdated: bool,
}

struct Lost {
    slots: HashSet<Slot>,
    since: Instant,
    /// When somebody may ask.
    next: Instant,
    pause: Duration,
}

impl Shards {
    fn learn(&mut self, slots: Value) {
        let topology = Topology::from(slots);
        // Who has just come knows nobody.
        if topology.owners.is_empty() || self.topology.owners == topology.owners {
            return;
        }
        self.topology = topology;
        self.is_outdated = true;
        let mut lost = std::mem::take(&mut self.lost);
        for (address, lost) in &mut lost {
            lost.slots = self.topology.slots_of(address);
        }
        lost.retain(|_, lost| !lost.slots.is_empty());
        self.lost = lost;
    }

    fn moved(&mut self, address: &str, slot: u16, now: Instant) -> bool {
        if !self.topology.has(address, slot) {
            return true;
        }
        // It knew, and asked somebody else all the same.
        if !self.lost.contains_key(address) {
            let lost = Lost {
                slots: self.topology.slots_of(address),
                since: now,
                next: now + FIRST_PAUSE,
                pause: FIRST_PAUSE,
            };
            self.lost.insert(address.to_owned(), lost);
        }
        false
    }

    /// For how long not to ask. Who may, has taken the turn.
    fn pause(&mut self, slot: Slot, now: Instant) -> Option<Duration> {
        let mut lost = self.lost.values_mut();
        let lost = lost.find(|lost| lost.slots.contains(&slot))?;
        if now < lost.next {
            return Some(lost.next - now);
        }
        lost.pause = (lost.pause * 2).min(LONGEST_PAUSE);
        lost.next = now + lost.pause;
        None
    }

    fn is_stuck(&self, now: Instant) -> bool {
        let mut lost = self.lost.values();
        lost.any(|lost| now.saturating_duration_since(lost.since) > A_LONG_TIME)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Time in which the others are served.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Connecting anew holds up everybody, for a second or two where a server is really gone.
const A_LONG_TIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of `CLUSTER SLOTS`, all of 127.0.0.1.
    fn rows(rows: &[(i64, i64, i64)]) -> Value {
        let row = |(first, last, port): &(i64, i64, i64)| {
            let host = Value::BulkString(b"127.0.0.1".to_vec());
            let primary = Value::Array(vec![host, Value::Int(*port)]);
            Value::Array(vec![Value::Int(*first), Value::Int(*last), primary])
        };
        Value::Array(rows.iter().map(row).collect())
    }

    /// One that has two shards, of which the client has no way to the one with slot 1.
    fn with_a_lost_one(now: Instant) -> Shards {
        let mut shards = Shards::default();
        shards.learn(rows(&[(0, 9, 1), (10, 19, 2)]));
        assert!(!shards.moved("127.0.0.1:1", 1, now));
        shards
    }

    fn slot(number: u16) -> Slot {
        Slot::new(number).unwrap()
    }

    #[test]
    fn what_changed_is_told_to_the_client_and_in_which_order_it_is_said_is_no_change() {
        let lost = LostShards::default();
        assert!(lost.client_is_outdated(), "nothing is known");
        for (said, is_outdated) in [
            (rows(&[(0, 9, 1), (10, 19, 2)]), true),
            (rows(&[(10, 19, 2), (0, 9, 1)]), false),
            (rows(&[(0, 9, 1), (10, 19, 3)]), true),
            (rows(&[]), false),
            (Value::Okay, false),
            (Value::Array(vec![Value::Array(vec![Value::Nil])]), false),
        ] {
            lost.learn(said.clone());
            assert_eq!(lost.client_is_outdated(), is_outdated, "{said:?}");
            lost.client_was_told();
            assert!(!lost.client_is_outdated(), "{said:?}");
        }
        assert!(lost.has_slots("127.0.0.1:3") && !lost.has_slots("127.0.0.1:2"));
    }

    #[test]
    fn who_is_sent_where_nobody_is_known_has_to_learn_and_a_shard_is_lost_that_was_known() {
        let (mut shards, now) = (Shards::default(), Instant::now());
        shards.learn(rows(&[(0, 9, 1), (10, 19, 2)]));
        for (address, slot, has_to_learn) in [
            ("127.0.0.1:3", 1, true),
            ("127.0.0.1:2", 1, true),
            ("127.0.0.1:1", 1, false),
        ] {
            assert!(shards.lost.is_empty());
            assert_eq!(shards.moved(address, slot, now), has_to_learn, "{address}");
        }
        assert!(shards.lost.contains_key("127.0.0.1:1"));
    }

    #[test]
    fn one_asks_for_a_lost_shard_in_longer_and_longer_pauses_and_elsewhere_everybody() {
        let begin = Instant::now();
        let mut shards = with_a_lost_one(begin);
        let mut asked = Vec::new();
        for millis in 0..1_500 {
            let now = begin + Duration::from_millis(millis);
            // Two come in each moment.
            let turns = [1, 9].map(|it| shards.pause(slot(it), now).is_none());
            assert_ne!(turns, [true, true], "{millis}");
            asked.extend(turns.contains(&true).then_some(millis));
            // It is lost already.
            shards.moved("127.0.0.1:1", 1, now);
            assert_eq!(shards.pause(slot(10), now), None, "{millis}");
        }
        assert_eq!(asked, [25, 75, 175, 375, 775, 1175]);
    }

    #[test]
    fn a_connection_that_has_lost_a_shard_for_a_minute_is_stuck() {
        let now = Instant::now();
        let mut shards = with_a_lost_one(now);
        assert!(!shards.is_stuck(now + A_LONG_TIME));
        let later = now + A_LONG_TIME + Duration::from_millis(1);
        assert!(shards.is_stuck(later));
        shards.learn(rows(&[(0, 9, 3), (10, 19, 2)]));
        assert!(!shards.is_stuck(later), "somebody else has it");
    }

    #[test]
    fn a_shard_is_lost_until_there_is_an_answer_or_somebody_else_has_it() {
        let now = Instant::now();
        let lost = LostShards(Arc::new(Mutex::new(with_a_lost_one(now))));
        lost.found(None);
        lost.found(Some(slot(10)));
        assert!(lost.shards().pause(slot(1), now).is_some());
        lost.found(Some(slot(9)));
        assert_eq!(lost.shards().pause(slot(1), now), None);

        let mut shards = with_a_lost_one(now);
        shards.learn(rows(&[(0, 0, 1), (1, 9, 3), (10, 19, 2)]));
        assert_eq!(shards.pause(slot(1), now), None, "the slot is elsewhere");
        assert!(shards.pause(slot(0), now).is_some(), "the other is not");
        shards.learn(rows(&[(0, 9, 3), (10, 19, 2)]));
        assert!(shards.lost.is_empty());
    }
}
