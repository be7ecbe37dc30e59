//! The sources of a folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let nested = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    let paths = entries.flat_map(|entry| nested(entry.unwrap().path()));
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect()
}
