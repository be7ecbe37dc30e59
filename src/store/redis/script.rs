//! Scripts, and calls of them.

use redis::{Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value, aio::ConnectionLike};

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
    match ask(connection, &by_hash(call)).await {
        Err(error) if is_no_script(&error) => ask(connection, &in_full(call)).await,
        reply => reply,
    }
}

/// The same, and has a command executed behind it, on the same connection of the same server.
pub(super) async fn run_and(
    connection: &mut impl ConnectionLike,
    call: &impl Call,
    next: &Cmd,
) -> Result<(Value, Value), RedisError> {
    match ask_both(connection, by_hash(call), next).await {
        Err(error) if is_no_script(&error) => ask_both(connection, in_full(call), next).await,
        replies => replies,
    }
}

async fn ask_both(
    connection: &mut impl ConnectionLike,
    first: Cmd,
    second: &Cmd,
) -> Result<(Value, Value), RedisError> {
    let mut both = Pipeline::new();
    both.add_command(first).add_command(second.clone());
    let replies = connection.req_packed_commands(&both, 0, 2).await?;
    match <[Value; 2]>::try_from(replies) {
        Ok([first, second]) => Ok((first.extract_error()?, second.extract_error()?)),
        Err(_) => Err((ErrorKind::UnexpectedReturnType, "not two replies").into()),
    }
}

fn by_hash(call: &impl Call) -> Cmd {
    put("EVALSHA", &call.script().hash, call)
}

fn in_full(call: &impl Call) -> Cmd {
    put("EVAL", call.script().source, call)
}

fn put(command: &str, script: &str, call: &impl Call) -> Cmd {
    let mut put = Cmd::with_capacity(ARGUMENTS, BYTES);
    put.arg(command).arg(script);
    call.put_arguments(&mut put);
    put
}

fn is_no_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Room for a usual call, so that it need not grow piece by piece.
const ARGUMENTS: usize = 24;
const BYTES: usize = 512;
