//! What a batch leaves of each record it touches, whatever it does on the way. Looks at nothing that is stored.

use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Key, Record, Table, TableId};
use chancery_storage::{DrawTarget, Write};
use hashbrown::{HashMap, HashSet};

/// A record that a batch leaves live.
#[derive(Debug)]
pub(super) struct Left {
    /// The write that gives its last state.
    pub(super) write: usize,
    /// The columns that the batch changes; none: all of them.
    pub(super) changed: Option<Vec<u16>>,
}

/// A record that goes.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    /// For good, or to the trash.
    pub(super) for_good: bool,
    /// The decided write that it goes with.
    pub(super) origin: usize,
}

/// What a batch leaves.
#[derive(Debug, Default)]
pub(super) struct Net {
    live: HashMap<(TableId, Key), Left>,
    /// Records that get their key when they are committed.
    drawn: Vec<Left>,
    gone: HashMap<(TableId, Key), Gone>,
    /// Tables of which only what is added later is left.
    pub(super) cleared: HashMap<TableId, (Arc<Table>, usize)>,
    /// Records that a write of the batch removes on the way, whatever becomes of their keys.
    removed: HashSet<(TableId, Key)>,
    /// Expired records of whose keys the batch leaves others: what refers to them does not refer to their successors.
    replaced: HashMap<(TableId, Key), Gone>,
}

impl Net {
    pub(super) fn of(writes: &[Write]) -> Net {
        let mut net = Net::default();
        for (write, decided) in writes.iter().enumerate() {
            match decided {
                // What comes into the trash is there for nobody.
                Write::Insert { record, .. } if record.deleted_at.is_some() => {}
                Write::Insert { table, record, draws } => {
                    let left = Left { write, changed: None };
                    if draws
                        .iter()
                        .any(|draw| draw.target == DrawTarget::Key && draw.given.is_none())
                    {
                        net.drawn.push(left);
                    } else {
                        net.leave(table, &record.key, left);
                    }
                }
                Write::Update {
                    table,
                    record,
                    before,
                    kind,
                    ..
                } => match (kind, record.deleted_at) {
                    (_, Some(_)) => net.end(table, &record.key, false, write),
                    (ChangeKind::Updated, None) => {
                        let columns = before.iter().map(|(column, _)| *column).collect();
                        net.change(table, &record.key, columns, write);
                    }
                    (_, None) => net.leave(table, &record.key, Left { write, changed: None }),
                },
                Write::Purge { table, key, .. } => net.end(table, key, true, write),
                Write::Clear { table } => {
                    net.live.retain(|(number, _), _| *number != table.number);
                    net.gone.retain(|(number, _), _| *number != table.number);
                    net.drawn.retain(|left| !is_of(&writes[left.write], table));
                    net.cleared.insert(table.number, (table.clone(), write));
                }
                Write::Schema(_) => {}
            }
        }
        net
    }

    fn leave(&mut self, table: &Table, key: &Key, left: Left) {
        let id = (table.number, key.clone());
        self.gone.remove(&id);
        self.live.insert(id, left);
    }

    fn change(&mut self, table: &Table, key: &Key, columns: Vec<u16>, write: usize) {
        let id = (table.number, key.clone());
        match self.live.get_mut(&id) {
            Some(left) => {
                left.write = write;
                if let Some(changed) = &mut left.changed {
                    changed.extend(columns);
                }
            }
            None => {
                let changed = Some(columns);
                self.live.insert(id, Left { write, changed });
            }
        }
    }

    fn end(&mut self, table: &Arc<Table>, key: &Key, for_good: bool, origin: usize) {
        self.take(Gone {
            table: table.clone(),
            key: key.clone(),
            for_good,
            origin,
        });
    }

    /// Takes a record away.
    pub(super) fn take(&mut self, gone: Gone) {
        let id = (gone.table.number, gone.key.clone());
        self.live.remove(&id);
        self.removed.insert(id.clone());
        self.gone.insert(id, gone);
    }

    /// Notes that a record goes before anything else, so that its key or values are free.
    pub(super) fn make_room(&mut self, gone: Gone) {
        let id = (gone.table.number, gone.key.clone());
        self.removed.insert(id.clone());
        if self.live.contains_key(&id) {
            self.replaced.insert(id, gone);
        } else {
            self.gone.insert(id, gone);
        }
    }

    /// Notes that a record which the batch removes by itself had expired.
    pub(super) fn had_expired(&mut self, gone: Gone) {
        let id = (gone.table.number, gone.key.clone());
        if self.live.contains_key(&id) && !self.cleared.contains_key(&id.0) {
            self.replaced.insert(id, gone);
        }
    }

    /// What the batch leaves of a record that it writes.
    pub(super) fn left(&self, table: TableId, key: &Key) -> Option<&Left> {
        self.live.get(&(table, key.clone()))
    }

    /// Whether a record is not there after the batch.
    pub(super) fn is_gone(&self, table: TableId, key: &Key) -> bool {
        let id = (table, key.clone());
        self.gone.contains_key(&id) || self.cleared.contains_key(&table) && !self.live.contains_key(&id)
    }

    /// Whether a write of the batch removes the record that is stored under a key.
    pub(super) fn is_removed(&self, table: TableId, key: &Key) -> bool {
        self.removed.contains(&(table, key.clone())) || self.cleared.contains_key(&table)
    }

    /// The records that go, in the order of the writes they go with.
    pub(super) fn all_gone(&self) -> Vec<Gone> {
        let mut gone: Vec<Gone> = self.gone.values().cloned().collect();
        gone.sort_by(|a, b| (a.origin, &a.key).cmp(&(b.origin, &b.key)));
        gone
    }

    /// The records that end, those among them of whose keys there are others after it.
    pub(super) fn all_ended(&self) -> Vec<Gone> {
        let mut ended = self.all_gone();
        ended.extend(self.replaced.values().cloned());
        ended
    }

    /// The keys of a table whose stored records the writes of the batch remove.
    pub(super) fn removed_of(&self, table: TableId) -> Vec<Key> {
        let removed = self.removed.iter().filter(|(number, _)| *number == table);
        removed.map(|(_, key)| key.clone()).collect()
    }

    /// How many records of a table go.
    pub(super) fn gone_of(&self, table: TableId) -> usize {
        self.gone.keys().filter(|(number, _)| *number == table).count()
    }

    /// The records that are left, in the order of the writes.
    pub(super) fn all_left(&self) -> Vec<&Left> {
        let mut left: Vec<&Left> = self.live.values().chain(&self.drawn).collect();
        left.sort_by_key(|left| left.write);
        left
    }
}

/// The record that a write leaves, with its table.
pub(super) fn record_of(write: &Write) -> Option<(&Arc<Table>, &Record)> {
    match write {
        Write::Insert { table, record, .. } | Write::Update { table, record, .. } => Some((table, record)),
        _ => None,
    }
}

fn is_of(write: &Write, table: &Table) -> bool {
    record_of(write).is_some_and(|(own, _)| own.number == table.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Arc<Table> {
        Arc::new(Table {
            number: TableId(1),
            ..Table::default()
        })
    }

    fn record(key: i64, deleted: bool) -> Record {
        Record {
            key: Key::Int(key),
            deleted_at: deleted.then_some(1),
            expires_at: None,
            version: 1,
            change: 0,
            created_at: 0,
            updated_at: 0,
            created_by: None,
            updated_by: None,
            metadata: Default::default(),
            values: Box::new([]),
            extra: None,
        }
    }

    fn insert(key: i64) -> Write {
        Write::Insert {
            table: table(),
            record: record(key, false),
            draws: Vec::new(),
        }
    }

    fn delete(key: i64) -> Write {
        let (old, new) = (record(key, false), record(key, true));
        Write::update(&table(), &old, new, Vec::new(), ChangeKind::Deleted)
    }

    fn check(writes: &[Write], gone: &[i64], left: &[usize]) {
        let net = Net::of(writes);
        let keys: Vec<Key> = net.all_gone().into_iter().map(|gone| gone.key).collect();
        assert_eq!(keys, gone.iter().map(|key| Key::Int(*key)).collect::<Vec<_>>());
        let writes: Vec<usize> = net.all_left().into_iter().map(|left| left.write).collect();
        assert_eq!(writes, left);
    }

    #[test]
    fn the_last_write_of_a_record_says_what_is_left_of_it() {
        let purge = |key| Write::purge(&table(), &Key::Int(key), None);
        check(&[insert(1), insert(2)], &[], &[0, 1]);
        check(&[insert(1), delete(1)], &[1], &[]);
        check(&[purge(1), insert(1)], &[], &[1]);
        check(&[delete(1), insert(2), purge(3)], &[1, 3], &[1]);
        let trashed = Write::Insert {
            table: table(),
            record: record(4, true),
            draws: Vec::new(),
        };
        check(&[trashed], &[], &[]);
        check(
            &[insert(1), Write::Clear { table: table() }, insert(2)],
            &[],
            &[2],
        );
    }
}
