//! Programs that run as long as a test needs them.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command},
    time::{Duration, Instant},
};

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program and waits until `is_ready`.
    ///
    /// # Panics
    ///
    /// If the program cannot be started, ends, or is not ready within half a minute.
    pub fn start(command: &mut Command, is_ready: impl Fn() -> bool) -> Self {
        let child = command.spawn();
        let mut program = Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_ready() {
            if let Some(status) = program.0.try_wait().unwrap() {
                panic!("{command:?} ended: {status}");
            }
            assert!(Instant::now() < deadline, "{command:?} is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        program
    }

    /// Starts a server that takes the address to listen on from `ADDR`.
    pub fn serve(command: &mut Command) -> (Self, SocketAddr) {
        let address = free_address();
        command.env("ADDR", address.to_string());
        let program = Self::start(command, || TcpStream::connect(address).is_ok());
        (program, address)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address on this machine where nothing listens.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}
