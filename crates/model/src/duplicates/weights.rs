//! How much it says that two records agree in a column, in bits, by Fellegi and Sunter (1969): how much more often records of one
//! thing do so than any two records. Both are learnt from the records themselves, the former by expectation and maximisation. Chooses
//! no pairs.

/// How alike two values are: far, not quite, alike, very much so, equal.
pub(super) const LEVELS: usize = 5;
pub(super) const EQUAL: usize = 4;
/// The level of a value that one of the two does not have.
pub(super) const MISSING: usize = LEVELS;

/// How far below the asked similarity values still are no evidence against.
const NEAR: f64 = 0.15;
/// How often records of one thing are how alike, before anything is learnt; and how many pairs that is worth.
const BELIEVED: [f64; LEVELS] = [0.06, 0.03, 0.05, 0.11, 0.75];
const BELIEVED_PAIRS: f64 = 30.0;
/// How many records have a value beside those that are looked at, when none is known to.
const UNSEEN: f64 = 0.5;
/// Fewer pairs than that do not tell how a column follows from another one.
const AFTER_PAIRS_MIN: f64 = 100.0;
/// How many records have a value, at least, of which most pairs are two things: only of such ones do equal values in another column
/// tell that it follows.
const FREQUENT: u32 = 8;
/// Rounds of learning.
const ROUNDS: usize = 8;
/// The fewest and the most pairs of one thing that are believed, for each record.
const DUPLICATES_MIN: f64 = 0.01;
const DUPLICATES_MAX: f64 = 1.0;
/// How often records of one thing are believed not to agree in a column, at most.
const UNLIKE_MAX: f64 = 0.3;

/// What a similarity is called.
pub(super) fn level(similarity: f64, asked: f64) -> usize {
    match similarity {
        s if s >= 1.0 => EQUAL,
        s if s >= asked + (1.0 - asked) / 2.0 => 3,
        s if s >= asked => 2,
        s if s >= asked - NEAR => 1,
        _ => 0,
    }
}

/// One column of a pair: how alike, and in how many records the more frequent value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) level: u8,
    pub(super) count: u32,
}

/// What is learnt of the columns.
#[derive(Debug)]
pub(super) struct Weights {
    /// How often records of one thing are how alike.
    same: Vec<[f64; LEVELS]>,
    /// How often any two are.
    any: Vec<[f64; LEVELS]>,
    /// How often any two are how alike that have the same value in another column: `after[column][other]`; nothing where too few
    /// were seen.
    after: Vec<Vec<Option<[f64; LEVELS]>>>,
    rows: f64,
    /// The bits beyond which two records are one thing.
    pub(super) enough: f64,
}

impl Weights {
    /// From pairs that are any, column by column.
    pub(super) fn new(columns: usize, rows: usize, any_pairs: impl Iterator<Item = Vec<Seen>>) -> Weights {
        let mut any = vec![[0.0; LEVELS]; columns];
        for pair in any_pairs {
            for (column, seen) in pair
                .iter()
                .enumerate()
                .filter(|(_, seen)| (seen.level as usize) < LEVELS)
            {
                any[column][seen.level as usize] += 1.0;
            }
        }
        for levels in &mut any {
            let all: f64 = levels.iter().sum::<f64>() + 1.0;
            levels.iter_mut().for_each(|level| *level = (*level + 0.2) / all);
        }
        let rows = rows.max(2) as f64;
        Weights {
            same: vec![BELIEVED; columns],
            any,
            after: vec![vec![None; columns]; columns],
            rows,
            enough: rows.log2(),
        }
    }

    /// What a column of a pair says, in bits: more than nothing for one thing, less for two.
    pub(super) fn bits(&self, column: usize, seen: Seen) -> f64 {
        let level = seen.level as usize;
        if level >= LEVELS {
            return 0.0;
        }
        let same = self.same[column][level];
        // As many have the value as are not these two.
        let others = f64::from(seen.count.saturating_sub(2)) + UNSEEN;
        let by_value = (same / (others / self.rows).min(1.0)).log2();
        match level {
            EQUAL => by_value,
            2 | 3 => (same / self.any[column][level]).log2().min(by_value),
            1 => (same / self.any[column][level]).log2().min(0.0),
            _ => (same / self.any[column][level]).log2().min(0.0),
        }
    }

    /// The most that a column can say whose values are not equal, the more frequent of which is in so many records.
    pub(super) fn most_unequal(&self, column: usize, count: u32) -> f64 {
        let at = |level: u8| self.bits(column, Seen { level, count });
        at(2).max(at(3)).max(0.0)
    }

    /// What a whole pair says if no column follows from another one; never less than [`Weights::sum`].
    pub(super) fn sum_apart(&self, pair: &[Seen]) -> f64 {
        pair.iter()
            .enumerate()
            .map(|(column, seen)| self.bits(column, *seen))
            .sum()
    }

    /// What a whole pair says. Where columns agree, each adds only what it says beyond those before it: a town says little where the
    /// postcode is the same.
    pub(super) fn sum(&self, pair: &[Seen]) -> f64 {
        let mut sum = 0.0;
        let mut agreeing: Vec<(bool, f64, usize)> = Vec::with_capacity(pair.len());
        for (column, seen) in pair.iter().enumerate() {
            let bits = self.bits(column, *seen);
            match (seen.level as usize) < LEVELS && seen.level >= 2 && bits > 0.0 {
                true => agreeing.push((seen.level as usize == EQUAL, bits, column)),
                false => sum += bits,
            }
        }
        agreeing.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        for (at, (_, bits, column)) in agreeing.iter().enumerate() {
            let level = pair[*column].level as usize;
            let least = agreeing[..at]
                .iter()
                .filter_map(|(_, _, before)| self.after[*column][*before]);
            let known = least.filter(|any| level != EQUAL || any[EQUAL] > self.any[*column][EQUAL]);
            let least = known.map(|any| (self.same[*column][level] / any[level]).log2());
            sum += least.fold(*bits, f64::min).max(0.0);
        }
        sum
    }

    /// Learns how columns follow from a column, from pairs that have the same value there. What the pair says without the column in
    /// question tells whether it is one thing; such a pair tells nothing.
    pub(super) fn learn_after(&mut self, column: usize, pairs: &[Vec<Seen>]) {
        for other in (0..self.same.len()).filter(|other| *other != column) {
            let (mut told, mut all) = ([0.0; LEVELS], 0.0);
            let (mut equal, mut frequent) = (0.0, 0.0);
            for pair in pairs.iter().filter(|pair| (pair[other].level as usize) < LEVELS) {
                let rest = self.sum_apart(pair) - self.bits(other, pair[other]);
                let two = 1.0 - 1.0 / (1.0 + (self.enough - rest).exp2());
                let level = pair[other].level as usize;
                told[level] += two;
                all += two;
                if pair[column].count >= FREQUENT {
                    frequent += two;
                    equal += if level == EQUAL { two } else { 0.0 };
                }
            }
            let (any, same) = (&self.any[other], &self.same[other]);
            // As many of those that are alike as equal ones let expect are of one thing nevertheless.
            let one = |level: usize| told[EQUAL] * same[level] / same[EQUAL];
            let after = std::array::from_fn(|level| match level {
                EQUAL if frequent < AFTER_PAIRS_MIN => any[EQUAL],
                EQUAL => (equal / f64::max(frequent, 1.0)).max(any[EQUAL]),
                _ => ((told[level] - one(level)) / f64::max(all, 1.0)).max(any[level]),
            });
            self.after[other][column] = (all >= AFTER_PAIRS_MIN).then_some(after);
        }
    }

    /// Learns from pairs that share marks; each stands for so many.
    pub(super) fn learn(&mut self, pairs: &[Vec<Seen>], stands_for: f64) {
        let all_pairs = self.rows * (self.rows - 1.0) / 2.0;
        for _ in 0..ROUNDS {
            let mut told: Vec<[f64; LEVELS]> =
                vec![BELIEVED.map(|part| part * BELIEVED_PAIRS); self.same.len()];
            let mut found = 0.0;
            for pair in pairs {
                let sure = 1.0 / (1.0 + (self.enough - self.sum(pair)).exp2());
                if sure < 0.01 {
                    continue;
                }
                found += sure;
                for (column, seen) in pair.iter().enumerate() {
                    if (seen.level as usize) < LEVELS {
                        told[column][seen.level as usize] += sure;
                    }
                }
            }
            for (same, told) in self.same.iter_mut().zip(&told) {
                let all: f64 = told.iter().sum();
                *same = told.map(|part| (part / all).max(0.001));
                // Otherwise whatever many records share, as a name, would become what a thing is.
                let off = (same[0] + same[1]).max(UNLIKE_MAX);
                same[..2].iter_mut().for_each(|part| *part *= UNLIKE_MAX / off);
            }
            let (least, most) = (self.rows * DUPLICATES_MIN, self.rows * DUPLICATES_MAX);
            let expected = (found * stands_for).clamp(least, most);
            let part = (expected / all_pairs).clamp(1e-15, 0.5);
            self.enough = ((1.0 - part) / part).log2();
        }
    }
}
