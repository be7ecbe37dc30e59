//! Redis with one session, which keeps the record that it is given first, and answers everything
//! else as if it did.

use std::sync::{Arc, OnceLock};

use bb8::{ManageConnection, Pool};
use redis::{Arg, Cmd, Pipeline, RedisError, RedisFuture, Value, aio::ConnectionLike};
use tower_session_layer::{RedisStore, store::redis::Watched};

use crate::BoxError;

/// A store with a pool like the one that `RedisStore::connect` makes.
pub(crate) async fn store() -> Result<RedisStore<Watched<Faked>>, BoxError> {
    let pool = Pool::builder().max_size(2).min_idle(1);
    Ok(RedisStore::new(
        pool.build(Watched::new(Faked::default())).await?,
    ))
}

/// Both the server and a connection to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faked {
    record: Arc<OnceLock<Vec<u8>>>,
}

impl Faked {
    fn answer(&self, command: &Cmd) -> Value {
        let mut arguments = command.args_iter().map(|argument| match argument {
            Arg::Simple(bytes) => bytes,
            _ => &[],
        });
        match arguments.next() {
            Some(b"GET") => match self.record.get() {
                Some(record) => Value::BulkString(record.clone()),
                None => Value::Nil,
            },
            // The rest is `EVALSHA`, the digest, `1`, the key, the verb, the nonce, the time after
            // which it is too late, and with this verb the record.
            _ => {
                if arguments.nth(3) == Some(b"create")
                    && self.record.get().is_none()
                    && let Some(record) = arguments.nth(2)
                {
                    self.record.get_or_init(|| record.to_vec());
                }
                Value::Array(vec![Value::Int(COMMITTED), Value::Int(CLOCK)])
            }
        }
    }
}

impl ConnectionLike for Faked {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async { Ok(self.answer(command)) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn get_db(&self) -> i64 {
        0
    }
}

impl ManageConnection for Faked {
    type Connection = Self;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self, RedisError> {
        Ok(self.clone())
    }

    async fn is_valid(&self, _: &mut Self) -> Result<(), RedisError> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Self) -> bool {
        false
    }
}

const COMMITTED: i64 = 0;

/// Its clock, in Unix milliseconds, stands still, and has as many digits as any now.
const CLOCK: i64 = 1_800_000_000_000;
