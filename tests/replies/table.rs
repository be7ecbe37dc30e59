//! What Redis can refuse, and what a visitor sees of it.

use crate::causes::{BUSY, CROWDED, Cause, LOADING, NO_DISK};

pub(crate) struct Row {
    /// What it says, by which an operator finds the cause.
    pub(crate) event: &'static str,
    pub(crate) cause: Cause,
    pub(crate) expected: Seen,
}

/// Status of a read, a touch, a write, a sign-in and a log-out.
pub(crate) type Seen = [u16; 5];

pub(crate) const ALL_WELL: Seen = [200; 5];
const ONLY_READS: Seen = [200, 200, 503, 503, 503];
pub(crate) const NOTHING: Seen = [503; 5];

pub(crate) const ROWS: [Row; 15] = [
    Row {
        event: "",
        cause: Cause::Said(&["SCRIPT FLUSH"], &[]),
        expected: ALL_WELL,
    },
    Row {
        event: "OOM",
        cause: Cause::Said(&["CONFIG SET maxmemory 1"], &["CONFIG SET maxmemory 0"]),
        expected: [200, 200, 503, 503, 200],
    },
    Row {
        event: "MISCONF",
        cause: NO_DISK,
        expected: ONLY_READS,
    },
    Row {
        event: "NOREPLICAS",
        cause: Cause::Said(
            &["CONFIG SET min-replicas-to-write 1"],
            &["CONFIG SET min-replicas-to-write 0"],
        ),
        expected: ONLY_READS,
    },
    Row {
        event: "READONLY",
        cause: Cause::Said(&["REPLICAOF 127.0.0.1 1"], &["REPLICAOF NO ONE"]),
        expected: ONLY_READS,
    },
    Row {
        event: "MASTERDOWN",
        cause: Cause::Said(
            &[
                "CONFIG SET replica-serve-stale-data no",
                "REPLICAOF 127.0.0.1 1",
            ],
            &["REPLICAOF NO ONE"],
        ),
        expected: NOTHING,
    },
    Row {
        event: "LOADING",
        cause: LOADING,
        expected: NOTHING,
    },
    Row {
        event: "BUSY",
        cause: BUSY,
        expected: NOTHING,
    },
    Row {
        event: "redis connection failed",
        cause: CROWDED,
        expected: NOTHING,
    },
    Row {
        event: "NOPERM",
        cause: Cause::Said(&["ACL SETUSER app -evalsha"], &["ACL SETUSER app +evalsha"]),
        expected: ONLY_READS,
    },
    Row {
        event: "NOPERM",
        cause: Cause::Said(&["ACL SETUSER app -get"], &["ACL SETUSER app +get"]),
        expected: NOTHING,
    },
    Row {
        event: "NOPERM",
        cause: Cause::Said(
            &["ACL SETUSER app resetkeys ~other:*"],
            &["ACL SETUSER app ~session:*"],
        ),
        expected: NOTHING,
    },
    // Connections that are open stay open when a password changes.
    Row {
        event: "",
        cause: Cause::Said(
            &["ACL SETUSER app resetpass >new"],
            &["ACL SETUSER app >old"],
        ),
        expected: ALL_WELL,
    },
    Row {
        event: "AuthenticationFailed",
        cause: Cause::Said(
            &["ACL SETUSER app resetpass >new", "CLIENT KILL TYPE normal"],
            &["ACL SETUSER app >old"],
        ),
        expected: NOTHING,
    },
    // What deletes a user cuts its connections.
    Row {
        event: "AuthenticationFailed",
        cause: Cause::Said(
            &["ACL DELUSER app"],
            &["ACL SETUSER app on >old ~session:* +@all"],
        ),
        expected: NOTHING,
    },
];
