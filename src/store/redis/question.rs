//! What the servers of a Cluster are asked.

use redis::{
    Arg, Cmd, Pipeline, RedisError, Value,
    aio::ConnectionLike as _,
    cluster_async::ClusterConnection,
    cluster_routing::{SingleNodeRoutingInfo, Slot},
};

/// What one server is asked: one command, or several on one connection.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    Command(&'a Cmd),
    Commands(&'a Pipeline),
}

impl<'a> Question<'a> {
    pub(super) async fn of_the_owner(
        self,
        nodes: &mut ClusterConnection,
    ) -> Result<Vec<Value>, RedisError> {
        match self {
            Self::Command(it) => nodes.req_packed_command(it).await.map(|it| vec![it]),
            Self::Commands(it) => nodes.req_packed_commands(it, 0, it.len()).await,
        }
    }

    pub(super) async fn of(
        self,
        nodes: &mut ClusterConnection,
        node: SingleNodeRoutingInfo,
    ) -> Result<Vec<Value>, RedisError> {
        let pipeline = self.after(Pipeline::new());
        let replies = pipeline.len();
        nodes.route_pipeline(pipeline, 0, replies, node).await
    }

    pub(super) async fn of_the_importer(
        self,
        nodes: &mut ClusterConnection,
        node: SingleNodeRoutingInfo,
    ) -> Result<Vec<Value>, RedisError> {
        let mut asking = Pipeline::new();
        asking.cmd("ASKING");
        let pipeline = self.after(asking);
        // All but that to `ASKING`.
        let replies = pipeline.len() - 1;
        nodes.route_pipeline(pipeline, 1, replies, node).await
    }

    fn after(self, mut pipeline: Pipeline) -> Pipeline {
        match self {
            Self::Command(it) => pipeline.add_command(it.clone()),
            Self::Commands(it) => {
                let commands = it.cmd_iter().cloned();
                commands.fold(&mut pipeline, Pipeline::add_command)
            }
        };
        pipeline
    }

    /// That of its key; `None` if it is not known here what the key is.
    pub(super) fn slot(self) -> Option<Slot> {
        let mut arguments = self.arguments();
        let key = match arguments.next()? {
            b"GET" | b"ZRANGEBYSCORE" => arguments.next(),
            // Before it are the script and the number of keys.
            b"EVALSHA" | b"EVAL" => arguments.nth(2),
            _ => None,
        };
        key.map(Slot::for_key)
    }

    /// Whether it can be asked again whatever became of it.
    pub(super) fn reads(self) -> bool {
        matches!(self.arguments().next(), Some(b"GET" | b"ZRANGEBYSCORE"))
    }

    /// Those of the first command, its name among them.
    fn arguments(self) -> impl Iterator<Item = &'a [u8]> {
        let first = match self {
            Self::Command(it) => Some(it),
            Self::Commands(it) => it.cmd_iter().next(),
        };
        let arguments = first.into_iter().flat_map(Cmd::args_iter);
        arguments.filter_map(|it| match it {
            Arg::Simple(it) => Some(it),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_which_slot_is_asked_for_whatever_is_asked() {
        let rows: [(&[&str], _); 6] = [
            (&["GET", "k"], Some("k")),
            (&["ZRANGEBYSCORE", "k", "(0", "+inf"], Some("k")),
            (&["EVALSHA", "0a1b", "1", "k", "change"], Some("k")),
            (&["EVAL", "return 1", "1", "k", "change"], Some("k")),
            (&["PING"], None),
            (&["GET"], None),
        ];
        for (words, key) in rows {
            let mut command = Cmd::new();
            for word in words {
                command.arg(word);
            }
            let expected = key.map(|key| Slot::for_key(key.as_bytes()));
            assert_eq!(Question::Command(&command).slot(), expected, "{words:?}");
            let mut wait = Pipeline::new();
            wait.add_command(command.clone()).cmd("WAIT").arg(1).arg(1);
            assert_eq!(Question::Commands(&wait).slot(), expected, "{words:?}");
        }
    }
}
