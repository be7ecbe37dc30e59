//! Where requests wait for each other, by names that stand in their paths.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{sync::Barrier, task::yield_now};

use crate::common::app::Gate;

/// The places of a test. Clones share them, also those of several servers.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<ByName>>);

#[derive(Default)]
struct ByName {
    gates: HashMap<String, Gate>,
    meetings: HashMap<String, Arc<Barrier>>,
}

impl Places {
    /// A gate, which is closed at first.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        let gates = &mut self.0.lock().unwrap().gates;
        let gate = gates.entry(name.into()).or_insert_with(Gate::closed);
        gate.clone()
    }

    /// Does what an action says about waiting:
    ///
    /// * `meet:NAME:COUNT` waits until so many are there,
    /// * `gate:NAME` waits until the gate is opened,
    /// * `tell:NAME` is seen to arrive at a gate, and goes on,
    /// * `yield:TIMES` lets others have their turn.
    pub(crate) async fn visit(&self, words: &[&str]) {
        match words {
            ["meet", name, count] => {
                let meeting = self.meeting(name, count.parse().unwrap());
                meeting.wait().await;
            }
            ["gate", name] => self.gate(name).pass().await,
            ["tell", name] => self.gate(name).arrive(),
            ["yield", times] => {
                for _ in 0..times.parse().unwrap() {
                    yield_now().await;
                }
            }
            words => panic!("nobody waits like this: {words:?}"),
        }
    }

    fn meeting(&self, name: &str, count: usize) -> Arc<Barrier> {
        let meetings = &mut self.0.lock().unwrap().meetings;
        let meeting = meetings.entry(name.into());
        Arc::clone(meeting.or_insert_with(|| Arc::new(Barrier::new(count))))
    }
}
