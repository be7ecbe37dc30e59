//! What was logged.

use std::{
    cell::RefCell,
    io::{self, Write},
    sync::Once,
};

/// What this thread logs, at every level.
///
/// There is one subscriber for the whole process: those of single threads can miss events while
/// other threads come and go.
pub(crate) struct Log;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

static SUBSCRIBED: Once = Once::new();

impl Log {
    /// Takes down what this thread logs from now on.
    pub(crate) fn start() -> Self {
        SUBSCRIBED.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(|| Here)
                .init();
        });
        let log = Self;
        log.take();
        log
    }

    /// What was logged since the last time.
    pub(crate) fn take(&self) -> String {
        let logged = LOGGED.with(RefCell::take);
        String::from_utf8(logged).unwrap()
    }
}

/// Writes to the log of the thread it is used on.
struct Here;

impl Write for Here {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
