//! Redis servers of other versions and makes than the one of the system.

use std::{env, path::PathBuf};

/// The server of this name that `scripts/redis-servers` put above the program that is running.
///
/// # Panics
///
/// If it is not there.
#[must_use]
pub fn server(name: &str) -> PathBuf {
    let program = env::current_exe().unwrap();
    let mut folders = program.ancestors();
    let found = folders.find_map(|folder| {
        let server = folder.join("servers").join(name);
        server.exists().then_some(server)
    });
    found.unwrap_or_else(|| panic!("no server {name}: run `scripts/test`"))
}
