//! What can happen to Redis, and to the way there.

use std::time::Duration;

use session_test_support::{Fault, Program, Redis, Setup};

use crate::site::Site;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Network(Fault),
    /// Redis stands still.
    Paused,
    /// Redis is killed, and started again at the end.
    Killed,
    /// Connections are closed by Redis, again and again.
    Kicked,
    /// A script does not end, until it is ended.
    Busy,
}

impl Trouble {
    /// A server that lives through it.
    pub(crate) fn redis(self) -> Redis {
        match self {
            Self::Killed => durable(),
            _ => Redis::start(),
        }
    }

    pub(crate) fn begin(self, site: &mut Site) -> Option<Program> {
        match self {
            Self::Network(fault) => site.network.begin(fault),
            Self::Paused => site.redis.pause(),
            Self::Killed => site.redis.kill(),
            Self::Kicked => site.redis.cut(),
            Self::Busy => return Some(site.redis.run_endless_script()),
        }
        None
    }

    /// What happens again before each request.
    pub(crate) fn go_on(self, site: &Site) {
        if self == Self::Kicked {
            site.redis.cut();
        }
    }

    pub(crate) fn end(self, site: &mut Site) {
        match self {
            Self::Network(fault) => {
                site.network.end();
                if fault == Fault::Detained {
                    site.network.release();
                }
            }
            Self::Paused => site.redis.resume(),
            Self::Killed => site.redis.restart(),
            Self::Kicked => {}
            Self::Busy => {
                let _ = site.redis.cli(&["SCRIPT", "KILL"]);
            }
        }
    }

    /// Whether Redis carries out nothing meanwhile.
    pub(crate) fn stops_redis(self) -> bool {
        matches!(self, Self::Paused | Self::Killed | Self::Busy)
    }

    pub(crate) fn name(self) -> String {
        let millis = |time: Duration| format!("{} ms", time.as_millis());
        match self {
            Self::Network(fault) => match fault {
                Fault::Latency(each_way) => format!("{} each way", millis(each_way)),
                Fault::BlackHole => "black hole, also for new connections".into(),
                Fault::Closed => "new connections wait".into(),
                Fault::Forgotten => "connections swallow everything, new ones work".into(),
                Fault::Refused => "connections closed and refused".into(),
                Fault::Reset => "reset before a command arrives".into(),
                Fault::ResetReply => "reset instead of a reply".into(),
                Fault::CutReply(0) => "replies lost".into(),
                Fault::CutReply(bytes) => format!("replies cut after {bytes} bytes"),
                Fault::Trickle(pause) => format!("replies trickle, {} a byte", millis(pause)),
                Fault::Garbage => "garbage instead of replies".into(),
                Fault::Detained => "commands detained".into(),
            },
            Self::Paused => "Redis stands still (`SIGSTOP`)".into(),
            Self::Killed => "Redis is killed (`SIGKILL`), then started again".into(),
            Self::Kicked => "`CLIENT KILL` before each request".into(),
            Self::Busy => "a script that does not end (`BUSY`)".into(),
        }
    }
}

/// A Redis whose data outlive its process: what was handed to the system is not lost with it.
pub(crate) fn durable() -> Redis {
    let written_down = ["--appendonly", "yes", "--appendfsync", "no"];
    Setup::new().with(&written_down).start()
}
