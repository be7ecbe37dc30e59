//! Random walks of the model and of real sessions, in lockstep.

use std::time::Duration;

use proptest::prelude::*;

use crate::session::tests::protocol::{
    lockstep::Lockstep,
    request::Kind,
    world::{REQUESTS, World},
};

#[derive(Debug)]
struct Walk {
    kinds: [Kind; REQUESTS],
    beginning: usize,
    grace: Duration,
    rotates_by_age: bool,
    /// Which of the things that can happen next happens; if it is a load, the odd ones are late.
    picks: Vec<u8>,
}

prop_compose! {
    fn walk()(
        kinds in proptest::array::uniform3(proptest::sample::select(&Kind::ALL[..])),
        beginning in proptest::sample::select(&BEGINNINGS[..]),
        grace in proptest::sample::select(&GRACES[..]),
        rotates_by_age: bool,
        picks in proptest::collection::vec(any::<u8>(), 24..32),
    ) -> Walk {
        Walk { kinds, beginning, grace, rotates_by_age, picks }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16_384))]

    #[test]
    fn the_requests_of_the_model_and_real_sessions_agree(walk in walk()) {
        let world = World::beginnings(walk.kinds)[walk.beginning];
        let mut lockstep = Lockstep::new(world, walk.grace, walk.rotates_by_age);
        lockstep.compare()?;
        let mut way = Vec::new();
        for pick in walk.picks {
            let actions = lockstep.actions();
            if actions.is_empty() {
                break;
            }
            let action = actions[usize::from(pick / 2) % actions.len()];
            way.push(action);
            let agreed = lockstep.act(action, pick % 2 == 1);
            agreed.map_err(|why| TestCaseError::fail(format!("{way:?}: {why}")))?;
        }
    }
}

/// More can happen where the browser missed a token than where its token is made up.
const BEGINNINGS: [usize; 6] = [0, 0, 1, 1, 1, 2];

/// One of these is shorter than the minute after a renewal, one longer.
const GRACES: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(600)];
