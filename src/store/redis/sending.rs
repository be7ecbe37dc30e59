//! Sending a commit so that it happens once, or not at all.

use std::time::Instant;

use ::redis::{Cmd, RedisError, Value, aio::ConnectionLike};
use bb8::ManageConnection;
use tokio::time::sleep_until;

use crate::{
    session::{delta::DeltaKind, header::Nonce, lifetime::Timestamp, owner::Account},
    store::{
        CommitAnswer, Delta, StoreError,
        redis::{
            RedisStore,
            asking::{Failure, ask},
            commit::CommitScript,
            replicas::{Lent, not_copied},
            reply::Reply,
            script::{Call, run},
        },
    },
};

impl<M> RedisStore<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    /// Sends the script ahead, as a commit that comes too late, and so learns what time it is there,
    /// and whether scripts may be used. It names no key: which prefix is meant is not known yet.
    pub(super) async fn introduce(&self, deadline: Instant) -> Result<(), Failure> {
        let nothing = Delta {
            nonce: Nonce::default(),
            now: Timestamp::default(),
            is_repeated: false,
            is_use: false,
            account: Account::Nothing,
            kind: DeltaKind::Destroy,
        };
        let script = CommitScript {
            key: None,
            delta: &nothing,
            not_after: 0,
            is_repeated: false,
        };
        let mut connection = self.connection(deadline).await?;
        let sent = Instant::now();
        let reply = run(&mut connection, &script).await;
        let reply = Reply::try_from(reply?)?;
        self.clock.saw(reply.clock, sent);
        Ok(())
    }

    /// Sends a commit, and once more if its connection breaks or it comes too late.
    ///
    /// A commit without an answer may have happened, or may be about to, so nothing is sent after
    /// it, and nobody is told that it failed, before the time has passed after which Redis refuses
    /// it. That is why the first one has only half of the time. The one after it says that it is
    /// repeated. After `arrival`, by the clock of Redis, nothing is to happen in any case.
    pub(super) async fn commit_until(
        &self,
        deadline: Instant,
        arrival: u64,
        key: &str,
        delta: &Delta,
    ) -> Result<CommitAnswer, Failure> {
        let mut is_repeated = delta.is_repeated;
        let mut fate = Fate::Unanswered;
        let now = Instant::now();
        let half_time = now + deadline.saturating_duration_since(now) / 2;
        for not_after in [half_time, deadline, deadline] {
            if Instant::now() >= not_after {
                continue;
            }
            // Dropped here, nothing was sent, or nothing that can still happen.
            let mut connection = match is_repeated {
                true => Box::pin(self.proven_connection(deadline, key)).await?,
                false => self.connection_of_a_commit(deadline).await?,
            };
            let script = CommitScript {
                key: Some(key),
                delta,
                not_after: self.clock.at(not_after).min(arrival),
                is_repeated,
            };
            // Dropped here, it may or may not happen, but not after the deadline.
            fate = self.send(&mut connection, &script, deadline).await?;
            match fate {
                Fate::Answered(answer) => return Ok(answer),
                Fate::Late => {}
                Fate::Unanswered => {
                    // Dropped here, it may have happened, and before long it no longer can.
                    sleep_until(not_after.into()).await;
                    is_repeated = true;
                }
            }
        }
        let error = StoreError::new("the commit did not reach redis in time");
        Err(match (fate, &self.replicas) {
            (Fate::Late, _) => Failure::Answer(error),
            (_, None) => Failure::Silence(error),
            // On a Cluster nobody waits for an answer as long as replicas may take.
            (_, Some(_)) => Failure::Unclear(error),
        })
    }

    async fn send(
        &self,
        connection: &mut M::Connection,
        script: &CommitScript<'_>,
        deadline: Instant,
    ) -> Result<Fate, Failure> {
        let sent = Instant::now();
        let reply = self.run_to_last(connection, script, deadline).await;
        let (reply, is_copied) = match reply {
            // Only what Redis itself says is an answer.
            Err(error) if error.code().is_none() => return Ok(Fate::Unanswered),
            reply => reply?,
        };
        let Reply { answer, clock } = reply.try_into()?;
        self.clock.saw(clock, sent);
        match answer {
            None => Ok(Fate::Late),
            Some(CommitAnswer::Committed) if !is_copied => Err(not_copied()),
            Some(answer) => Ok(Fate::Answered(answer)),
        }
    }

    /// A connection that answers: those beside one that broke may have broken, too, and there is
    /// time for one more copy of a commit only.
    async fn proven_connection(
        &self,
        deadline: Instant,
        key: &str,
    ) -> Result<Lent<'_, M>, Failure> {
        let mut get = Cmd::new();
        get.arg("GET").arg(key);
        for _ in 0..self.connections_of_commits() {
            // Dropped here, nothing has happened.
            let mut connection = self.connection_of_a_commit(deadline).await?;
            match ask(&mut *connection, &get).await {
                Err(error) if error.is_unrecoverable_error() => {}
                _ => return Ok(connection),
            }
        }
        self.connection_of_a_commit(deadline).await
    }

    pub(super) fn connections_of_commits(&self) -> u32 {
        let replicas = self.replicas.as_ref();
        let pool = replicas.map_or(&self.pool, |replicas| &replicas.pool);
        pool.state().connections
    }

    /// Calls a script that writes what has to last, and says whether there are as many copies of that
    /// as are wanted.
    pub(super) async fn run_to_last(
        &self,
        connection: &mut M::Connection,
        call: &impl Call,
        deadline: Instant,
    ) -> Result<(Value, bool), RedisError> {
        match &self.replicas {
            None => run(connection, call).await.map(|reply| (reply, true)),
            Some(replicas) => replicas.run(connection, call, deadline).await,
        }
    }

    pub(super) async fn connection_of_a_commit(
        &self,
        deadline: Instant,
    ) -> Result<Lent<'_, M>, Failure> {
        match &self.replicas {
            None => self.connection(deadline).await.map(Lent::Shared),
            Some(replicas) => replicas.connection(deadline).await,
        }
    }
}

/// What became of one copy of a commit.
enum Fate {
    Answered(CommitAnswer),
    /// Redis refused it, since nobody waited any more.
    Late,
    Unanswered,
}
