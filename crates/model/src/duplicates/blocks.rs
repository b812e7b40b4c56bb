//! Which records are compared at all: those that share marks. Every record stands in several blocks, so that a mistake in one column
//! hides no pair. Judges no pair.

use super::marks::{HEAD, LONG_HEAD, LONG_TAIL, MARKS, SOUND, TAIL};
use crate::limits::{BLOCK_ROWS_MAX, BLOCK_WINDOW, COMPARISONS_MIN, COMPARISONS_PER_ROW, PASSES_MAX};

/// What a pass may cost of all comparisons.
const SHARE: u64 = 5;
/// How many passes are tried for each that may be taken.
const TRIES: usize = 2;
/// Rows that are not worth any choice: all of them are one block.
const TINY: usize = 256;
/// How often a guess of the cost may be wrong.
const GUESS: u64 = 4;
/// Which part of all rows may be in blocks that are too large.
const CROWDED_PART: usize = 5;
/// The marks in the order in which they are tried, and how much later two of the same column are.
const RANKS: [usize; MARKS] = [HEAD, SOUND, TAIL, LONG_HEAD, LONG_TAIL];
const SAME_RANK: usize = 3;

/// A mark of a column: `column * MARKS + mark`.
type Mark = u16;

/// Rows that share some marks, block after block.
pub(super) struct Pass {
    rows: Vec<u32>,
    ends: Vec<u32>,
}

/// A piece of a pass.
#[derive(Clone, Copy)]
pub struct Unit {
    pass: u32,
    from: u32,
    to: u32,
}

/// What the rows are put into blocks by.
pub(super) struct Marked<'a> {
    /// The rows that there are.
    pub(super) rows: &'a [u32],
    /// Of each column that may be written differently: the number of each row's value and the marks of each value.
    pub(super) columns: Vec<(&'a [u32], Vec<u32>)>,
    /// What must be the same of each row; 0 where a row has nothing to share.
    pub(super) gate: &'a (dyn Fn(u32) -> u64 + Sync),
    /// Puts rows of a block that is too large into an order in which neighbours are alike.
    pub(super) order: &'a (dyn Fn(&mut [u32], usize) + Sync),
}

/// All blocks.
#[derive(Default)]
pub(super) struct Blocks {
    passes: Vec<Pass>,
    /// Rows in blocks that were too large to compare all with all.
    pub(super) crowded: Vec<u32>,
    /// How many pairs they have.
    pub(super) pairs: u64,
}

/// Some marks, and how many of all pairs share them.
type Proposal = (Vec<Mark>, f64);

impl Blocks {
    /// Chooses by what the rows are put into blocks, coarse before fine, as far as the number of comparisons allows.
    pub(super) fn choose(marked: &Marked<'_>, go_on: &dyn Fn() -> bool) -> Blocks {
        let mut choice = Choice {
            marked,
            blocks: Blocks::default(),
            most: COMPARISONS_MIN.max(COMPARISONS_PER_ROW * marked.rows.len() as u64),
            taken: Vec::new(),
            tries: 0,
            finest: None,
        };
        if marked.rows.len() <= TINY || marked.columns.is_empty() {
            choice.blocks.take(marked.pass(&[]));
            return choice.blocks;
        }
        let columns = 0..marked.columns.len();
        let ranked = RANKS
            .iter()
            .flat_map(|mark| columns.clone().map(move |column| column * MARKS + mark));
        let singles: Vec<Proposal> = ranked.map(|mark| (vec![mark as Mark], 0.0)).collect();
        let coarse = choice.consider(singles, go_on);
        let mut coarser = coarse.clone();
        for _ in 0..2 {
            let finer = refined(&coarser, &coarse);
            coarser = choice.consider(finer, go_on);
        }
        if let (true, Some((marks, _))) = (choice.taken.is_empty(), choice.finest.take()) {
            choice.blocks.take(marked.pass(&marks));
        }
        choice.blocks
    }

    fn take(&mut self, made: Made) {
        self.pairs += made.pass.pairs();
        self.crowded.extend(made.crowded);
        self.passes.push(made.pass);
    }

    /// The pieces of all passes, each of about as many pairs as a thread compares in a moment.
    pub(super) fn units(&self, pairs: u64) -> Vec<Unit> {
        let mut units = Vec::new();
        for (at, pass) in self.passes.iter().enumerate() {
            let (mut from, mut held) = (0, 0);
            for block in 0..pass.ends.len() {
                held += pairs_of(pass.block(block).len());
                if held >= pairs || block + 1 == pass.ends.len() {
                    units.push(Unit {
                        pass: at as u32,
                        from,
                        to: block as u32 + 1,
                    });
                    (from, held) = (block as u32 + 1, 0);
                }
            }
        }
        units
    }

    /// Tells every pair of a piece.
    pub(super) fn each(&self, unit: Unit, mut tell: impl FnMut(u32, u32)) {
        let pass = &self.passes[unit.pass as usize];
        for block in unit.from..unit.to {
            let rows = pass.block(block as usize);
            let reach = reach(rows.len());
            for (at, a) in rows.iter().enumerate() {
                for b in rows[at + 1..].iter().take(reach) {
                    tell(*a, *b);
                }
            }
        }
    }
}

/// The choice as it is made.
struct Choice<'a, 'b> {
    marked: &'a Marked<'b>,
    blocks: Blocks,
    most: u64,
    taken: Vec<Vec<Mark>>,
    tries: usize,
    finest: Option<(Vec<Mark>, u64)>,
}

impl Choice<'_, '_> {
    /// Takes what is fine enough; answers what is too coarse.
    fn consider(&mut self, proposals: Vec<Proposal>, go_on: &dyn Fn() -> bool) -> Vec<Proposal> {
        let rows = self.marked.rows.len() as f64;
        let single = |marks: &[Mark]| marks.len() == 1;
        let mut coarse = Vec::new();
        for (marks, share) in proposals {
            let spent = self.blocks.pairs >= self.most || self.taken.len() >= PASSES_MAX;
            let tired = self.tries >= PASSES_MAX * TRIES && !single(&marks);
            if !go_on() || spent || tired {
                break;
            }
            if self.taken.iter().any(|taken| covers(taken, &marks)) {
                continue;
            }
            let most = self.most / SHARE;
            if share * rows * rows / 2.0 > (most * GUESS) as f64 {
                coarse.push((marks, share));
                continue;
            }
            self.tries += 1;
            let made = self.marked.pass(&marks);
            if made.pass.ends.is_empty() {
                continue;
            }
            let spoilt = made.crowded.len() * CROWDED_PART > self.marked.rows.len();
            if spoilt || made.all_pairs > most {
                let finer = self
                    .finest
                    .as_ref()
                    .is_none_or(|(_, pairs)| made.all_pairs <= *pairs);
                if finer {
                    self.finest = Some((marks.clone(), made.all_pairs));
                }
                coarse.push((marks, made.all_pairs as f64 * 2.0 / (rows * rows)));
                continue;
            }
            self.taken.push(marks);
            self.blocks.take(made);
        }
        coarse
    }
}

/// Blocks by some marks, as they were made.
struct Made {
    pass: Pass,
    crowded: Vec<u32>,
    /// The pairs that there would be if no block were too large.
    all_pairs: u64,
}

impl Marked<'_> {
    /// Puts all rows that have these marks into blocks.
    fn pass(&self, marks: &[Mark]) -> Made {
        let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            if let Some(key) = self.key(*row, marks) {
                keyed.push((key, *row));
            }
        }
        keyed.sort_unstable();
        let mut pass = Pass {
            rows: Vec::new(),
            ends: Vec::new(),
        };
        let (mut crowded, mut all_pairs) = (Vec::new(), 0);
        for block in keyed.chunk_by(|a, b| a.0 == b.0).filter(|block| block.len() > 1) {
            let first = pass.rows.len();
            pass.rows.extend(block.iter().map(|(_, row)| *row));
            let rows = &mut pass.rows[first..];
            all_pairs += (rows.len() * (rows.len() - 1) / 2) as u64;
            if rows.len() > BLOCK_ROWS_MAX {
                crowded.extend_from_slice(rows);
                let column = marks.first().map_or(0, |mark| usize::from(*mark) / MARKS);
                (self.order)(rows, column);
            }
            pass.ends.push(pass.rows.len() as u32);
        }
        pass.rows.shrink_to_fit();
        Made {
            pass,
            crowded,
            all_pairs,
        }
    }

    fn key(&self, row: u32, marks: &[Mark]) -> Option<u64> {
        let mut key = (self.gate)(row);
        for mark in marks {
            let (column, mark) = (usize::from(*mark) / MARKS, usize::from(*mark) % MARKS);
            let (rows, codes) = &self.columns[column];
            let code = codes[rows[row as usize] as usize * MARKS + mark];
            if code == 0 {
                return None;
            }
            // SplitMix64's step, so that marks in another order are another key.
            key = (key ^ u64::from(code)).wrapping_add(0x9e37_79b9_7f4a_7c15);
            key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            key ^= key >> 27;
        }
        Some(key)
    }
}

impl Pass {
    fn block(&self, at: usize) -> &[u32] {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rows[from as usize..self.ends[at] as usize]
    }

    fn pairs(&self) -> u64 {
        (0..self.ends.len())
            .map(|at| pairs_of(self.block(at).len()))
            .sum()
    }
}

/// With how many of those behind it a row of a block is compared.
fn reach(rows: usize) -> usize {
    if rows > BLOCK_ROWS_MAX { BLOCK_WINDOW } else { rows }
}

fn pairs_of(rows: usize) -> u64 {
    let pairs = match rows > BLOCK_ROWS_MAX {
        true => rows * BLOCK_WINDOW,
        false => rows * rows.saturating_sub(1) / 2,
    };
    pairs as u64
}

/// What is too coarse, made finer by one mark more: other columns first, then by the rank of the marks.
fn refined(coarse: &[Proposal], singles: &[Proposal]) -> Vec<Proposal> {
    let place = |mark: Mark| {
        RANKS
            .iter()
            .position(|rank| *rank == usize::from(mark) % MARKS)
            .unwrap_or(MARKS)
    };
    let mut finer: Vec<(usize, Proposal)> = Vec::new();
    for (marks, share) in coarse {
        for (single, part) in singles {
            let last = single[0];
            if marks
                .iter()
                .any(|mark| *mark >= last || covers(&[*mark], &[last]) || covers(&[last], &[*mark]))
            {
                continue;
            }
            let mut marks = marks.clone();
            let same = marks
                .iter()
                .any(|mark| usize::from(*mark) / MARKS == usize::from(last) / MARKS);
            marks.push(last);
            let rank: usize = marks.iter().map(|mark| place(*mark)).sum();
            // Marks of one column say much of one another.
            let share = if same {
                share.min(*part) / 8.0
            } else {
                share * part
            };
            finer.push((rank + if same { SAME_RANK } else { 0 }, (marks, share)));
        }
    }
    finer.sort_by_key(|(rank, _)| *rank);
    finer.into_iter().map(|(_, proposal)| proposal).collect()
}

/// Whether rows that share the finer marks share the coarser ones.
fn covers(coarser: &[Mark], finer: &[Mark]) -> bool {
    let wider = |mark: Mark| match usize::from(mark) % MARKS {
        LONG_HEAD => Some(mark - (LONG_HEAD - HEAD) as Mark),
        LONG_TAIL => Some(mark - (LONG_TAIL - TAIL) as Mark),
        _ => None,
    };
    coarser.iter().all(|mark| {
        finer
            .iter()
            .any(|other| other == mark || wider(*other) == Some(*mark))
    })
}
