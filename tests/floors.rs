//! The house of `ARCHITECTURE.md`: arrows only go down.
#![allow(clippy::panic, clippy::unwrap_used)]

#[path = "common/sources.rs"]
mod sources;

use std::{fs, path::Path};

use sources::sources;

const FLOORS: [(&str, u8); 7] = [
    ("session", 1),
    ("cookie", 2),
    ("store", 2),
    ("middleware", 3),
    ("axum", 4),
    ("fuzzing", 4),
    ("lib", 5),
];

fn floor_of(module: &str) -> u8 {
    let floor = FLOORS.iter().find(|(name, _)| *name == module);
    floor.unwrap_or_else(|| panic!("`{module}` has no floor")).1
}

/// The top-level modules that a source names by `crate::…`, also inside braces.
fn named_modules(source: &str) -> Vec<String> {
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    let after = code.split("crate::").skip(1);
    after
        .flat_map(first_segments)
        .filter(|name| name.starts_with(char::is_lowercase))
        .collect()
}

fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(list) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut depth = 0;
    let end = list.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth < 0
    });
    let mut names = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in list[..end.unwrap()].char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            names.push(word(&list[start..at]));
            start = at + 1;
        }
    }
    names.push(word(&list[start..end.unwrap()]));
    names
}

#[test]
fn no_module_uses_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let module = relative.iter().next().unwrap().to_str().unwrap();
        for used in named_modules(&fs::read_to_string(&path).unwrap()) {
            let is_downward = floor_of(&used) < floor_of(module) || used == module;
            assert!(
                is_downward,
                "{} uses crate::{used}, which is not below it",
                path.display()
            );
        }
    }
}

#[test]
fn the_pure_floor_is_pure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session");
    for path in sources(&root) {
        let source = fs::read_to_string(&path).unwrap();
        for impure in ["async", "http::", "tokio", "now()"] {
            assert!(
                !source.contains(impure),
                "{} has `{impure}`",
                path.display()
            );
        }
    }
}

#[test]
fn the_check_sees_nested_imports() {
    let source =
        "use crate::{\n    middleware::{a, b},\n    session::c,\n};\nfn f() { crate::axum::g() }";
    assert_eq!(named_modules(source), ["middleware", "session", "axum"]);
}
