//! Which records mean one thing: values are brought into normal forms, records that share marks are compared, what agrees is weighed,
//! and what belongs together is put into groups. Reads no records, merges none, and runs on no thread of its own.
//!
//! Records are never compared all with all. What one call costs rises with the records, not with their pairs; where a limit is met,
//! [`Told`] says so.

mod blocks;
mod groups;
mod marks;
mod metric;
mod normal;
mod values;
mod weights;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

pub use blocks::Unit;
pub use groups::Group;
pub use normal::{form, normalised};

use self::blocks::{Blocks, Marked};
use self::marks::marks_of;
use self::values::{BLANK, Values};
use self::weights::{EQUAL, LEVELS, MISSING, Seen, Weights, level};
use crate::limits::COMPARED_COLUMNS_MAX;
use crate::{Column, Value};

/// How the values of a column are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compare {
    /// They are the same.
    Exact,
    /// They are the same but for case, accents, spaces and punctuation; numbers, dates, phone numbers and addresses by what they mean.
    Normalised,
    /// They are alike, by this similarity from 0 to 1.
    Fuzzy(f64),
}

/// One column that is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criterion {
    /// How.
    pub compare: Compare,
    /// Whether its values are names of something, so that no two of them are alike.
    pub opaque: bool,
}

impl Criterion {
    /// For a column.
    pub fn new(column: &Column, compare: Compare) -> Criterion {
        Criterion {
            compare,
            opaque: normal::is_opaque(column),
        }
    }

    fn asked(&self) -> Option<f64> {
        match self.compare {
            Compare::Fuzzy(similarity) => Some(similarity),
            _ => None,
        }
    }
}

/// How alike two values are, from 0 to 1; none if one of them is blank.
pub fn similarity(
    values: (&Value, &Value),
    column: &Column,
    compare: Compare,
    case_sensitive: bool,
) -> Option<f64> {
    let (a, _) = form(values.0, column, compare, case_sensitive)?;
    let (b, _) = form(values.1, column, compare, case_sensitive)?;
    let alike = matches!(compare, Compare::Fuzzy(_)) && !normal::is_opaque(column);
    Some(match a == b {
        true => 1.0,
        false if alike => metric::similarity(&a, &b, 1.0),
        false => 0.0,
    })
}

/// Two records that are taken for one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The number of one, by when it was pushed.
    pub a: u32,
    /// The number of the other one.
    pub b: u32,
    /// How alike they are, from 0 to 1: the mean of their columns, each by what it says.
    pub score: f32,
}

/// What a search could not do in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Records that share marks with so many that they were compared only with those that stand next to them in order.
    pub crowded: u64,
    /// Values so long that they are compared by their beginning (and, for equality, a digest of all of it).
    pub shortened: u64,
    /// Pairs that were compared.
    pub compared: u64,
}

/// Records as they come in.
pub struct Gathering {
    criteria: Vec<Criterion>,
    columns: Vec<Values>,
    rows: u32,
}

impl Gathering {
    /// For these columns.
    pub fn new(criteria: Vec<Criterion>) -> Gathering {
        Gathering {
            columns: criteria.iter().map(|_| Values::new()).collect(),
            criteria,
            rows: 0,
        }
    }

    /// The next record by its normal forms, one for each column.
    pub fn push(&mut self, forms: &[Option<String>]) {
        for (column, form) in self.columns.iter_mut().zip(forms) {
            column.push(form.as_deref());
        }
        self.rows += 1;
    }

    /// How many records came.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// All that is to be known before any two are compared. Ends early, with less than all blocks, when it is not to go on.
    pub fn search(mut self, go_on: &dyn Fn() -> bool) -> Search {
        self.columns.iter_mut().for_each(Values::settle);
        let (rows, same) = self.distinct();
        for column in &mut self.columns {
            column.count_rows(&rows);
        }
        let fuzzy = |wanted: bool| {
            let all = self.criteria.iter().enumerate();
            all.filter(move |(_, criterion)| criterion.asked().is_some() == wanted)
        };
        let mut search = Search {
            fuzzy: fuzzy(true)
                .map(|(at, criterion)| (at, criterion.asked().unwrap_or(1.0)))
                .collect(),
            strict: fuzzy(false).map(|(at, _)| at).collect(),
            criteria: self.criteria.clone(),
            columns: self.columns,
            blocks: Blocks::default(),
            weights: Weights::new(0, rows.len(), std::iter::empty()),
            order: fuzzy(false).chain(fuzzy(true)).map(|(at, _)| at).collect(),
            shares: Vec::new(),
            literal: true,
            rows,
            same,
        };
        if !search.fuzzy.is_empty() {
            search.blocks = search.choose_blocks(go_on);
            search.weigh();
        }
        search
    }

    /// One row of all that have the same values, and the others with it; those without any value are in neither.
    fn distinct(&self) -> (Vec<u32>, Vec<(u32, u32)>) {
        let compare = |a: &u32, b: &u32| -> Ordering {
            let mut by_column = self.columns.iter();
            by_column
                .find_map(
                    |column| match column.rows[*a as usize].cmp(&column.rows[*b as usize]) {
                        Ordering::Equal => None,
                        other => Some(other),
                    },
                )
                .unwrap_or(Ordering::Equal)
        };
        let has_any = |row: &u32| {
            self.columns
                .iter()
                .any(|column| column.rows[*row as usize] != BLANK)
        };
        let mut order: Vec<u32> = (0..self.rows).filter(has_any).collect();
        order.sort_unstable_by(|a, b| compare(a, b).then(a.cmp(b)));
        let (mut rows, mut same) = (Vec::new(), Vec::new());
        for alike in order.chunk_by(|a, b| compare(a, b).is_eq()) {
            rows.push(alike[0]);
            same.extend(alike[1..].iter().map(|row| (alike[0], *row)));
        }
        rows.sort_unstable();
        (rows, same)
    }
}

/// Pairs that two threads may compare at once, from when all is known that is to be known.
pub struct Search {
    criteria: Vec<Criterion>,
    columns: Vec<Values>,
    /// The columns that may be written differently, with the similarity that is asked.
    fuzzy: Vec<(usize, f64)>,
    /// Those that must be the same.
    strict: Vec<usize>,
    rows: Vec<u32>,
    same: Vec<(u32, u32)>,
    blocks: Blocks,
    weights: Weights,
    /// The columns in the order in which they are looked at: the strict ones, then the others.
    order: Vec<usize>,
    /// What each column counts in a score, in that order.
    shares: Vec<f64>,
    /// Whether every column that both have must be as alike as asked, since the columns say too little to be weighed.
    literal: bool,
}

/// Pairs that are drawn to see how any two records are; and those that are compared to learn from.
const ANY_PAIRS: u64 = 200_000;
const LEARNT_PAIRS: u64 = 400_000;
/// Pairs of one value that are drawn to see what follows from it, for each column.
const SHARED_PAIRS: u64 = 20_000;
/// Bits that full agreement must give beyond what is enough, for the columns to be weighed.
const SPARE: f64 = 3.0;
/// Pairs of a unit of work.
const UNIT_PAIRS: u64 = 100_000;
/// What a link may lack for two of one group that are not linked themselves: in bits.
const SLACK_BITS: f64 = 6.0;

impl Search {
    /// The work in pieces, in any order, on any thread.
    pub fn units(&self) -> Vec<Unit> {
        self.blocks.units(UNIT_PAIRS)
    }

    /// Compares the pairs of a piece; tells those that are taken for one thing, perhaps more than once.
    pub fn compare(&self, unit: Unit, links: &mut Vec<Link>) {
        let mut seen = Vec::with_capacity(self.columns.len());
        self.blocks.each(unit, |a, b| {
            if let Some(score) = self.judge(a, b, &mut seen) {
                let (a, b) = (a.min(b), a.max(b));
                links.push(Link { a, b, score });
            }
        });
    }

    /// What could not be done in full; values that were shortened are not counted here.
    pub fn told(&self) -> Told {
        let mut crowded = self.blocks.crowded.clone();
        crowded.sort_unstable();
        crowded.dedup();
        Told {
            crowded: crowded.len() as u64,
            shortened: 0,
            compared: self.blocks.pairs,
        }
    }

    fn number(&self, column: usize, row: u32) -> u32 {
        self.columns[column].rows[row as usize]
    }

    fn is_gated(&self, a: u32, b: u32) -> bool {
        let same = |column: &usize| self.number(*column, a) == self.number(*column, b);
        !self.strict.iter().all(same)
    }

    /// How two rows are alike, column by column; the similarities too, where somebody asks.
    fn see(&self, a: u32, b: u32, seen: &mut Vec<Seen>, mut similarities: Option<&mut Vec<f64>>) {
        seen.clear();
        let strict = self.strict.iter().map(|column| (*column, None));
        let fuzzy = self.fuzzy.iter().map(|(column, asked)| (*column, Some(*asked)));
        for (at, asked) in strict.chain(fuzzy) {
            let column = &self.columns[at];
            let (x, y) = (column.rows[a as usize], column.rows[b as usize]);
            let (similarity, level) = match asked {
                _ if x == BLANK || y == BLANK => (-1.0, MISSING),
                _ if x == y => (1.0, EQUAL),
                Some(asked) if !self.criteria[at].opaque => {
                    let similarity = metric::similarity(column.text(x), column.text(y), asked).min(0.999);
                    (similarity, level(similarity, asked))
                }
                _ => (0.0, 0),
            };
            seen.push(Seen {
                level: level as u8,
                count: column.counts[x as usize].max(column.counts[y as usize]),
            });
            if let Some(similarities) = similarities.as_deref_mut() {
                similarities.push(similarity);
            }
        }
    }

    /// The score of two rows that are taken for one thing.
    fn judge(&self, a: u32, b: u32, seen: &mut Vec<Seen>) -> Option<f32> {
        if self.is_gated(a, b) {
            return None;
        }
        if !self.is_worth_it(a, b) {
            return None;
        }
        self.see(a, b, seen, None);
        let linked = match self.literal {
            true => self.is_alike(seen, 0),
            false => self.is_one_thing(seen, 0.0),
        };
        linked.then(|| self.score(a, b, seen))
    }

    /// Whether a pair says enough, or lacks less than the slack.
    fn is_one_thing(&self, seen: &[Seen], slack: f64) -> bool {
        let enough = self.weights.enough - slack;
        self.weights.sum_apart(seen) >= enough && self.weights.sum(seen) >= enough
    }

    /// Whether a pair can say enough: looks at one text after the other, and ends where what is left cannot make it enough.
    fn is_worth_it(&self, a: u32, b: u32) -> bool {
        if self.literal {
            return true;
        }
        let mut most = 0.0;
        let mut unequal = [(0.0, 0, 0.0); COMPARED_COLUMNS_MAX];
        let mut left = 0;
        for (at, column) in self.order.iter().enumerate() {
            let counts = &self.columns[*column].counts;
            let (x, y) = (self.number(*column, a), self.number(*column, b));
            if x == BLANK || y == BLANK {
                continue;
            }
            let count = counts[x as usize].max(counts[y as usize]);
            if x == y {
                let level = EQUAL as u8;
                most += self.weights.bits(at, Seen { level, count });
                continue;
            }
            let bits = self.weights.most_unequal(at, count);
            most += bits;
            unequal[left] = (bits, at, f64::from(count));
            left += 1;
        }
        for (bits, at, count) in &unequal[..left] {
            if most < self.weights.enough {
                return false;
            }
            let column = &self.columns[self.order[*at]];
            let texts = (
                column.text(column.rows[a as usize]),
                column.text(column.rows[b as usize]),
            );
            let level = self.level_of(*at, texts);
            most += self.weights.bits(
                *at,
                Seen {
                    level: level as u8,
                    count: *count as u32,
                },
            ) - bits;
        }
        most >= self.weights.enough
    }

    /// The level of two different texts of a column.
    fn level_of(&self, at: usize, (x, y): (&str, &str)) -> usize {
        let criterion = &self.criteria[self.order[at]];
        match criterion.asked() {
            Some(asked) if !criterion.opaque => level(metric::similarity(x, y, asked).min(0.999), asked),
            _ => 0,
        }
    }

    /// Whether all columns that both have are as alike as asked, and both have half of them.
    fn is_alike(&self, seen: &[Seen], slack: u8) -> bool {
        let fuzzy = &seen[self.strict.len()..];
        let had = fuzzy.iter().filter(|seen| (seen.level as usize) < LEVELS);
        let far = had.clone().any(|seen| seen.level + slack < 2);
        !far && had.count() * 2 >= fuzzy.len()
    }

    fn score(&self, a: u32, b: u32, seen: &mut Vec<Seen>) -> f32 {
        let mut similarities = Vec::with_capacity(self.columns.len());
        self.see(a, b, seen, Some(&mut similarities));
        let counted = similarities
            .iter()
            .zip(&self.shares)
            .filter(|(similarity, _)| **similarity >= 0.0);
        let (sum, shares) = counted.fold((0.0, 0.0), |(sum, shares), (similarity, share)| {
            (sum + similarity * share, shares + share)
        });
        if shares > 0.0 { (sum / shares) as f32 } else { 1.0 }
    }

    /// Whether two rows may be in one group, though they need not be linked.
    fn may_join(&self, a: u32, b: u32) -> bool {
        let mut seen = Vec::with_capacity(self.columns.len());
        if self.is_gated(a, b) {
            return false;
        }
        self.see(a, b, &mut seen, None);
        match self.literal {
            true => self.is_alike(&seen, 1),
            false => self.is_one_thing(&seen, SLACK_BITS),
        }
    }

    fn choose_blocks(&self, go_on: &dyn Fn() -> bool) -> Blocks {
        let gate = |row: u32| {
            let numbers = self
                .strict
                .iter()
                .map(|column| u64::from(self.number(*column, row)));
            numbers.fold(0x51ab_0e11_u64, |key, number| {
                (key ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
            })
        };
        let order = |rows: &mut [u32], column: usize| {
            // By the columns behind it, then by it.
            let turn = |at: usize| self.fuzzy[(column + 1 + at) % self.fuzzy.len()].0;
            let text = |at: usize, row: u32| self.columns[turn(at)].text(self.number(turn(at), row));
            rows.sort_by(|a, b| {
                let mut by_column = (0..self.fuzzy.len()).map(|at| text(at, *a).cmp(text(at, *b)));
                by_column.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
        };
        let columns = self.fuzzy.iter().map(|(column, _)| {
            let column = &self.columns[*column];
            (&*column.rows, marks_of(column))
        });
        let marked = Marked {
            rows: &self.rows,
            columns: columns.collect(),
            gate: &gate,
            order: &order,
        };
        Blocks::choose(&marked, go_on)
    }

    /// Learns what the columns say.
    fn weigh(&mut self) {
        let columns = self.columns.len();
        let rows = self.rows.len() as u64;
        let mut any = Vec::new();
        let draws = if rows < 2 {
            0
        } else {
            ANY_PAIRS.min(rows * (rows - 1) / 2)
        };
        for draw in 0..draws {
            let (a, b) = drawn(draw, rows);
            let mut seen = Vec::with_capacity(columns);
            self.see(self.rows[a as usize], self.rows[b as usize], &mut seen, None);
            any.push(seen);
        }
        self.weights = Weights::new(columns, self.rows.len(), any.into_iter());
        let each = (self.blocks.pairs * 2 / LEARNT_PAIRS).max(1);
        let is_probe = |row: u32| (u64::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % each == 0;
        let mut probed: Vec<(u32, u32)> = Vec::new();
        for unit in self.blocks.units(u64::MAX) {
            self.blocks.each(unit, |a, b| {
                if (is_probe(a) || is_probe(b)) && !self.is_gated(a, b) {
                    probed.push((a.min(b), a.max(b)));
                }
            });
        }
        probed.sort_unstable();
        probed.dedup();
        let pairs: Vec<Vec<Seen>> = probed
            .into_iter()
            .map(|(a, b)| {
                let mut seen = Vec::with_capacity(columns);
                self.see(a, b, &mut seen, None);
                seen
            })
            .collect();
        let part = 1.0 - (1.0 - 1.0 / each as f64).powi(2);
        // Of two columns, nothing tells whether one follows from the other or both are of one thing.
        for column in (0..columns).filter(|_| columns > 2) {
            let shared = self.shared(self.order[column]);
            self.weights.learn_after(column, &shared);
        }
        self.weights.learn(&pairs, 1.0 / part);
        self.settle_shares();
    }

    /// Pairs that have the same value in a column, how they are alike: a row that is drawn, with another one that has its value.
    fn shared(&self, column: usize) -> Vec<Vec<Seen>> {
        let mut order: Vec<(u32, u32)> = self
            .rows
            .iter()
            .map(|row| (self.number(column, *row), *row))
            .collect();
        order.retain(|(number, _)| *number != BLANK && self.columns[column].counts[*number as usize] > 1);
        order.sort_unstable();
        let mut pairs = Vec::new();
        for draw in 0..SHARED_PAIRS.min(order.len() as u64) {
            let (at, other) = drawn(draw, order.len() as u64);
            let number = order[at as usize].0;
            let from = order.partition_point(|(before, _)| *before < number) as u64;
            let many = u64::from(self.columns[column].counts[number as usize]);
            let partner = from + (at - from + 1 + other % (many - 1)) % many;
            let mut seen = Vec::with_capacity(self.columns.len());
            self.see(order[at as usize].1, order[partner as usize].1, &mut seen, None);
            pairs.push(seen);
        }
        pairs
    }

    /// What full agreement says, column by column, and whether that is enough to weigh the columns at all.
    fn settle_shares(&mut self) {
        let sample = self.rows.iter().step_by((self.rows.len() / 1_000).max(1));
        let (mut sums, mut seen) = (Vec::new(), Vec::new());
        self.shares = vec![0.0; self.columns.len()];
        for row in sample {
            self.see(*row, *row, &mut seen, None);
            for (column, seen) in seen.iter().enumerate() {
                self.shares[column] += self.weights.bits(column, *seen).max(0.0);
            }
            sums.push(self.weights.sum(&seen));
        }
        let most = self.shares.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        self.shares
            .iter_mut()
            .for_each(|share| *share = share.max(most * 0.05));
        sums.sort_unstable_by(f64::total_cmp);
        let typical = sums.get(sums.len() / 2).copied().unwrap_or(0.0);
        self.literal = self.fuzzy.len() == 1 || typical < self.weights.enough + SPARE;
    }
}

/// The pair of a draw: no two of one draw are one row, and what is drawn depends on nothing else.
fn drawn(draw: u64, rows: u64) -> (u64, u64) {
    let mixed = |seed: u64| {
        let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    };
    let a = mixed(draw * 2 + 1) % rows;
    let b = (a + 1 + mixed(draw * 2 + 2) % (rows - 1)) % rows;
    (a, b)
}
