//! What sessions contain, the same in all of them: a counter, and texts that fill the rest.

use std::sync::LazyLock;

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

impl Content {
    /// All keys but the counter, and their values.
    pub(crate) fn texts(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let count = self.keys.saturating_sub(1);
        let rest = self.bytes.saturating_sub(COUNTER.len() + "10000000".len());
        let len = (rest / count.max(1)).saturating_sub(OVERHEAD).max(1);
        NAMES[..count]
            .iter()
            .map(move |name| (&**name, &TEXT[..len]))
    }
}

static NAMES: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..1_000).map(|n| format!("text{n}")).collect());
static TEXT: LazyLock<String> = LazyLock::new(|| "twenty-six letters or so.. ".repeat(20_000));

/// The name of a text, and the quotes around it.
const OVERHEAD: usize = 5 + 2;
