//! What the commit script answers.

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
