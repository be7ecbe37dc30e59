//! Chance that can be repeated.

/// The generator SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of one of several players.
    pub(crate) fn of(player: usize, seed: usize) -> Self {
        let mut dice = Self(seed as u64);
        // Neighbouring seeds have to part at once.
        let seed = dice.next() ^ player as u64;
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
