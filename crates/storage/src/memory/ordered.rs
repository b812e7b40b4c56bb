//! An ordered map in two levels of sorted arrays. Knows positions as well as keys; holds no records and no rules.
//!
//! Chosen over the standard B-tree for what pages and counts need: the entry at a position and the number of entries
//! in a range cost a sum over the chunks, and a walk reads memory in order.

use std::cmp::Ordering;

/// Most entries in one chunk: a bound on what one insert moves.
const CHUNK: usize = 256;

/// A sorted map.
#[derive(Debug)]
pub(crate) struct OrderedMap<K, V> {
    /// `separators[i]` is above every key of chunk `i` and at most the least of chunk `i + 1`.
    separators: Vec<K>,
    /// Never empty; no chunk is empty unless it is the only one.
    chunks: Vec<Vec<(K, V)>>,
    len: usize,
}

/// A place in a map, good until the map changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    chunk: usize,
    index: usize,
}

impl<K, V> Default for OrderedMap<K, V> {
    fn default() -> Self {
        OrderedMap {
            separators: Vec::new(),
            chunks: vec![Vec::new()],
            len: 0,
        }
    }
}

impl<K: Clone, V> OrderedMap<K, V> {
    /// How many entries.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where a key is, or where it would go. `probe` compares a key of the map with the one sought.
    pub(crate) fn find(&self, probe: impl Fn(&K) -> Ordering) -> Result<Place, Place> {
        let chunk = self
            .separators
            .partition_point(|separator| probe(separator).is_le());
        match self.chunks[chunk].binary_search_by(|(key, _)| probe(key)) {
            Ok(index) => Ok(Place { chunk, index }),
            Err(index) => Err(Place { chunk, index }),
        }
    }

    /// The key at a place that is not the end.
    pub(crate) fn key(&self, place: Place) -> &K {
        &self.chunks[place.chunk][place.index].0
    }

    /// The value at a place that is not the end.
    pub(crate) fn at(&self, place: Place) -> &V {
        &self.chunks[place.chunk][place.index].1
    }

    /// The value at a place that [`OrderedMap::find`] found.
    pub(crate) fn at_mut(&mut self, place: Place) -> &mut V {
        &mut self.chunks[place.chunk][place.index].1
    }

    /// Puts an entry where [`OrderedMap::find`] said it would go.
    pub(crate) fn insert_at(&mut self, place: Place, key: K, value: V) {
        self.len += 1;
        let chunk = &mut self.chunks[place.chunk];
        if chunk.len() < CHUNK {
            chunk.insert(place.index, (key, value));
            return;
        }
        let last = place.chunk + 1 == self.chunks.len();
        if last && place.index == CHUNK {
            self.separators.push(key.clone());
            let mut fresh = Vec::with_capacity(CHUNK);
            fresh.push((key, value));
            self.chunks.push(fresh);
            return;
        }
        let chunk = &mut self.chunks[place.chunk];
        let mut right = Vec::with_capacity(CHUNK);
        right.extend(chunk.drain(CHUNK / 2..));
        self.separators.insert(place.chunk, right[0].0.clone());
        if place.index <= CHUNK / 2 {
            chunk.insert(place.index, (key, value));
        } else {
            right.insert(place.index - CHUNK / 2, (key, value));
        }
        self.chunks.insert(place.chunk + 1, right);
    }

    /// Takes out the entry at a place that [`OrderedMap::find`] found.
    pub(crate) fn remove_at(&mut self, place: Place) -> (K, V) {
        self.len -= 1;
        let chunk = &mut self.chunks[place.chunk];
        let entry = chunk.remove(place.index);
        if chunk.is_empty() && self.chunks.len() > 1 {
            self.chunks.remove(place.chunk);
            self.separators.remove(place.chunk.saturating_sub(1));
        }
        entry
    }

    /// The place of the first entry.
    pub(crate) fn start(&self) -> Place {
        self.settle(Place { chunk: 0, index: 0 })
    }

    /// The place after the last entry.
    pub(crate) fn end(&self) -> Place {
        Place {
            chunk: self.chunks.len(),
            index: 0,
        }
    }

    /// The place of the first entry whose key fails a test that holds for a prefix of the keys.
    pub(crate) fn partition(&self, below: impl Fn(&K) -> bool) -> Place {
        let chunk = self.separators.partition_point(&below);
        let index = self.chunks[chunk].partition_point(|(key, _)| below(key));
        self.settle(Place { chunk, index })
    }

    /// How many entries come before a place.
    pub(crate) fn rank(&self, place: Place) -> usize {
        self.chunks[..place.chunk].iter().map(Vec::len).sum::<usize>() + place.index
    }

    /// The place with this many entries before it, or the end.
    pub(crate) fn place_at(&self, rank: usize) -> Place {
        let mut rest = rank;
        for (chunk, entries) in self.chunks.iter().enumerate() {
            if rest < entries.len() {
                return Place { chunk, index: rest };
            }
            rest -= entries.len();
        }
        self.end()
    }

    /// The entries from one place to before another.
    pub(crate) fn range(&self, from: Place, to: Place) -> Range<'_, K, V> {
        let from = from.min(to);
        Range {
            chunks: &self.chunks,
            from,
            to,
        }
    }

    /// All entries.
    pub(crate) fn iter(&self) -> Range<'_, K, V> {
        self.range(self.start(), self.end())
    }

    /// The one form of a place: past the end of a chunk is the start of the next.
    fn settle(&self, place: Place) -> Place {
        if place.index < self.chunks[place.chunk].len() {
            place
        } else {
            Place {
                chunk: place.chunk + 1,
                index: 0,
            }
        }
    }
}

impl<V> OrderedMap<chancery_model::Key, V> {
    /// Where a key is, or where it would go. Keys mostly come in ascending order, so the end is tried first.
    pub(crate) fn find_key(&self, key: &chancery_model::Key) -> Result<Place, Place> {
        let chunk = self.chunks.len() - 1;
        match self.chunks[chunk].last() {
            Some((last, _)) if last < key => Err(Place {
                chunk,
                index: self.chunks[chunk].len(),
            }),
            _ => self.find(|other| other.cmp(key)),
        }
    }
}

/// The entries between two places, from either end.
#[derive(Debug)]
pub(crate) struct Range<'a, K, V> {
    chunks: &'a [Vec<(K, V)>],
    from: Place,
    to: Place,
}

impl<K, V> Clone for Range<'_, K, V> {
    fn clone(&self) -> Self {
        Range {
            chunks: self.chunks,
            from: self.from,
            to: self.to,
        }
    }
}

impl<'a, K, V> Iterator for Range<'a, K, V> {
    type Item = &'a (K, V);

    fn next(&mut self) -> Option<&'a (K, V)> {
        if self.from >= self.to {
            return None;
        }
        let chunk = &self.chunks[self.from.chunk];
        let entry = &chunk[self.from.index];
        self.from.index += 1;
        if self.from.index == chunk.len() {
            self.from = Place {
                chunk: self.from.chunk + 1,
                index: 0,
            };
        }
        Some(entry)
    }
}

impl<'a, K, V> DoubleEndedIterator for Range<'a, K, V> {
    fn next_back(&mut self) -> Option<&'a (K, V)> {
        if self.from >= self.to {
            return None;
        }
        if self.to.index == 0 {
            let chunk = self.to.chunk - 1;
            self.to = Place {
                chunk,
                index: self.chunks[chunk].len(),
            };
        }
        self.to.index -= 1;
        Some(&self.chunks[self.to.chunk][self.to.index])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A small generator, so that runs are the same.
    fn next(state: &mut u64) -> u64 {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn it_is_the_standard_ordered_map_with_positions() {
        for (spread, steps) in [(10, 2_000), (3_000, 20_000), (1_000_000, 20_000)] {
            let mut state = spread;
            let (mut map, mut model) = (OrderedMap::<u64, u64>::default(), BTreeMap::new());
            for step in 0..steps {
                let key = next(&mut state) % spread;
                match map.find(|other| other.cmp(&key)) {
                    Ok(place) if step % 3 == 0 => {
                        assert_eq!(map.remove_at(place).0, key);
                        model.remove(&key);
                    }
                    Ok(place) => {
                        *map.at_mut(place) = step;
                        model.insert(key, step);
                    }
                    Err(place) => {
                        map.insert_at(place, key, step);
                        model.insert(key, step);
                    }
                }
            }
            assert_eq!(map.len(), model.len());
            assert!(map.iter().map(|(key, value)| (key, value)).eq(model.iter()));
            assert!(
                map.iter()
                    .rev()
                    .map(|(key, value)| (key, value))
                    .eq(model.iter().rev())
            );
            for bound in [0, spread / 3, spread / 2, spread] {
                let place = map.partition(|key| *key < bound);
                assert_eq!(map.rank(place), model.range(..bound).count());
                assert_eq!(map.place_at(map.rank(place)), place);
                let above = map.range(place, map.end()).map(|(key, _)| key);
                assert!(above.eq(model.range(bound..).map(|(key, _)| key)));
                let below = map.range(map.start(), place).rev().map(|(key, _)| key);
                assert!(below.eq(model.range(..bound).rev().map(|(key, _)| key)));
            }
        }
    }

    #[test]
    fn an_empty_map_has_one_place() {
        let map = OrderedMap::<u64, u64>::default();
        assert_eq!(map.start(), map.end());
        assert_eq!(map.place_at(0), map.end());
        assert_eq!(map.iter().next_back(), None);
    }

    #[test]
    fn ascending_keys_fill_their_chunks() {
        let mut map = OrderedMap::<u64, ()>::default();
        for key in 0..10_000 {
            let place = map.find(|other| other.cmp(&key)).expect_err("a new key");
            map.insert_at(place, key, ());
        }
        assert_eq!(map.chunks.len(), 10_000_usize.div_ceil(CHUNK));
    }
}
