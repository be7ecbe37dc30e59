//! A session beside a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::session::{
    state::State,
    tests::{World, get, increment, put},
};

#[derive(Debug, Clone)]
enum Act {
    Insert(u8, u8),
    Remove(u8),
    Take(u8),
    Update(u8),
    Clear,
    Renew,
    Own(u8),
    Save,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..5u8, 0..9u8).prop_map(|(key, value)| Act::Insert(key, value)),
        2 => (0..5u8).prop_map(Act::Remove),
        2 => (0..5u8).prop_map(Act::Take),
        4 => (0..5u8).prop_map(Act::Update),
        1 => Just(Act::Clear),
        1 => Just(Act::Renew),
        1 => (0..30u8).prop_map(Act::Own),
        2 => Just(Act::Save),
    ]
}

fn on_model(act: &Act, model: &mut BTreeMap<String, String>) {
    match act {
        Act::Insert(key, value) => drop(model.insert(key.to_string(), value.to_string())),
        Act::Remove(key) | Act::Take(key) => drop(model.remove(&key.to_string())),
        Act::Update(key) => {
            let value = model.entry(key.to_string()).or_insert("0".to_owned());
            *value = char::from(value.as_bytes()[0] + 1).to_string();
        }
        Act::Clear => model.clear(),
        Act::Renew | Act::Own(_) | Act::Save => {}
    }
}

fn on_state(act: &Act, state: &mut State) {
    match act {
        Act::Insert(key, value) => put(state, &key.to_string(), &value.to_string()),
        Act::Remove(key) => drop(state.remove(&key.to_string())),
        Act::Take(key) => state.take(&key.to_string()),
        Act::Update(key) => state.update(&key.to_string(), increment()).unwrap(),
        Act::Clear => state.clear(),
        Act::Renew => state.renew().unwrap(),
        Act::Own(len) => {
            state.renew().unwrap();
            state.set_owner(&"x".repeat(usize::from(*len) + 1)).unwrap();
        }
        Act::Save => {}
    }
}

proptest! {
    /// One request after the other sees and stores what a plain map would hold.
    #[test]
    fn a_session_behaves_like_a_map(acts in proptest::collection::vec(act(), 0..40)) {
        let mut world = World::with_session();
        let mut model = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        let mut state = world.load();
        for act in acts {
            if let Act::Save = act {
                world.save(&mut state).unwrap();
                state = world.load();
            }
            on_model(&act, &mut model);
            on_state(&act, &mut state);
            prop_assert!(state.len >= state.measure());
            let keys: Vec<_> = state.keys().map(String::from).collect();
            let seen: Vec<_> = keys.iter().map(|key| get(&state, key).unwrap()).collect();
            prop_assert_eq!(&keys, &model.keys().cloned().collect::<Vec<_>>());
            prop_assert_eq!(seen, model.values().collect::<Vec<_>>());
        }
    }
}
