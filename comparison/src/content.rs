//! What sessions contain, the same in all of them: a counter, and texts that fill the rest.

use std::sync::LazyLock;

use serde::{Serialize, Serializer};

/// The one key that is read and incremented.
pub(crate) const COUNTER: &str = "counter";

/// What the counter starts with. It keeps its eight digits.
pub(crate) const FIRST: u64 = 10_000_000;

/// What a sign-in stores: ten keys, 300 bytes of keys and JSON.
pub(crate) const SMALL: Content = Content {
    keys: 10,
    bytes: 300,
};

/// 16 KB in many keys, each as long as those of [`SMALL`].
pub(crate) const MANY: Content = Content {
    keys: 480,
    bytes: 16 * 1024,
};

/// 16 KB in few keys.
pub(crate) const FEW: Content = Content {
    keys: 10,
    bytes: 16 * 1024,
};

/// How many keys, and how many bytes of keys and JSON altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) keys: usize,
    pub(crate) bytes: usize,
}

/// What one key has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Counter(u64),
    Text(&'static str),
}

impl Content {
    /// All keys and their values, the counter in the middle.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'static str, Value)> {
        let count = self.keys.saturating_sub(1);
        let rest = self.bytes.saturating_sub(COUNTER.len() + "10000000".len());
        let len = (rest / count.max(1)).saturating_sub(OVERHEAD).max(1);
        let text = move |name: &'static String| (name.as_str(), Value::Text(&TEXT[..len]));
        let (before, after) = NAMES[..count].split_at(count / 2);
        let counter = [(COUNTER, Value::Counter(FIRST))];
        before
            .iter()
            .map(text)
            .chain(counter)
            .chain(after.iter().map(text))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Counter(counter) => serializer.serialize_u64(*counter),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..1_000).map(|n| format!("text{n}")).collect());
static TEXT: LazyLock<String> = LazyLock::new(|| "twenty-six letters or so.. ".repeat(20_000));

/// The name of a text, and the quotes around it.
const OVERHEAD: usize = 5 + 2;
