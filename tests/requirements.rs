//! `docs/conformance.md` and the tests say the same about which test proves which requirement.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/sources.rs"]
mod sources;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use sources::sources;

/// A test, by its file and its name.
type Test = (String, String);

/// The requirements, each with its tests.
type Proofs = BTreeMap<String, BTreeSet<Test>>;

struct Row {
    number: String,
    state: String,
    tests: BTreeSet<Test>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the comments of the tests say: `Proves: asvs_7_2_2, asvs_7_2_3.`
fn proofs_in_sources() -> Proofs {
    let mut proofs = Proofs::new();
    for folder in ["src", "tests", "examples"] {
        for path in sources(&root().join(folder)) {
            let file = path.strip_prefix(root()).unwrap().display().to_string();
            for (numbers, name) in proofs_in(&fs::read_to_string(path).unwrap(), &file) {
                for number in numbers {
                    let test = (file.clone(), name.clone());
                    proofs.entry(number).or_default().insert(test);
                }
            }
        }
    }
    proofs
}

/// The numbers in comments, and the name of the function that each one belongs to.
fn proofs_in(source: &str, file: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(list) = line.strip_prefix("/// Proves: ") else {
            continue;
        };
        let mut list = list.to_owned();
        while !list.ends_with('.') {
            let next = lines.next().and_then(|line| line.strip_prefix("/// "));
            list += next.unwrap_or_else(|| panic!("{file}: no full stop after `{list}`"));
        }
        let mut attributes = String::new();
        let function = lines.by_ref().filter(|line| !line.starts_with("///"));
        let mut function = function.inspect(|line| attributes += line);
        let name = name_of(function.find(|line| line.contains("fn ")).unwrap());
        drop(function);
        let has_test = attributes.contains("test]") || attributes.contains("::test(");
        let is_test = has_test && !attributes.contains("#[ignore");
        // Stories are made tests of by a macro that lists them.
        let is_story = file.ends_with("/stories.rs") && source.contains(&format!(" {name},\n"));
        assert!(is_test || is_story, "{file}: {name} is no test");
        let numbers = list.trim_end_matches('.').split(',');
        let numbers = numbers.map(|number| number.trim().to_owned()).collect();
        found.push((numbers, name));
    }
    found
}

fn name_of(function: &str) -> String {
    let name = function.split("fn ").nth(1).unwrap();
    name.split(['(', '<']).next().unwrap().to_owned()
}

/// The table of the page. Its last column has links to files, each followed by names of tests.
fn rows_of_page() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let lines = page.lines().filter(|line| line.starts_with("| `"));
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [number, _requirement, _whose, state, tests] = cells[..] else {
        panic!("five cells: {line}");
    };
    let files = tests
        .split("](../")
        .skip(1)
        .map(|part| part.split_once(')').unwrap());
    let tests = files.flat_map(|(file, names)| {
        let names = names.split('`').skip(1).step_by(2);
        names.map(move |name| (file.to_owned(), name.to_owned()))
    });
    Row {
        number: number.trim_matches('`').to_owned(),
        state: state.to_owned(),
        tests: tests.collect(),
    }
}

/// The last cell of a row, as it should be.
fn cell(tests: &BTreeSet<Test>) -> String {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, name) in tests {
        files.entry(file).or_default().push(format!("`{name}`"));
    }
    let file = |(file, names): (&str, Vec<String>)| {
        let stem = file.trim_end_matches(".rs").trim_start_matches("tests/");
        format!("[{stem}](../{file}): {}", names.join(", "))
    };
    files.into_iter().map(file).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_page_names_exactly_the_tests_that_say_what_they_prove() {
    let mut proofs = proofs_in_sources();
    let mut wrong = Vec::new();
    for row in rows_of_page() {
        let tests = proofs.remove(&row.number).unwrap_or_default();
        if tests != row.tests {
            wrong.push(format!("{}: {}", row.number, cell(&tests)));
        }
    }
    wrong.extend(
        proofs
            .keys()
            .map(|number| format!("{number} is not on the page")),
    );
    assert!(
        wrong.is_empty(),
        "docs/conformance.md should say:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn what_is_proven_has_a_test_and_what_is_open_has_none() {
    let rows = rows_of_page();
    let numbers: BTreeSet<_> = rows.iter().map(|row| &row.number).collect();
    assert_eq!(numbers.len(), rows.len(), "each number once");
    for (standard, count) in STANDARDS {
        let of_it = numbers.iter().filter(|it| it.starts_with(standard));
        assert_eq!(of_it.count(), count, "{standard}");
    }
    for row in &rows {
        let is_proven = match &*row.state {
            "proven" => true,
            "open" => false,
            state => panic!("{}: `{state}` is no state", row.number),
        };
        assert_eq!(is_proven, !row.tests.is_empty(), "{}", row.number);
    }
}

/// How many requirements there are of each: none is dropped unnoticed.
const STANDARDS: [(&str, usize); 5] = [
    ("asvs_", 25),
    ("rfc6265bis_", 11),
    ("http_", 2),
    ("chips_", 1),
    ("nist_", 3),
];

#[test]
fn the_check_reads_comments_and_rows() {
    let source = "/// Text.\n///\n/// Proves: a_1,\n/// b_2.\n#[test]\nasync fn it_works() {\n";
    let found = proofs_in(source, "here");
    let numbers = vec!["a_1".to_owned(), "b_2".to_owned()];
    assert_eq!(found, [(numbers, "it_works".to_owned())]);
    let tests = BTreeSet::from([("tests/a.rs".to_owned(), "it_works".to_owned())]);
    let line = format!("| `a_1` | text | layer | proven | {} |", cell(&tests));
    assert_eq!(row(&line).tests, tests);
}
