//! Rows that wait most of the time, several at a time.

use std::{sync::Mutex, thread};

use tokio::runtime;

/// Runs every row, each with a thread and a runtime of its own.
pub(crate) fn in_parallel<R: Send>(rows: Vec<R>, run: impl AsyncFn(R) + Sync) {
    let rows = Mutex::new(rows);
    let next = || rows.lock().unwrap().pop();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(row) = next() {
                    alone(run(row));
                }
            });
        }
    });
}

/// Runs what nothing else has to wait for.
pub(crate) fn alone<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// Each has a Redis.
const AT_A_TIME: usize = 16;
