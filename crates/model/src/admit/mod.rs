//! Decides what is written: from what a caller sends to a record, or to every issue at once. Pure; commits nothing.
//!
//! The order is: protected fields → given, generated, default → type → constraints → metadata. A default is
//! checked like a given value, so a bad one is never stored.

mod constraints;
mod input;
mod outline;

use std::sync::Arc;

use uuid::Uuid;

use constraints::check;
pub use constraints::check_constraints;
pub use input::{Cell, Coerce, Input, Kept};
use input::{Fields, Raw};
pub use outline::{Outline, outline_of_insert, outline_of_update};

use crate::column::{Column, DefaultFunction, DefaultValue, Generated};
use crate::convert::taken_over;
use crate::define::key_from;
use crate::encryption::{Cells, sealed_value, shown};
use crate::field::Storage;
use crate::issue::unknown_name;
use crate::{Code, Issue, Json, JsonMap, Key, KeyKind, Record, RecordMetadata, Table, Value};

/// Everything from outside that a decision needs.
pub struct Context<'a> {
    /// The time, in ms.
    pub now: i64,
    /// Who asks.
    pub actor: Option<Arc<str>>,
    /// Gives a fresh UUID (version 7, rising).
    pub fresh: &'a mut dyn FnMut() -> Uuid,
    /// Seals the cells of encrypted columns; none where there is no vault, or it is sealed.
    pub cells: Option<&'a dyn Cells>,
    /// Cells of encrypted columns, by ordinal, that an update takes as they are instead of what the input says of them.
    pub kept_cells: Option<&'a [Value]>,
}

/// What happens to fields that callers may not write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protected {
    /// Left out, and named in the answer.
    #[default]
    Strip,
    /// An issue.
    Refuse,
}

/// How an update treats columns that the caller left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// They stay.
    Merge,
    /// They become null.
    Replace,
}

/// A decided insert.
#[derive(Debug)]
pub struct Inserted {
    /// The record; drawn slots are null.
    pub record: Record,
    /// The column whose number the backend draws, and the number the caller brought; `None` as column is the key.
    pub draws: Vec<(Option<u16>, Option<i64>)>,
    /// Fields that were left out because callers may not write them.
    pub ignored: Vec<String>,
}

/// A decided update.
#[derive(Debug)]
pub struct Updated {
    /// The whole new state.
    pub record: Record,
    /// The changed columns with their old values.
    pub before: Vec<(u16, Value)>,
    /// Whether an undeclared field changed.
    pub extra_changed: bool,
    /// Fields that were left out because callers may not write them.
    pub ignored: Vec<String>,
}

/// What a decision finds on its way.
struct Findings {
    protected: Protected,
    issues: Vec<Issue>,
    ignored: Vec<String>,
}

impl Findings {
    fn new(protected: Protected) -> Findings {
        Findings {
            protected,
            issues: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Notes a column that callers may not write. What is worked out when a record is read is never held against who sends it back.
    fn refuse(&mut self, column: &Column) {
        match self.protected {
            _ if column.kind().flags().related => self.ignored.push(column.slug.clone()),
            Protected::Strip => self.ignored.push(column.slug.clone()),
            Protected::Refuse => self.refuse_name(&column.slug),
        }
    }

    /// Notes a field of no column that callers may not write.
    fn refuse_name(&mut self, slug: &str) {
        match self.protected {
            Protected::Strip => self.ignored.push(slug.to_owned()),
            Protected::Refuse => {
                self.issues.push(Issue::new(
                    slug,
                    Code::ReadOnly,
                    "Field cannot be written; the store keeps it",
                ));
            }
        }
    }
}

/// Decides an insert.
///
/// # Errors
/// Every issue of the input.
pub fn insert(
    table: &Table,
    input: Input,
    key: Option<Key>,
    protected: Protected,
    context: &mut Context,
) -> Result<Inserted, Vec<Issue>> {
    let mut found = Findings::new(protected);
    let mut draws = Vec::new();
    let mut values = vec![Value::Null; table.columns.len()].into_boxed_slice();
    let mut fields = Fields::of(input);
    for column in table.columns.iter().filter(|column| column.live()) {
        let raw = match fields.take(column) {
            Some(_) if !column.writable() => {
                found.refuse(column);
                None
            }
            raw => raw,
        };
        let value = match raw {
            Some(raw) => raw.read(column),
            None => absent(column, context),
        };
        match value {
            Ok(value) => {
                if let Some(given) = draw(table, column, &value) {
                    draws.push((given.0, given.1));
                } else {
                    check(column, &value, &mut found.issues);
                }
                values[usize::from(column.ordinal)] = value;
            }
            Err(issue) => found.issues.push(column.worded(issue)),
        }
    }
    let extra = undeclared(table, input, fields.seen, None, &mut found);
    let key = match choose_key(table, &mut values, key, &draws, context) {
        Ok(key) => key,
        Err(issue) => {
            if !found.issues.iter().any(|other| other.field == issue.field) {
                found.issues.push(issue);
            }
            Key::Int(0)
        }
    };
    if found.issues.is_empty() {
        for column in table.live().filter(|column| column.encrypted.is_some()) {
            let slot = &mut values[usize::from(column.ordinal)];
            match sealed_value(context.cells, (table, column), Some(&key), std::mem::take(slot)) {
                Ok(cell) => *slot = cell,
                Err(issue) => found.issues.push(issue),
            }
        }
        follow(table, &key, &mut values, None, &mut found, context);
    }
    if !found.issues.is_empty() {
        return Err(found.issues);
    }
    let record = Record {
        key,
        version: 1,
        change: 0,
        created_at: context.now,
        updated_at: context.now,
        created_by: context.actor.clone(),
        updated_by: context.actor.clone(),
        expires_at: table.ttl_ms.map(|ttl| context.now.saturating_add(ttl)),
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values,
        extra,
    };
    Ok(Inserted {
        record,
        draws,
        ignored: found.ignored,
    })
}

/// Decides an update of a record.
///
/// # Errors
/// Every issue of the input.
pub fn update(
    table: &Table,
    current: &Record,
    input: Input,
    mode: UpdateMode,
    protected: Protected,
    context: &mut Context,
) -> Result<Updated, Vec<Issue>> {
    let mut found = Findings::new(protected);
    let mut before = Vec::new();
    let mut values = current.values.clone();
    if values.len() < table.columns.len() {
        let mut longer = values.into_vec();
        longer.resize(table.columns.len(), Value::Null);
        values = longer.into_boxed_slice();
    }
    let mut fields = Fields::of(input);
    for column in table.columns.iter().filter(|column| column.live()) {
        let raw = fields.take(column);
        if column.encrypted.is_some() {
            if let Some(next) = encrypted(table, current, column, (raw, mode), &mut found, context) {
                let slot = &mut values[usize::from(column.ordinal)];
                before.push((column.ordinal, std::mem::replace(slot, next)));
            }
            continue;
        }
        let value = match raw {
            Some(raw) if guarded(table, column) => {
                if !says_the_same(table, current, column, &raw) {
                    found.refuse(column);
                }
                continue;
            }
            None if mode == UpdateMode::Merge || guarded(table, column) => continue,
            None => Ok(Value::Null),
            Some(raw) => raw.read(column),
        };
        match value {
            Ok(value) => {
                check(column, &value, &mut found.issues);
                let slot = &mut values[usize::from(column.ordinal)];
                if *slot != value {
                    before.push((column.ordinal, std::mem::replace(slot, value)));
                }
            }
            Err(issue) => found.issues.push(column.worded(issue)),
        }
    }
    let kept = if mode == UpdateMode::Merge {
        current.extra.as_deref()
    } else {
        None
    };
    let extra = undeclared(table, input, fields.seen, kept, &mut found);
    follow(
        table,
        &current.key,
        &mut values,
        Some(&mut before),
        &mut found,
        context,
    );
    if !found.issues.is_empty() {
        return Err(found.issues);
    }
    let record = Record {
        key: current.key.clone(),
        version: current.version + 1,
        change: current.change,
        created_at: current.created_at,
        updated_at: context.now,
        created_by: current.created_by.clone(),
        updated_by: context.actor.clone(),
        // What a table's earlier time to live has left behind ends with the next update.
        expires_at: current.expires_at.filter(|_| table.ttl_ms.is_some()),
        deleted_at: current.deleted_at,
        metadata: current.metadata.clone(),
        values,
        extra,
    };
    let extra_changed = record.extra != current.extra;
    Ok(Updated {
        record,
        before,
        extra_changed,
        ignored: found.ignored,
    })
}

/// Writes into columns that are to take the place of others what is written into those: all of an insert, and what an update changes.
fn follow(
    table: &Table,
    key: &Key,
    values: &mut [Value],
    mut before: Option<&mut Vec<(u16, Value)>>,
    found: &mut Findings,
    context: &Context,
) {
    for (column, replaces) in table.replacing().filter(|(_, replaces)| replaces.waits) {
        let from = replaces.ordinal;
        let changed = |before: &&mut Vec<(u16, Value)>| before.iter().any(|(ordinal, _)| *ordinal == from);
        if !found.issues.is_empty() || before.as_ref().is_some_and(|before| !changed(before)) {
            continue;
        }
        let columns = (table.at(from), column);
        let kept = |ordinal: u16| values.get(usize::from(ordinal)).cloned().unwrap_or_default();
        let value = &values[usize::from(from)];
        match taken_over(context.cells, table, columns, key, value, &kept) {
            Ok(value) => {
                let old = std::mem::replace(&mut values[usize::from(column.ordinal)], value);
                if let Some(before) = &mut before {
                    before.push((column.ordinal, old));
                }
            }
            Err(mut issue) => {
                if column.made_from.is_some() {
                    let message = format!("The column is just becoming one of type {}: ", column.field_type);
                    issue.message.insert_str(0, &message);
                }
                found.issues.push(issue);
            }
        }
    }
}

/// What an encrypted column becomes in an update; none if it stays, or there is an issue.
fn encrypted(
    table: &Table,
    current: &Record,
    column: &Column,
    (raw, mode): (Option<Raw>, UpdateMode),
    found: &mut Findings,
    context: &Context,
) -> Option<Value> {
    let now = current.value(column.ordinal);
    let next = if let Some(kept) = context.kept_cells {
        // It was sealed for this record before.
        let kept = kept.get(usize::from(column.ordinal)).cloned();
        Ok(kept.unwrap_or_default())
    } else {
        match raw {
            Some(_) if !column.writable() => {
                found.refuse(column);
                return None;
            }
            None if mode == UpdateMode::Merge || !column.writable() => return None,
            None => Ok(Value::Null),
            Some(raw) if !now.is_null() && raw.says(shown(now)) => return None,
            Some(raw) => raw.read(column).and_then(|value| {
                let from = found.issues.len();
                check(column, &value, &mut found.issues);
                match now.as_text() {
                    // What is wrong with it has been said.
                    _ if found.issues.len() > from => Ok(now.clone()),
                    Some(cell) if holds(context, table, column, (&current.key, cell), &value) => {
                        Ok(now.clone())
                    }
                    _ => sealed_value(context.cells, (table, column), Some(&current.key), value),
                }
            }),
        }
    };
    match next {
        Ok(next) if next == *now => None,
        Ok(next) => {
            if next.is_null() {
                check(column, &next, &mut found.issues);
            }
            Some(next)
        }
        Err(issue) => {
            found.issues.push(column.worded(issue));
            None
        }
    }
}

fn holds(
    context: &Context,
    table: &Table,
    column: &Column,
    (key, cell): (&Key, &str),
    value: &Value,
) -> bool {
    let holds = |cells: &dyn Cells| cells.holds(table, column, key, cell, value);
    !value.is_null() && context.cells.is_some_and(holds)
}

/// Whether an update may not touch a column: the key, generated and computed ones, and those made read-only.
fn guarded(table: &Table, column: &Column) -> bool {
    table.key_column == Some(column.ordinal)
        || column.constraints.generated.is_some()
        || !column.writable()
        || counts(column)
}

/// Whether the store numbers the column.
fn counts(column: &Column) -> bool {
    column.field_type == "autoNumber" || column.constraints.generated == Some(Generated::Autoincrement)
}

/// A caller that sends back what it read does not try to change anything.
fn says_the_same(table: &Table, current: &Record, column: &Column, raw: &Raw) -> bool {
    let Raw::Json(json, _) = raw else { return false };
    let now = if table.key_column == Some(column.ordinal) {
        match &current.key {
            Key::Int(int) => Json::from(*int),
            key => Json::from(key.to_string()),
        }
    } else {
        let field = column
            .kind()
            .system()
            .unwrap_or(crate::filter::FieldRef::Column(column.ordinal));
        let value = current.field(&field);
        if value.is_null() {
            Json::Null
        } else {
            column.kind().to_json(&value, column)
        }
    };
    now == **json
}

/// The value of a column that the caller left out: generated, else default, else null.
fn absent(column: &Column, context: &mut Context) -> Result<Value, Issue> {
    if let Some(generated) = column.constraints.generated {
        return Ok(match generated {
            Generated::Uuid => Value::Text((context.fresh)().to_string()),
            Generated::Cuid => Value::Text(format!("c{}", (context.fresh)().simple())),
            Generated::Timestamp => Value::Int(context.now),
            Generated::Autoincrement => Value::Null,
        });
    }
    match &column.default {
        None => Ok(Value::Null),
        Some(DefaultValue::Value(Json::Null)) => Ok(Value::Null),
        Some(DefaultValue::Value(json)) => column.kind().parse(json, column),
        Some(DefaultValue::Function(function)) => {
            let json = match function {
                DefaultFunction::Now if column.field_type == "time" => {
                    Json::from(&crate::time::instant_text(context.now)[11..19])
                }
                DefaultFunction::Now if column.kind().storage() == Storage::Number => Json::from(context.now),
                DefaultFunction::Now if column.field_type != "date" => {
                    Json::from(crate::time::instant_text(context.now))
                }
                DefaultFunction::Now | DefaultFunction::Today => {
                    Json::from(crate::time::date_text(crate::time::day_of(context.now)))
                }
                DefaultFunction::Uuid => Json::from((context.fresh)().to_string()),
                DefaultFunction::CurrentUser => match &context.actor {
                    Some(actor) => Json::from(&**actor),
                    None => return Ok(Value::Null),
                },
            };
            column.kind().parse(&json, column)
        }
    }
}

/// The draw that a column's value needs: a fresh number, or room made for the one that was brought.
fn draw(table: &Table, column: &Column, value: &Value) -> Option<(Option<u16>, Option<i64>)> {
    if !counts(column) {
        return None;
    }
    let target = if table.key_column == Some(column.ordinal) {
        None
    } else {
        Some(column.ordinal)
    };
    match value {
        Value::Null => Some((target, None)),
        Value::Int(int) => Some((target, Some(*int))),
        _ => None,
    }
}

/// The key of a new record, taken out of its column's slot.
fn choose_key(
    table: &Table,
    values: &mut [Value],
    given: Option<Key>,
    draws: &[(Option<u16>, Option<i64>)],
    context: &mut Context,
) -> Result<Key, Issue> {
    let Some(column) = table.key_column() else {
        return match given {
            Some(key) if key.kind() == table.key_kind => Ok(key),
            Some(key) => Err(Issue::new("id", Code::Format, format!("\"{key}\" is not a UUID"))),
            None => Ok(Key::Uuid((context.fresh)())),
        };
    };
    let value = std::mem::take(&mut values[usize::from(column.ordinal)]);
    if value.is_null() && draws.iter().any(|(target, _)| target.is_none()) {
        return Ok(Key::Int(0));
    }
    key_from(table.key_kind, &value).ok_or_else(|| match (&value, table.key_kind) {
        (Value::Null, _) => Issue::new(&column.slug, Code::Required, "Field is required"),
        (_, KeyKind::Int) => Issue::new(&column.slug, Code::Type, "A key is a whole number"),
        _ => {
            let message = format!("A key has 1 to {} bytes", crate::limits::KEY_BYTES_MAX);
            Issue::new(&column.slug, Code::Limit, message)
        }
    })
}

/// Fields that no column declares: kept in open tables, issues in strict ones. Metadata is never written through data.
fn undeclared(
    table: &Table,
    input: Input,
    seen: usize,
    kept: Option<&JsonMap>,
    found: &mut Findings,
) -> Option<Box<JsonMap>> {
    let Input::Object(object, _) = input else {
        return kept.map(|kept| Box::new(kept.clone()));
    };
    let mut extra = kept.cloned();
    if object.len() > seen {
        for (name, json) in object.iter().filter(|(name, _)| table.column(name).is_none()) {
            if ["_display", "_files", "_id"].contains(&name.as_str()) {
                found.ignored.push(name.clone());
            } else if name.starts_with('_') && table.field(name).is_some_and(|field| !is_extra(&field)) {
                found.refuse_name(name);
            } else if table.strict {
                let message = unknown_name("column", name, table.slugs());
                found.issues.push(Issue::new(name, Code::UnknownColumn, message));
            } else if json.is_null() && kept.is_some() {
                if let Some(extra) = &mut extra {
                    extra.shift_remove(name);
                }
            } else {
                extra.get_or_insert_default().insert(name.clone(), json.clone());
            }
        }
    }
    extra.filter(|extra| !extra.is_empty()).map(Box::new)
}

fn is_extra(field: &crate::filter::FieldRef) -> bool {
    matches!(field, crate::filter::FieldRef::Extra(_))
}
