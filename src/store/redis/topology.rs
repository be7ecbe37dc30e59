//! Who has what in a Cluster.

use std::{collections::HashSet, ops::RangeInclusive};

use redis::{Value, cluster_routing::Slot};

/// What `CLUSTER SLOTS` says.
#[derive(Default)]
pub(super) struct Topology {
    /// In the order of the slots: everybody says it in one of their own.
    pub(super) owners: Vec<(RangeInclusive<u16>, String)>,
    /// How many servers there are, replicas among them.
    pub(super) servers: usize,
}

impl From<Value> for Topology {
    fn from(slots: Value) -> Self {
        let rows: Vec<Vec<Value>> = redis::from_redis_value(slots).unwrap_or_default();
        let mut owners: Vec<_> = rows.iter().filter_map(|row| owner(row)).collect();
        owners.sort_by_key(|(slots, _)| *slots.start());
        let servers = rows.iter().flat_map(|row| row.iter().skip(2));
        let servers = servers.filter_map(address).collect::<HashSet<_>>().len();
        Self { owners, servers }
    }
}

impl Topology {
    pub(super) fn has(&self, address: &str, slot: u16) -> bool {
        let mut owners = self.owners.iter();
        owners.any(|(slots, it)| slots.contains(&slot) && it == address)
    }

    pub(super) fn slots_of(&self, address: &str) -> HashSet<Slot> {
        let owners = self.owners.iter().filter(|(_, it)| it == address);
        let slots = owners.flat_map(|(slots, _)| slots.clone());
        slots.filter_map(Slot::new).collect()
    }
}

/// A row is the first slot, the last one, the primary, and its replicas.
fn owner(row: &[Value]) -> Option<(RangeInclusive<u16>, String)> {
    let [Value::Int(first), Value::Int(last), primary, ..] = row else {
        return None;
    };
    let slots = u16::try_from(*first).ok()?..=u16::try_from(*last).ok()?;
    Some((slots, address(primary)?))
}

/// Some do not know under which name they are reached, but each has a port.
fn address(server: &Value) -> Option<String> {
    let Value::Array(parts) = server else {
        return None;
    };
    match &parts[..] {
        [Value::BulkString(host), Value::Int(port), ..] => {
            Some(format!("{}:{port}", String::from_utf8_lossy(host)))
        }
        [_, Value::Int(port), ..] => Some(format!(":{port}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_counted_with_their_replicas_whether_or_not_they_have_a_name() {
        let server = |host, port| Value::Array(vec![host, Value::Int(port)]);
        let named = |port| server(Value::BulkString(b"a".to_vec()), port);
        let row = |first, last, servers: &[Value]| {
            let row = [Value::Int(first), Value::Int(last)].into_iter();
            Value::Array(row.chain(servers.iter().cloned()).collect())
        };
        let topology = Topology::from(Value::Array(vec![
            row(0, 4, &[named(1), named(2)]),
            row(5, 9, &[server(Value::Nil, 3), named(2)]),
            row(10, 14, &[named(1), named(2)]),
        ]));
        assert_eq!((topology.servers, topology.owners.len()), (3, 3));
    }
}
