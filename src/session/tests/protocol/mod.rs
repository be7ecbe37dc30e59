//! The protocol as a model: what three requests of one browser can do to each other at a store.
//!
//! Every set of three kinds of request goes through every order of what can happen: a request is
//! sent with the cookie of the moment, loads, and takes its steps one by one; a step arrives late,
//! or twice, or is not answered, and is sent again or given up; responses reach the browser in any
//! order; graces and minutes end. Three things need no step of their own, because what must hold
//! must hold in every state: a server that crashes, a response that is lost, and a request that
//! never arrives are requests with which nothing happens any more.
//!
//! Left out: limits of lifetime and length (nothing is idle, too old or too long), sessions that
//! begin across sites, and requests that take longer than a minute from the browser to the server.

mod bench;
mod browser;
mod commit;
mod drift;
mod guards;
mod happening;
mod lockstep;
mod names;
mod promises;
mod real;
mod request;
mod sights;
mod steps;
mod store;
mod walk;
mod world;

use std::io::{self, Write as _};

use stateright::{Checker, CheckerBuilder, HasDiscoveries, Model};

use crate::session::tests::protocol::{guards::Guards, world::Protocol};

#[test]
fn three_requests_in_any_order_keep_every_promise() {
    let checker = checker(Guards::ALL).spawn_bfs().join();
    // Unlike `println!`, this is shown for a test that passes as well.
    let _ = writeln!(
        io::stderr(),
        "the model has {} states, reached in {} ways, of at most {} steps",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
    );
    checker.assert_properties();
}

#[test]
fn each_guard_is_needed() {
    for (name, guards) in Guards::each_without_one() {
        let checker = checker(guards).finish_when(HasDiscoveries::Any);
        let checker = checker.spawn_bfs().join();
        let broken = checker.discoveries();
        assert!(!broken.is_empty(), "nothing needs the guard {name:?}");
        for (promise, path) in broken {
            let kinds = path.last_state().requests.map(|request| request.kind);
            println!("without {name}, not {promise:?}:");
            println!("    {kinds:?} {:?}", path.into_actions());
        }
    }
}

fn checker(guards: Guards) -> CheckerBuilder<Protocol> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Protocol { guards }.checker().threads(threads)
}
