//! The guards of the protocol, as switches: without any of them, a promise breaks.

/// What keeps the promises. All on is the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guards {
    /// What does not exist is not changed.
    pub(super) existence: bool,
    /// What was renewed since it was loaded is not changed.
    pub(super) epoch: bool,
    /// What was updated or taken must be what it was.
    pub(super) base: bool,
    /// A token that was replaced or ended lately is told from an unknown one.
    pub(super) past: bool,
    /// The end of a session leaves a trace for a minute.
    pub(super) tombstone: bool,
    /// A successor is handed over only while nobody has presented it.
    pub(super) fresh: bool,
    /// A token rotates only when its own predecessor is done with.
    pub(super) settled: bool,
    /// A commit refuses itself once nobody waits for it.
    pub(super) not_after: bool,
    /// A commit knows what it wrote itself.
    pub(super) repeat: bool,
    /// A commit that is sent again refuses what others wrote meanwhile.
    pub(super) known: bool,
    /// Whether others wrote meanwhile is asked before whether one of them renewed.
    pub(super) known_first: bool,
    /// What is found done is not written again, so that no nonce ever comes back.
    pub(super) written_once: bool,
    /// A commit is sent again once the first one can no longer happen.
    pub(super) patience: bool,
    /// A response waits for the commit.
    pub(super) saved_before_head: bool,
}

type Switch = fn(&mut Guards) -> &mut bool;

impl Guards {
    pub(super) const ALL: Self = Self {
        existence: true,
        epoch: true,
        base: true,
        past: true,
        tombstone: true,
        fresh: true,
        settled: true,
        not_after: true,
        repeat: true,
        known: true,
        known_first: true,
        written_once: true,
        patience: true,
        saved_before_head: true,
    };

    /// All but one, and which.
    pub(super) fn each_without_one() -> Vec<(&'static str, Self)> {
        let switches: [(_, Switch); 14] = [
            ("existence", |guards| &mut guards.existence),
            ("epoch", |guards| &mut guards.epoch),
            ("base", |guards| &mut guards.base),
            ("past", |guards| &mut guards.past),
            ("tombstone", |guards| &mut guards.tombstone),
            ("fresh", |guards| &mut guards.fresh),
            ("settled", |guards| &mut guards.settled),
            ("not_after", |guards| &mut guards.not_after),
            ("repeat", |guards| &mut guards.repeat),
            ("known", |guards| &mut guards.known),
            ("known_first", |guards| &mut guards.known_first),
            ("written_once", |guards| &mut guards.written_once),
            ("patience", |guards| &mut guards.patience),
            ("saved_before_head", |guards| &mut guards.saved_before_head),
        ];
        let without = |(name, switch): (_, Switch)| {
            let mut guards = Self::ALL;
            *switch(&mut guards) = false;
            (name, guards)
        };
        switches.map(without).to_vec()
    }
}
