//! All that grows.

use crate::{
    content::{Content, SMALL},
    growth::axis::{Axis, Point},
    measure::{Conditions, workload::Action},
    settings::Settings,
};

pub(super) fn all(settings: &Settings) -> [Axis; 5] {
    let usual = usual(settings);
    [
        of_contents("Keys in the session", &KEYS, &usual, |point, keys| {
            point.content = Content {
                keys,
                bytes: 30 * keys,
            };
        }),
        of_contents(
            "Bytes in a session of ten keys",
            &BYTES,
            &usual,
            |point, bytes| {
                point.content = Content { keys: 10, bytes };
            },
        ),
        of_others("Sessions in Redis", &SESSIONS, &usual, |point, count| {
            point.conditions.others = count;
        }),
        of_others("Requests at once", &REQUESTS, &usual, |point, count| {
            point.conditions.connections = count;
        }),
        of_others("Worker threads", &WORKERS, &usual, |point, count| {
            point.workers = count;
        }),
    ]
}

fn of_contents(title: &'static str, sizes: &[usize], usual: &Point, set: Set) -> Axis {
    let actions = &[Action::Read, Action::Increment, Action::WriteAll];
    let points = sizes.iter().map(|size| usual.with(*size, set)).collect();
    Axis {
        title,
        actions,
        points,
    }
}

fn of_others(title: &'static str, sizes: &[usize], usual: &Point, set: Set) -> Axis {
    let actions = &[Action::Read, Action::Increment, Action::SignIn];
    Axis {
        actions,
        ..of_contents(title, sizes, usual, set)
    }
}

fn usual(settings: &Settings) -> Point {
    Point {
        label: String::new(),
        content: SMALL,
        conditions: Conditions {
            connections: settings.connections,
            length: settings.length,
            others: 0,
        },
        workers: settings.workers,
    }
}

impl Point {
    /// The same, but for one size.
    fn with(&self, size: usize, set: Set) -> Self {
        let mut point = self.clone();
        point.label = short(size);
        set(&mut point, size);
        point
    }
}

fn short(size: usize) -> String {
    match size {
        1_000_000.. => format!("{} M", size / 1_000_000),
        1_024.. if size.is_multiple_of(1_024) => format!("{} Ki", size / 1_024),
        1_000.. => format!("{} k", size / 1_000),
        _ => size.to_string(),
    }
}

type Set = fn(&mut Point, usize);

const KEYS: [usize; 4] = [1, 10, 100, 1_000];
const BYTES: [usize; 6] = [100, 1_024, 4 * 1_024, 16 * 1_024, 64 * 1_024, 256 * 1_024];
const SESSIONS: [usize; 3] = [10_000, 100_000, 1_000_000];
const REQUESTS: [usize; 4] = [1, 16, 64, 512];
const WORKERS: [usize; 2] = [1, 2];
