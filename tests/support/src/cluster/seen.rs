//! What a node of a cluster knows of the others.

use std::collections::BTreeSet;

use crate::redis::Redis;

/// A node, as another one sees it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) port: u16,
    pub(super) is_primary: bool,
    pub(super) is_lost: bool,
    slots: Vec<(u16, u16)>,
}

/// Who has what, as this node sees it.
pub(super) fn agreement(node: &Redis) -> BTreeSet<Seen> {
    let seen = seen_by(node).into_iter();
    seen.filter(|it| !it.is_lost).collect()
}

pub(super) fn has_slot(node: &Redis, slot: u16) -> bool {
    let port = node.address().port();
    let seen = seen_by(node).into_iter().find(|it| it.port == port);
    seen.is_some_and(|it| it.is_primary && has(&it.slots, slot))
}

fn has(slots: &[(u16, u16)], slot: u16) -> bool {
    slots
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&slot))
}

pub(super) fn my_id(node: &Redis) -> String {
    node.cli(&["CLUSTER", "MYID"])
}

/// `CLUSTER NODES`, whose lines are id, address, flags, and five more before the slots.
pub(super) fn seen_by(node: &Redis) -> Vec<Seen> {
    let nodes = node.cli(&["CLUSTER", "NODES"]);
    let parse = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let address = words.next()?.split('@').next()?;
        let (_, port) = address.rsplit_once(':')?;
        let flags = words.next()?;
        Some(Seen {
            port: port.parse().ok()?,
            is_primary: flags.contains("master"),
            is_lost: flags.contains("fail") || flags.contains("handshake"),
            slots: words.skip(5).filter_map(slots).collect(),
        })
    };
    nodes.lines().filter_map(parse).collect()
}

/// `5` or `5-7`; those on their way are in brackets.
fn slots(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}
