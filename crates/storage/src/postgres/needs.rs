//! What has to be known before batches can be decided: which records, which holders of unique values, which counters and
//! documents. It runs nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chancery_model::{Key, Table, TableId, Value};

use super::checks::CheckNeeds;
use super::relation::{Relation, lead, lead_text};
use super::rows::{Shape, encode, encode_keys};
use super::statement::{Param, Statement};
use super::text::escape;
use crate::batch::{Batch, Counter, DocumentWrite, Draw, DrawTarget, SchemaWrite, Write};
use crate::definition::DEFINITION_KIND;

/// Numbers that writes of a table may draw, whatever becomes of the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drawn {
    /// How many are drawn.
    pub(super) count: u64,
    /// The largest that was brought.
    pub(super) given: i64,
}

/// What has to be known of one table.
#[derive(Debug)]
pub(super) struct TableNeeds {
    /// The definition that the writes were decided on.
    pub(super) table: Arc<Table>,
    /// Records by key.
    pub(super) keys: HashSet<Key>,
    /// Records whose unique column has one of these values.
    pub(super) values: BTreeMap<u16, Vec<Value>>,
    /// Numbers drawn for keys and columns.
    pub(super) drawn: Vec<(DrawTarget, Counter, Drawn)>,
}

/// What has to be known before batches can be decided.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// By table and version of its definition: those of an older one are refused without looking.
    pub(super) tables: HashMap<(TableId, u64), TableNeeds>,
    /// What batches rest on.
    pub(super) checks: CheckNeeds,
    /// Tables whose definition's version is needed.
    pub(super) definitions: BTreeSet<u32>,
    /// Counters.
    pub(super) counters: HashSet<Counter>,
    /// Documents by kind and id.
    pub(super) documents: Vec<(String, String)>,
    /// Documents by kind and second name.
    pub(super) lookups: Vec<(String, String)>,
}

impl Needs {
    /// Adds what a whole batch needs.
    pub(super) fn batch(&mut self, batch: &Batch) {
        for check in &batch.checks {
            let table = self.checks.add(check);
            self.definitions.insert(table.0);
        }
        batch.writes.iter().for_each(|write| self.write(write));
        batch
            .documents
            .iter()
            .for_each(|document| self.document(document));
    }

    /// Whether documents are among it.
    pub(super) fn has_documents(&self) -> bool {
        !self.documents.is_empty() || !self.lookups.is_empty()
    }

    /// Adds what one write needs.
    pub(super) fn write(&mut self, write: &Write) {
        match write {
            Write::Insert { table, record, draws } => {
                let unique = unique_ordinals(table);
                let needs = self.table(table);
                needs.keys.insert(record.key.clone());
                for ordinal in unique {
                    needs.value(ordinal, record.value(ordinal));
                }
                draws.iter().for_each(|draw| self.draw(table, draw));
            }
            Write::Update { table, record, .. } => {
                let unique = unique_ordinals(table);
                let needs = self.table(table);
                needs.keys.insert(record.key.clone());
                for ordinal in unique {
                    needs.value(ordinal, record.value(ordinal));
                }
            }
            Write::Purge { table, key, .. } => {
                self.table(table).keys.insert(key.clone());
            }
            Write::Clear { table } => {
                self.definitions.insert(table.number.0);
            }
            Write::Schema(schema) => self.schema(schema),
        }
    }

    fn schema(&mut self, schema: &SchemaWrite) {
        let table = match schema {
            SchemaWrite::Create(table) | SchemaWrite::Drop(table) => table,
            SchemaWrite::Change { after, .. } => after,
        };
        self.definitions.insert(table.number.0);
        self.documents
            .push((DEFINITION_KIND.to_owned(), table.id.clone()));
    }

    /// Adds what a write of a document needs.
    pub(super) fn document(&mut self, write: &DocumentWrite) {
        match write {
            DocumentWrite::Put { document, .. } => {
                self.documents.push((document.kind.clone(), document.id.clone()));
                if let Some(lookup) = &document.lookup {
                    self.lookups.push((document.kind.clone(), lookup.clone()));
                }
            }
            DocumentWrite::Delete { kind, id } => self.documents.push((kind.clone(), id.clone())),
        }
    }

    fn draw(&mut self, table: &Arc<Table>, draw: &Draw) {
        self.counters.insert(draw.counter);
        let drawn = &mut self.table(table).drawn;
        let place = drawn
            .iter()
            .position(|(target, counter, _)| *target == draw.target && *counter == draw.counter);
        let place = place.unwrap_or_else(|| {
            drawn.push((draw.target, draw.counter, Drawn::default()));
            drawn.len() - 1
        });
        let (_, _, so_far) = &mut drawn[place];
        so_far.count += 1;
        let Some(given) = draw.given else { return };
        so_far.given = so_far.given.max(given);
        let needs = self.table(table);
        match draw.target {
            DrawTarget::Key => {
                needs.keys.insert(Key::Int(given));
            }
            DrawTarget::Column(ordinal) => needs.value(ordinal, &Value::Int(given)),
        }
    }

    fn table(&mut self, table: &Arc<Table>) -> &mut TableNeeds {
        self.definitions.insert(table.number.0);
        let key = (table.number, table.schema_version);
        self.tables.entry(key).or_insert_with(|| TableNeeds {
            table: table.clone(),
            keys: HashSet::new(),
            values: BTreeMap::new(),
            drawn: Vec::new(),
        })
    }
}

/// The columns whose values are unique.
fn unique_ordinals(table: &Table) -> Vec<u16> {
    let unique = table
        .live()
        .filter(|column| column.constraints.unique && table.key_column != Some(column.ordinal));
    unique.map(|column| column.ordinal).collect()
}

impl TableNeeds {
    fn value(&mut self, ordinal: u16, value: &Value) {
        if !value.is_null() {
            self.values.entry(ordinal).or_default().push(value.clone());
        }
    }

    /// How many records it asks for, or values of one column, whichever is more.
    pub(super) fn most(&self) -> usize {
        let values = self.values.values().map(Vec::len);
        values.max().unwrap_or(0).max(self.keys.len())
    }

    /// Whether what is needed depends on how far counters are.
    pub(super) fn draws(&self) -> bool {
        !self.drawn.is_empty()
    }

    /// Asks for the records. `last` says how far counters are.
    pub(super) fn records(&self, relation: &Relation, last: impl Fn(Counter) -> u64) -> Statement {
        let mut out = Statement::new("SELECT ");
        out.push(&relation.select_list)
            .push(" FROM ")
            .push(&relation.name)
            .push(" WHERE id = ANY(");
        out.bind(encode_keys(relation.key_kind, self.keys.iter()))
            .push(")");
        for (target, counter, drawn) in &self.drawn {
            if *target == DrawTarget::Key && relation.key_shape() == Shape::Int {
                let (from, to) = reach(last(*counter), *drawn);
                out.push(" OR id > ").bind(from).push(" AND id <= ").bind(to);
            }
        }
        out
    }

    /// Asks for the keys of live records that have one of the values in a unique column.
    pub(super) fn holders(
        &self,
        relation: &Relation,
        last: impl Fn(Counter) -> u64,
    ) -> Vec<(u16, Statement)> {
        let unique = relation.slots.iter().filter(|slot| slot.unique);
        let mut statements = Vec::new();
        for slot in unique {
            let none = Vec::new();
            let values = self.values.get(&slot.ordinal).unwrap_or(&none);
            let reached = self
                .drawn
                .iter()
                .find(|(target, ..)| *target == DrawTarget::Column(slot.ordinal));
            if values.is_empty() && reached.is_none() {
                continue;
            }
            let mut out = Statement::new("SELECT id, ");
            out.push(&slot.name)
                .push(" FROM ")
                .push(&relation.name)
                .push(" WHERE deleted_at IS NULL AND (");
            match among(&slot.shape, values) {
                Some(Param::Texts(texts)) => {
                    let leads: BTreeSet<String> = texts
                        .iter()
                        .map(|text| lead_text(&escape(text)).to_owned())
                        .collect();
                    out.push(&lead(&slot.name)).push(" = ANY(");
                    out.bind(Param::StoredTexts(leads.into_iter().collect()))
                        .push(") AND ");
                    out.push(&slot.name)
                        .push(" = ANY(")
                        .bind(Param::Texts(texts))
                        .push(")");
                }
                Some(array) => {
                    out.push(&slot.name).push(" = ANY(").bind(array).push(")");
                }
                None => {
                    out.push(&slot.name).push(" IS NOT NULL");
                }
            }
            if let Some((_, counter, drawn)) = reached {
                let (from, to) = reach(last(*counter), *drawn);
                out.push(" OR ").push(&slot.name).push(" > ").bind(from);
                out.push(" AND ").push(&slot.name).push(" <= ").bind(to);
            }
            out.push(")");
            statements.push((slot.ordinal, out));
        }
        statements
    }
}

/// Between which numbers everything lies that may be drawn, the first excluded.
fn reach(last: u64, drawn: Drawn) -> (i64, i64) {
    let last = i64::try_from(last).unwrap_or(i64::MAX);
    let count = i64::try_from(drawn.count).unwrap_or(i64::MAX);
    (last, last.max(drawn.given).saturating_add(count))
}

/// Values of a unique column as one array; none for kinds that have no array, of which there are few values anyway.
fn among(shape: &Shape, values: &[Value]) -> Option<Param> {
    let encoded = values.iter().filter_map(|value| encode(shape, value).ok());
    Some(match shape {
        Shape::Int => Param::Ints(
            encoded
                .filter_map(|param| {
                    if let Param::Int(int) = param {
                        Some(int)
                    } else {
                        None
                    }
                })
                .collect(),
        ),
        Shape::Number | Shape::Decimal(_) => Param::Numerics(
            encoded
                .filter_map(|param| {
                    if let Param::Numeric(digits) = param {
                        Some(digits)
                    } else {
                        None
                    }
                })
                .collect(),
        ),
        Shape::Text | Shape::Json => Param::Texts(
            encoded
                .filter_map(|param| {
                    if let Param::Text(text) = param {
                        Some(text)
                    } else {
                        None
                    }
                })
                .collect(),
        ),
        _ => return None,
    })
}
