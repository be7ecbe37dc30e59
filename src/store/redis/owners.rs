//! The account of who has which sessions: a set for each owner, beside the records.
//!
//! It may be on another server of a Cluster, so a session and its account are two writes. A session
//! is enrolled before its record is written, and struck out after its record ended. What dies in
//! between leaves an entry without a session, never a session without an entry. Such an entry is
//! seen by nobody, since the record decides, and goes when its time is over or somebody looks.

use std::{
    pin::pin,
    time::{Duration, Instant, SystemTime},
};

use ::redis::{Cmd, RedisError, Value, aio::ConnectionLike};
use bb8::ManageConnection;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::timeout_at;

use crate::{
    session::{
        delta::{Applied, CommitAnswer},
        lifetime::{Timestamp, millis},
        owner::{Account, Listing},
        record::{Record, UnreadableRecord},
        token::SessionId,
    },
    store::{
        Delta, StoreError,
        redis::{
            RedisStore,
            account::{Enrolment, Strike, StrikeOut},
            asking::{Failure, unexpected_reply},
            replicas::not_copied,
            script::run,
        },
    },
};

impl<M> RedisStore<M>
where
    M: ManageConnection<Error = RedisError>,
    M::Connection: ConnectionLike + Clone,
{
    /// Commits a delta, and keeps account of whose session it is.
    pub(super) async fn commit_to_account(
        &self,
        deadline: Instant,
        id: &SessionId,
        delta: &Delta,
    ) -> Result<CommitAnswer, Failure> {
        let key = self.key(id);
        let not_after = match &delta.account {
            Account::Nothing | Account::Unlisted(_) => u64::MAX,
            Account::Listed(listing) => {
                match Box::pin(self.enrol(deadline, id, listing, delta.now)).await? {
                    Some(not_after) => not_after,
                    None => return Box::pin(self.is_it_full(deadline, &key, delta)).await,
                }
            }
        };
        // Dropped here, or failed, the account may have an entry without a session.
        let answer = self.commit_until(deadline, not_after, &key, delta).await?;
        if let (Account::Unlisted(owner), CommitAnswer::Committed) = (&delta.account, &answer) {
            // Dropped here, or failed, the same.
            Box::pin(self.strike_out(&self.key_of(owner), &[*id], Strike::Ever)).await;
        }
        Ok(answer)
    }

    /// What a delta comes to that found no room: it needs none if there is nothing to write.
    async fn is_it_full(
        &self,
        deadline: Instant,
        key: &str,
        delta: &Delta,
    ) -> Result<CommitAnswer, Failure> {
        // Dropped here, nothing has happened.
        let record = self.read(deadline, key).await?;
        let applied = delta.admitted().apply(record);
        match applied.map_err(|error| Failure::Answer(error.into()))? {
            Applied::Keep(answer) => Ok(answer),
            Applied::Write { .. } => Ok(CommitAnswer::Full),
        }
    }

    /// The sessions in the account of `owner`. What is there and can be none of them any more is struck
    /// out.
    pub(super) async fn account_of(
        &self,
        owner: &str,
        now: SystemTime,
    ) -> Result<Vec<(SessionId, Bytes)>, StoreError> {
        let (key, now) = (self.key_of(owner), Timestamp::from(now));
        let not_after = self.clock.at(Instant::now() + ARRIVAL / 2);
        let deadline = Instant::now() + self.deadline;
        let ids = self
            .in_time(deadline, pin!(self.entries(deadline, &key, now)))
            .await?;
        let mut sessions = Vec::new();
        let (mut over, mut missing) = (Vec::new(), Vec::new());
        for ids in ids.chunks(AT_ONCE) {
            let deadline = Instant::now() + self.deadline;
            for (id, record) in self
                .in_time(deadline, pin!(self.records(deadline, ids)))
                .await?
            {
                match record.clone().map(Record::parse) {
                    Some(Ok(it)) if it.is_of(owner, now) => {
                        sessions.extend(record.map(|it| (id, it)));
                    }
                    Some(Err(UnreadableRecord::NewerVersion)) => {
                        return Err(StoreError::newer_record());
                    }
                    // It never comes back.
                    Some(Ok(it)) if it.header.destroyed => over.push(id),
                    // It is over by the clock of whoever asks, which may be wrong.
                    Some(Ok(it)) if it.owner().as_deref() == Some(owner) => {}
                    Some(Ok(_) | Err(UnreadableRecord::Corrupt)) | None => missing.push(id),
                }
            }
        }
        for ids in over.chunks(AT_ONCE) {
            self.strike_out(&key, ids, Strike::Ever).await;
        }
        for ids in missing.chunks(AT_ONCE) {
            self.strike_out(&key, ids, Strike::Until(not_after)).await;
        }
        Ok(sessions)
    }

    /// Enters a session, whose record must not arrive after the time that this returns, by the clock
    /// of Redis; `None` if there are as many as there may be.
    async fn enrol(
        &self,
        deadline: Instant,
        id: &SessionId,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Option<u64>, Failure> {
        let arrival = ARRIVAL.max(2 * self.deadline);
        let enrolment = Enrolment {
            key: &self.key_of(&listing.owner),
            id,
            listing,
            now,
            arrival,
        };
        let mut broken = 0;
        loop {
            let mut connection = self.connection_of_a_commit(deadline).await?;
            let sent = Instant::now();
            // Dropped here, there may be an entry without a session. Entered twice, it is entered once.
            let reply = self.run_to_last(&mut connection, &enrolment, deadline);
            let (reply, is_copied) = match reply.await {
                // On a Cluster nobody waits for one answer until the deadline.
                Err(error) if error.is_timeout() => continue,
                Err(error)
                    if error.is_unrecoverable_error() && broken < self.connections_of_commits() =>
                {
                    broken += 1;
                    continue;
                }
                reply => reply?,
            };
            let (is_entered, clock) = Enrolment::outcome(reply)?;
            self.clock.saw(clock, sent);
            if is_entered && !is_copied {
                return Err(not_copied());
            }
            let not_after = u64::try_from(clock).unwrap_or(0) + millis(arrival) / 2;
            return Ok(is_entered.then_some(not_after));
        }
    }

    /// What is left where it is for lack of time harms nobody.
    async fn strike_out(&self, key: &str, ids: &[SessionId], when: Strike) {
        let deadline = Instant::now() + self.deadline.min(STRIKING);
        let striking = async {
            let mut connection = self.connection(deadline).await?;
            let call = StrikeOut { key, ids, when };
            Ok::<_, Failure>(run(&mut connection, &call).await?)
        };
        let late = |_| Err(Failure::silence("redis did not answer in time"));
        let struck = timeout_at(deadline.into(), striking).await;
        if let Err(failure) = struck.unwrap_or_else(late) {
            let error = &failure.into_error() as &dyn std::error::Error;
            tracing::debug!(
                error,
                "an entry of a session that ended is left in the account of its owner"
            );
        }
    }

    async fn entries(
        &self,
        deadline: Instant,
        key: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, Failure> {
        let mut range = Cmd::new();
        range.arg("ZRANGEBYSCORE").arg(key);
        range.arg(format!("({}", now.0)).arg("+inf");
        let ids = match self.ask_safely(deadline, &range).await? {
            Ok(Value::Array(ids)) => ids,
            Ok(_) => return Err(unexpected_reply()),
            // Put there by somebody else: the next to sign in has an account again.
            Err(error) if error.code() == Some("WRONGTYPE") => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let id = |id| match id {
            Value::BulkString(id) => <[u8; 16]>::try_from(id).ok()?.try_into().ok(),
            _ => None,
        };
        Ok(ids.into_iter().filter_map(id).collect())
    }

    /// Looked up all at the same time: they may be on several servers.
    async fn records(
        &self,
        deadline: Instant,
        ids: &[SessionId],
    ) -> Result<Vec<(SessionId, Option<Bytes>)>, Failure> {
        let read = async |id: &SessionId| Ok((*id, self.read(deadline, &self.key(id)).await?));
        join_all(ids.iter().map(read)).await.into_iter().collect()
    }

    fn key_of(&self, owner: &str) -> String {
        format!("{}owner:{owner}", self.prefix)
    }
}

/// How long the record of a session may be on its way, and its entry is not struck out although there
/// is none. Much longer than a commit takes: servers may differ in what time it is. But as long as that
/// one that never arrives counts for the limit.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Nobody waits for long until an entry is struck out.
const STRIKING: Duration = Duration::from_millis(100);

/// How many sessions are looked up, or struck out, at the same time.
const AT_ONCE: usize = 100;
