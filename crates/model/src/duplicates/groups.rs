//! Which linked rows are one group. A row that is like one of a group but like no other of it does not join: a chain of small
//! differences leads from anything to anything.

use std::collections::{HashMap, HashSet};

use super::{Link, Search};

/// Of how many rows of each group is looked at when two become one.
const LOOKED_AT: usize = 6;

/// Rows that mean one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Their numbers, rising.
    pub rows: Vec<u32>,
    /// The weakest of the links that hold it together, from 0 to 1.
    pub score: f32,
    /// These links, one fewer than rows.
    pub links: Vec<Link>,
}

/// Groups as they grow.
struct Growing {
    of: HashMap<u32, usize>,
    all: Vec<(Vec<u32>, Vec<Link>)>,
}

impl Growing {
    fn group(&mut self, row: u32) -> usize {
        let all = &mut self.all;
        *self.of.entry(row).or_insert_with(|| {
            all.push((vec![row], Vec::new()));
            all.len() - 1
        })
    }

    fn join(&mut self, (a, b): (usize, usize), link: Link) {
        let (large, small) = if self.all[a].0.len() < self.all[b].0.len() {
            (b, a)
        } else {
            (a, b)
        };
        let (rows, links) = std::mem::take(&mut self.all[small]);
        for row in &rows {
            self.of.insert(*row, large);
        }
        let into = &mut self.all[large];
        into.0.extend(rows);
        into.1.extend(links);
        into.1.push(link);
    }
}

impl Search {
    /// The groups of what was linked, largest score first, then the larger, then by the first row. `apart` are pairs that somebody
    /// said are two things: no group has both.
    pub fn groups(&self, mut links: Vec<Link>, apart: &[(u32, u32)]) -> Vec<Group> {
        let mut enemies: HashMap<u32, HashSet<u32>> = HashMap::new();
        for (a, b) in apart {
            enemies.entry(*a).or_default().insert(*b);
            enemies.entry(*b).or_default().insert(*a);
        }
        let equal = self.same.iter().map(|(a, b)| Link {
            a: *a,
            b: *b,
            score: 1.0,
        });
        links.sort_unstable_by_key(|link| (link.a, link.b));
        links.dedup_by_key(|link| (link.a, link.b));
        links.sort_by(|x, y| y.score.total_cmp(&x.score).then((x.a, x.b).cmp(&(y.a, y.b))));
        let mut growing = Growing {
            of: HashMap::new(),
            all: Vec::new(),
        };
        for (link, is_equal) in equal
            .map(|link| (link, true))
            .chain(links.into_iter().map(|link| (link, false)))
        {
            let (a, b) = (growing.group(link.a), growing.group(link.b));
            if a == b {
                continue;
            }
            let (left, right) = (&growing.all[a].0, &growing.all[b].0);
            if are_apart(&enemies, left, right) || !(is_equal || self.belong(left, right)) {
                continue;
            }
            growing.join((a, b), link);
        }
        let mut groups: Vec<Group> = growing
            .all
            .into_iter()
            .filter(|(rows, _)| rows.len() > 1)
            .map(|(mut rows, links)| {
                rows.sort_unstable();
                let score = links.iter().map(|link| link.score).fold(1.0, f32::min);
                Group { rows, score, links }
            })
            .collect();
        groups.sort_by(|x, y| {
            let larger = y.rows.len().cmp(&x.rows.len());
            y.score
                .total_cmp(&x.score)
                .then(larger)
                .then(x.rows[0].cmp(&y.rows[0]))
        });
        groups
    }

    /// Whether at least half of the pairs between two groups could be one thing.
    fn belong(&self, left: &[u32], right: &[u32]) -> bool {
        if left.len() == 1 && right.len() == 1 {
            return true;
        }
        let sample = |rows: &[u32]| -> Vec<u32> {
            let step = rows.len().div_ceil(LOOKED_AT);
            rows.iter().step_by(step).copied().collect()
        };
        let (left, right) = (sample(left), sample(right));
        let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
        let joined = pairs.filter(|(a, b)| self.may_join(*a, *b)).count();
        joined * 2 >= left.len() * right.len()
    }
}

fn are_apart(enemies: &HashMap<u32, HashSet<u32>>, left: &[u32], right: &[u32]) -> bool {
    if enemies.is_empty() {
        return false;
    }
    let (few, many) = if left.len() < right.len() {
        (left, right)
    } else {
        (right, left)
    };
    let of_few = few.iter().filter_map(|row| enemies.get(row));
    of_few
        .into_iter()
        .any(|apart| many.iter().any(|row| apart.contains(row)))
}
