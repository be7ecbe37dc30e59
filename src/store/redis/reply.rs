//! What Redis answers to the commit script, and in case of trouble.

use redis::Value;

use crate::store::{
    CommitAnswer,
    redis::asking::{Failure, unexpected_reply},
};

/// An answer of the script.
pub(super) struct Reply {
    /// `None` if the commit came too late, and was refused.
    pub(super) answer: Option<CommitAnswer>,
    /// The time of Redis, in Unix milliseconds.
    pub(super) clock: i64,
}

impl TryFrom<Value> for Reply {
    type Error = Failure;

    fn try_from(reply: Value) -> Result<Self, Failure> {
        let Value::Array(parts) = reply else {
            return Err(unexpected_reply());
        };
        let mut parts = parts.into_iter();
        let (answer, clock) = match (parts.next(), parts.next(), parts.next()) {
            (Some(Value::Int(answer)), Some(Value::Int(clock)), None) => {
                (without_record(answer)?, clock)
            }
            (Some(Value::Int(3)), Some(Value::Int(clock)), Some(Value::BulkString(record))) => {
                (Some(CommitAnswer::Conflict(record.into())), clock)
            }
            _ => return Err(unexpected_reply()),
        };
        Ok(Self { answer, clock })
    }
}

fn without_record(answer: i64) -> Result<Option<CommitAnswer>, Failure> {
    Ok(match answer {
        0 => Some(CommitAnswer::Committed),
        1 => Some(CommitAnswer::Gone),
        2 => Some(CommitAnswer::Superseded),
        4 => Some(CommitAnswer::Unknown),
        5 => None,
        6 => Some(CommitAnswer::Unreadable),
        _ => return Err(unexpected_reply()),
    })
}

/// What of an error is shown: its code, since the text can repeat arguments. Those that have no code
/// of their own are known by how their text begins.
pub(super) fn shown<'a>(code: &'a str, text: Option<&str>) -> &'a str {
    let text = text.unwrap_or_default();
    let known = WITHOUT_CODE.iter().find(|(it, _)| text.starts_with(it));
    known.map_or(code, |(_, shown)| shown)
}

const WITHOUT_CODE: [(&str, &str); 2] = [
    ("unknown command", "ERR unknown command"),
    (
        "The user executing the script can't",
        "NOPERM within a script",
    ),
];
