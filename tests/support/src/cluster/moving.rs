//! How a slot moves from one node to another.

use super::{expect_ok, seen::my_id};
use crate::redis::Redis;

/// A slot on its way.
#[derive(Debug)]
pub struct Move<'a> {
    from: &'a Redis,
    to: &'a Redis,
    slot: String,
}

impl<'a> Move<'a> {
    pub(super) fn begin(from: &'a Redis, to: &'a Redis, slot: String) -> Self {
        let (from_id, to_id) = (my_id(from), my_id(to));
        expect_ok(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
        expect_ok(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
        Self { from, to, slot }
    }

    /// Moves one of the keys that are left, if any is.
    ///
    /// # Panics
    ///
    /// If a node refuses its part.
    pub fn move_a_key(&self) -> bool {
        let list = ["CLUSTER", "GETKEYSINSLOT", &self.slot, "1"];
        let keys = self.from.cli(&list);
        let Some(key) = keys.lines().find(|it| !it.is_empty()) else {
            return false;
        };
        let port = self.to.address().port().to_string();
        let said = self
            .from
            .cli(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
        assert!(["OK", "NOKEY"].contains(&&*said), "{said}");
        true
    }

    /// Moves what is left, and the slot itself.
    ///
    /// # Panics
    ///
    /// If a node refuses its part.
    pub fn end(self) {
        // New ones may come as long as the slot is there.
        while self.move_a_key() {}
        let to_id = my_id(self.to);
        for primary in [self.to, self.from] {
            expect_ok(primary, &["CLUSTER", "SETSLOT", &self.slot, "NODE", &to_id]);
        }
    }
}
