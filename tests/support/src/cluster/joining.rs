//! How nodes become a cluster. `redis-cli --cluster create` would do it, too, but waits without end for
//! those that do not come together, and for a second in any case.

use super::{
    expect_ok,
    seen::{my_id, seen_by},
};
use crate::{process::wait_until, redis::Redis};

/// Gives each of them its share of the slots.
pub(super) fn share_slots(primaries: &[Redis]) {
    for (at, primary) in primaries.iter().enumerate() {
        let first = |at| at * SLOTS / primaries.len();
        let slots: Vec<_> = (first(at)..first(at + 1))
            .map(|it| it.to_string())
            .collect();
        let slots = slots.iter().map(String::as_str);
        let add = ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots);
        expect_ok(primary, &add.collect::<Vec<_>>());
        // They must differ.
        let epoch = (at + 1).to_string();
        expect_ok(primary, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }
}

/// Lets all of them know each other.
pub(super) fn meet(nodes: &[Redis]) {
    wait_until("the nodes have met", || {
        let ports = nodes.iter().map(|it| it.address().port());
        let knows = |it: &Redis, port| {
            let mut seen = seen_by(it).into_iter();
            seen.any(|it| it.port == port && !it.is_lost)
        };
        let missing: Vec<_> = ports.filter(|port| !knows(&nodes[0], *port)).collect();
        for port in &missing {
            // Who is just being met is left alone, and who was missed is met again.
            let port = port.to_string();
            expect_ok(&nodes[0], &["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
        missing.is_empty()
    });
}

/// Lets everybody follow one of them, in turn.
pub(super) fn follow(followers: &[Redis], primaries: &[Redis]) {
    for (follower, primary) in followers.iter().zip(primaries.iter().cycle()) {
        let id = my_id(primary);
        wait_until("it knows whom to follow", || {
            follower.cli(&["CLUSTER", "REPLICATE", &id]) == "OK"
        });
    }
}

const SLOTS: usize = 16_384;
