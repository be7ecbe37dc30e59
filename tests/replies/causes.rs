//! What is done to Redis, and undone.

use std::{
    any::Any,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
};

use session_test_support::Redis;

use crate::site::{tell, wait_for};

/// What is to be kept until a cause is taken away.
pub(crate) type Kept = Box<dyn Any>;

/// The same trouble for everybody who sends a command.
#[derive(Clone, Copy)]
pub(crate) enum Cause {
    /// What `redis-cli` is told, and what it is told to be rid of it.
    Said(&'static [&'static str], &'static [&'static str]),
    /// What takes more than that.
    Done(fn(&Redis) -> Kept, fn(&Redis, Kept)),
}

impl Cause {
    pub(crate) fn is_about_users(self) -> bool {
        let is_about_users = |line: &&str| line.starts_with("ACL");
        matches!(self, Self::Said(lines, _) if lines.iter().any(is_about_users))
    }

    pub(crate) fn begin(self, redis: &Redis) -> Kept {
        match self {
            Self::Said(lines, _) => {
                lines.iter().for_each(|line| tell(redis, line));
                Box::new(())
            }
            Self::Done(begin, _) => begin(redis),
        }
    }

    pub(crate) fn end(self, redis: &Redis, kept: Kept) {
        match self {
            Self::Said(_, lines) => lines.iter().for_each(|line| tell(redis, line)),
            Self::Done(_, end) => end(redis, kept),
        }
    }
}

/// It reads its snapshot, slowly.
pub(crate) const LOADING: Cause = Cause::Done(
    |redis| {
        tell(redis, "DEBUG POPULATE 100000");
        tell(
            redis,
            "CONFIG SET loading-process-events-interval-bytes 1024",
        );
        tell(redis, "CONFIG SET key-load-delay 1000");
        let reload = redis.keep_busy(&["DEBUG", "RELOAD"]);
        wait_for(redis, &["INFO", "persistence"], "loading:1");
        Box::new(reload)
    },
    |redis, _| tell(redis, "CONFIG SET key-load-delay 0"),
);

/// It cannot save its snapshots.
pub(crate) const NO_DISK: Cause = Cause::Done(
    |redis| {
        let answer = redis.cli(&["CONFIG", "GET", "dir"]);
        let gone = format!("{}/gone", answer.lines().last().unwrap());
        std::fs::create_dir(&gone).unwrap();
        tell(redis, &format!("CONFIG SET dir {gone}"));
        std::fs::remove_dir(&gone).unwrap();
        let _ = redis.cli(&["CONFIG", "SET", "save", "3600 1"]);
        tell(redis, "BGSAVE");
        wait_for(redis, &["INFO", "persistence"], "bgsave_status:err");
        Box::new(())
    },
    |redis, _| {
        let _ = redis.cli(&["CONFIG", "SET", "save", ""]);
    },
);

/// It runs a script that does not end.
pub(crate) const BUSY: Cause = Cause::Done(
    |redis| Box::new(redis.run_endless_script()),
    |redis, _| {
        let _ = redis.cli(&["SCRIPT", "KILL"]);
    },
);

/// Somebody else has the only connection that it allows.
pub(crate) const CROWDED: Cause = Cause::Done(
    |redis| {
        let path = redis.url();
        let mut other = UnixStream::connect(path.trim_start_matches("unix://")).unwrap();
        let lines = b"CONFIG SET maxclients 1\r\nCLIENT KILL TYPE normal\r\n";
        other.write_all(lines).unwrap();
        let mut answer = String::new();
        while answer.lines().count() < 2 {
            let mut buffer = [0; 64];
            let read = other.read(&mut buffer).unwrap();
            answer += std::str::from_utf8(&buffer[..read]).unwrap();
        }
        Box::new(other)
    },
    |redis, other| {
        let mut other = other.downcast::<UnixStream>().unwrap();
        other.write_all(b"CONFIG SET maxclients 100\r\n").unwrap();
        assert!(other.read(&mut [0; 64]).unwrap() > 0);
        drop(other);
        wait_for(redis, &["PING"], "PONG");
    },
);

/// It is a node of a cluster that misses all slots.
pub(crate) const NO_SLOTS: Cause = Cause::Said(
    &["CLUSTER DELSLOTSRANGE 0 16383"],
    &["CLUSTER ADDSLOTSRANGE 0 16383"],
);

/// A node of a cluster that has all slots.
pub(crate) fn with_slots(redis: &Redis) {
    tell(redis, "CLUSTER ADDSLOTSRANGE 0 16383");
    wait_for(redis, &["CLUSTER", "INFO"], "cluster_state:ok");
}
