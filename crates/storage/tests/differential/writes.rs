//! Random batches: inserts, updates, trash, restore, purge, clear and documents, good and bad. Compares nothing itself.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Reason};
use chancery_model::{Key, Record, RecordMetadata, Source, Value};
use chancery_storage::{
    Batch, Check, Counter, Document, DocumentWrite, Draw, DrawTarget, Mode, OnReject, Write,
};

use crate::dice::Dice;
use crate::world::World;

impl World {
    /// Commits a batch that the number decides.
    pub(crate) async fn write(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        self.now += dice.below(1_000) as i64;
        let mut known: HashMap<Key, Arc<Record>> = HashMap::new();
        let mut keys = Vec::new();
        for record in self.records().await {
            keys.push(record.key.clone());
            known.insert(record.key.clone(), record);
        }
        let count = if dice.once_in(4) { 1 } else { 1 + dice.below(12) };
        let mut writes = Vec::with_capacity(count);
        for _ in 0..count {
            writes.push(self.any_write(&mut dice, &keys, &mut known));
        }
        if dice.once_in(3) {
            let at = dice.below(writes.len() + 1);
            let ring = self.ring(&mut dice, &keys, &mut known);
            writes.splice(at..at, ring);
        }
        let checks = match dice.once_in(3) {
            true => self.checks(&mut dice, &keys, &known).await,
            false => Vec::new(),
        };
        let batch = Batch {
            at: self.now,
            actor: dice.once_in(2).then(|| "user:1".into()),
            operation: dice.once_in(4).then(|| dice.text().into()),
            reason: *dice.pick(&[Reason::User, Reason::Import, Reason::Undo]),
            checks,
            writes,
            documents: (0..dice.below(8).saturating_sub(5))
                .map(|_| document(&mut dice))
                .collect(),
            on_reject: if dice.once_in(2) {
                OnReject::Abort
            } else {
                OnReject::Skip
            },
            mode: if dice.once_in(8) {
                Mode::Rehearse
            } else {
                Mode::Apply
            },
        };
        let _ = self.commit(batch).await;
    }

    /// What the batch rests on; most of it is so.
    async fn checks(&self, dice: &mut Dice, keys: &[Key], known: &HashMap<Key, Arc<Record>>) -> Vec<Check> {
        let table = self.table.number;
        let newest = self.memory.revision().await.expect("a revision");
        let mut checks = Vec::new();
        for _ in 0..1 + dice.below(3) {
            let key = match keys {
                [_, ..] if !dice.once_in(5) => dice.pick(keys).clone(),
                _ => dice.key(self.table.key_kind),
            };
            // Of a write that is drawn but not done yet the record may be known by a change that it never had.
            let change = known.get(&key).map_or(0, |record| record.change);
            checks.push(match dice.below(3) {
                0 => Check::Record {
                    table,
                    key,
                    change: change + u64::from(dice.once_in(6)),
                },
                1 => Check::Live { table, key },
                _ => Check::Table {
                    table,
                    revision: newest.saturating_sub(dice.below(8).saturating_sub(5) as u64),
                },
            });
        }
        checks
    }

    /// Some records hand a unique value round; perhaps one of them goes to the trash or for good instead.
    fn ring(&self, dice: &mut Dice, keys: &[Key], known: &mut HashMap<Key, Arc<Record>>) -> Vec<Write> {
        let table = &self.table;
        let unique = table.columns.iter().filter(|column| {
            column.live() && column.constraints.unique && table.key_column != Some(column.ordinal)
        });
        let unique: Vec<u16> = unique.map(|column| column.ordinal).collect();
        if unique.is_empty() || keys.is_empty() {
            return Vec::new();
        }
        let column = *dice.pick(&unique);
        let mut members: Vec<Arc<Record>> = Vec::new();
        for _ in 0..2 + dice.below(3) {
            let key = dice.pick(keys);
            if let Some(record) = known
                .get(key)
                .filter(|_| !members.iter().any(|other| other.key == *key))
            {
                members.push(record.clone());
            }
        }
        let mut writes = Vec::new();
        for (at, old) in members.iter().enumerate() {
            if dice.once_in(8) {
                writes.push(Write::purge(table, &old.key, None));
                continue;
            }
            let mut record = (**old).clone();
            record.version += 1 + dice.below(1 << 20) as u64;
            if dice.once_in(8) && record.deleted_at.is_none() {
                record.deleted_at = Some(self.now);
                writes.push(Write::update(
                    table,
                    old,
                    record.clone(),
                    Vec::new(),
                    ChangeKind::Deleted,
                ));
            } else {
                let mut values = std::mem::take(&mut record.values).into_vec();
                values.resize(table.columns.len(), Value::Null);
                let next = members[(at + 1) % members.len()].value(column).clone();
                let before = std::mem::replace(&mut values[usize::from(column)], next);
                record.values = values.into();
                let before = vec![(column, before)];
                writes.push(Write::update(
                    table,
                    old,
                    record.clone(),
                    before,
                    ChangeKind::Updated,
                ));
            }
            known.insert(old.key.clone(), Arc::new(record));
        }
        writes
    }

    fn any_write(&self, dice: &mut Dice, keys: &[Key], known: &mut HashMap<Key, Arc<Record>>) -> Write {
        let table = self.table.clone();
        let old = match keys {
            [] => None,
            keys => known.get(dice.pick(keys)).cloned(),
        };
        let key = match &old {
            Some(old) if !dice.once_in(10) => old.key.clone(),
            _ => dice.key(table.key_kind),
        };
        let insert = |dice: &mut Dice| Write::Insert {
            table: table.clone(),
            record: self.new_record(dice),
            draws: self.draws(dice),
        };
        match (dice.below(20), old) {
            (0, _) if dice.once_in(6) => Write::Clear { table },
            (0 | 1, old) => {
                let version = old.map_or(1, |old| old.version);
                let expected = match dice.below(4) {
                    0 => Some(version + 1),
                    1 => Some(version),
                    _ => None,
                };
                Write::Purge {
                    table,
                    key,
                    expected,
                    kind: *dice.pick(&[ChangeKind::Purged, ChangeKind::Evicted]),
                }
            }
            (2..=11, Some(old)) => {
                let write = self.update(dice, &old);
                if let Write::Update { record, .. } = &write
                    && dice.once_in(2)
                {
                    known.insert(old.key.clone(), Arc::new(record.clone()));
                }
                write
            }
            _ => insert(dice),
        }
    }

    fn new_record(&self, dice: &mut Dice) -> Record {
        let live = |column: &chancery_model::Column| column.live();
        let values = self.table.columns.iter().map(|column| match live(column) {
            true => dice.value(column),
            false => Value::Null,
        });
        let mut values: Vec<Value> = values.collect();
        if dice.once_in(6) {
            values.truncate(dice.below(values.len()));
        }
        Record {
            key: dice.key(self.table.key_kind),
            // Versions that never meet: a stale write must be known as one.
            version: 1 + dice.below(1 << 40) as u64 * 100,
            change: 0,
            created_at: self.now,
            updated_at: self.now,
            created_by: dice.once_in(2).then(|| dice.text().into()),
            updated_by: None,
            expires_at: dice.once_in(6).then(|| self.now + dice.below(3_000) as i64),
            deleted_at: dice.once_in(12).then_some(self.now),
            metadata: metadata(dice),
            values: values.into(),
            extra: dice.once_in(2).then(|| Box::new(dice.fields(2))),
        }
    }

    /// Sometimes draws the key or the value of a whole-number column.
    fn draws(&self, dice: &mut Dice) -> Vec<Draw> {
        let mut draws = Vec::new();
        let number = self.table.number;
        let given = |dice: &mut Dice| dice.once_in(4).then(|| dice.below(60) as i64 - 5);
        if self.table.key_kind == chancery_model::KeyKind::Int && dice.once_in(3) {
            draws.push(Draw {
                target: DrawTarget::Key,
                counter: Counter::Column(number, 99),
                given: given(dice),
            });
        }
        let rating = self
            .table
            .columns
            .iter()
            .find(|column| column.field_type == "rating" && column.live());
        if let Some(column) = rating.filter(|_| dice.once_in(3)) {
            let ordinal = column.ordinal;
            let counter = Counter::Column(number, ordinal);
            draws.push(Draw {
                target: DrawTarget::Column(ordinal),
                counter,
                given: given(dice),
            });
        }
        draws
    }

    /// A change of a record as it is known: of values, to the trash or back.
    fn update(&self, dice: &mut Dice, old: &Record) -> Write {
        let mut record = old.clone();
        record.version += 1 + dice.below(1 << 20) as u64;
        record.updated_at = self.now;
        record.updated_by = dice.once_in(2).then(|| "user:2".into());
        let mut before = Vec::new();
        let kind = match (dice.below(3), old.deleted_at) {
            (0, None) => ChangeKind::Deleted,
            (0, Some(_)) => ChangeKind::Restored,
            _ => ChangeKind::Updated,
        };
        match kind {
            ChangeKind::Deleted => record.deleted_at = Some(self.now),
            ChangeKind::Restored => record.deleted_at = None,
            _ => {
                let mut values = std::mem::take(&mut record.values).into_vec();
                values.resize(self.table.columns.len(), Value::Null);
                for column in self.table.columns.iter().filter(|column| column.live()) {
                    if dice.once_in(4) {
                        let place = &mut values[usize::from(column.ordinal)];
                        before.push((column.ordinal, std::mem::replace(place, dice.value(column))));
                    }
                }
                record.values = values.into();
                if dice.once_in(3) {
                    record.extra = dice.once_in(2).then(|| Box::new(dice.fields(2)));
                    record.metadata = metadata(dice);
                    record.expires_at = dice.once_in(2).then(|| self.now + dice.below(3_000) as i64);
                }
            }
        }
        let expected = if dice.once_in(10) {
            old.version + 1
        } else {
            old.version
        };
        let mut write = Write::update(&self.table, old, record, before, kind);
        if let Write::Update { expected: wanted, .. } = &mut write {
            *wanted = expected;
        }
        write
    }
}

fn metadata(dice: &mut Dice) -> RecordMetadata {
    RecordMetadata {
        source: *dice.pick(&[Source::Api, Source::Api, Source::Import, Source::Form]),
        import_id: dice.once_in(5).then(|| dice.text().into()),
        import_row: dice.once_in(5).then(|| dice.below(9) as u64),
        external_id: dice.once_in(3).then(|| dice.text()),
        duplicate_of: dice.once_in(9).then(|| dice.text()),
    }
}

fn document(dice: &mut Dice) -> DocumentWrite {
    let (kind, id) = ("note".to_owned(), dice.below(4).to_string());
    if dice.once_in(4) {
        return DocumentWrite::Delete { kind, id };
    }
    let lookup = dice.once_in(2).then(|| format!("name {}", dice.below(4)));
    let document = Document {
        kind,
        id,
        lookup,
        body: dice.json(2),
        version: 0,
    };
    DocumentWrite::Put {
        document,
        expected: dice.once_in(4).then(|| dice.below(3) as u64),
    }
}
