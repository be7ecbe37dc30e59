//! Ports of the servers that tests start, which no other test takes.

use std::{io::ErrorKind, net::TcpListener, process};

/// A port that is free on both loopback addresses, and so is the one of 127.0.0.1 that the bus of a
/// cluster takes beside it.
///
/// It is below those that the system gives to whoever does not care. As long as this lives, no
/// other test gets it, in this process or another: a third port stands guard, which is listened on.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _guard: TcpListener,
}

impl Port {
    /// One that nobody has.
    ///
    /// # Panics
    ///
    /// If there is none left.
    #[must_use]
    pub fn free() -> Self {
        // Tests that run at the same time do not all begin with the same one.
        let first = process::id() % u32::from(COUNT);
        let first = u16::try_from(first).unwrap();
        let mut candidates = (0..COUNT).map(|next| LEAST + (first + next) % COUNT);
        let port = candidates.find_map(Self::take);
        port.expect("there is a port that is free")
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    fn take(number: u16) -> Option<Self> {
        let listen = |port| TcpListener::bind(("127.0.0.1", port)).ok();
        let guard = listen(number + GUARD)?;
        listen(number)?;
        // There are machines without this address, and programs that give up if it is taken.
        let other = TcpListener::bind(("::1", number)).map_err(|error| error.kind());
        if let Err(ErrorKind::AddrInUse) = other {
            return None;
        }
        listen(number + BUS)?;
        Some(Self {
            number,
            _guard: guard,
        })
    }
}

const LEAST: u16 = 14_000;
const COUNT: u16 = 4_000;
const GUARD: u16 = 4_000;
/// Where the bus is by default.
const BUS: u16 = 10_000;
