//! Where the clients in Python are that nobody here wrote.

use std::{path::Path, process::Command};

/// The Python that has the clients, which `scripts/python-clients` put above `program`.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn python(program: &str) -> Command {
    let mut folders = Path::new(program).ancestors();
    let found = folders.find_map(|folder| {
        let python = folder.join("python/bin/python");
        python.exists().then_some(python)
    });
    let mut command = Command::new(found.expect("no clients in Python: run `scripts/test`"));
    // Nothing is to be left beside the scripts.
    command.arg("-B");
    command
}
