//! Scripts, and calls of them.

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value, aio::ConnectionLike};

use crate::store::redis::asking::ask;

/// A script that runs within Redis.
pub(super) struct Script {
    source: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(source: &'static str) -> Self {
        let hash = redis::Script::new(source).get_hash().to_owned();
        Self { source, hash }
    }
}

/// One call of a script.
pub(super) trait Call {
    fn script(&self) -> &'static Script;

    /// Puts the number of keys, the keys and the arguments behind the script.
    fn put_arguments(&self, call: &mut Cmd);
}

/// Calls a script by its hash; in full if Redis has not seen it yet, or has forgotten it.
pub(super) async fn run(
    connection: &mut impl ConnectionLike,
    call: &impl Call,
) -> Result<Value, RedisError> {
    let script = call.script();
    let put = |command: &str, script: &str| {
        let mut put = Cmd::with_capacity(ARGUMENTS, BYTES);
        put.arg(command).arg(script);
        call.put_arguments(&mut put);
        put
    };
    match ask(connection, &put("EVALSHA", &script.hash)).await {
        Err(error) if is_no_script(&error) => ask(connection, &put("EVAL", script.source)).await,
        reply => reply,
    }
}

fn is_no_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Room for a usual call, so that it need not grow piece by piece.
const ARGUMENTS: usize = 24;
const BYTES: usize = 512;
