//! Chance that is the same every time: SplitMix64 (Steele, Lea, Flood 2014). Good enough for examples, never for secrets.

/// A sequence of numbers.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = (high - low + 1).max(1) as u64;
        low + (self.next() % span) as i64
    }

    /// Smaller numbers more often.
    pub(super) fn rather_small(&mut self, low: i64, high: i64) -> i64 {
        let first = self.between(low, high);
        first.min(self.between(low, high))
    }

    /// One of these.
    pub(super) fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.between(0, all.len() as i64 - 1) as usize]
    }

    /// One item of a list.
    pub(super) fn item<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.between(0, all.len() as i64 - 1) as usize]
    }

    /// Whether something that happens so many times in a hundred happens.
    pub(super) fn percent(&mut self, chance: i64) -> bool {
        self.between(1, 100) <= chance
    }

    /// Some of these, in their order, each as often as `percent` says.
    pub(super) fn some<'a>(&mut self, all: &[&'a str], percent: i64) -> Vec<&'a str> {
        all.iter().copied().filter(|_| self.percent(percent)).collect()
    }
}
