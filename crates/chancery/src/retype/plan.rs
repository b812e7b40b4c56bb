//! What another field type would make of the values of a column, counted over all records. Writes nothing.

use std::collections::{BTreeMap, HashSet};

use chancery_model::column::{OnLoss, SelectOption};
use chancery_model::convert::{is_kept, lacking, remade};
use chancery_model::define::{self, Aside};
use chancery_model::limits::OPTIONS_MAX;
use chancery_model::{Code, Column, Issue, Json, Record, Table, Value};
use uuid::Uuid;

use super::{TypeChange, check_elsewhere};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::{RETYPE_AT_ONCE, RETYPE_EXAMPLES_MAX};
use crate::replace::{check_settled_column, page};
use crate::schema::find;

/// What a change of field type would do.
#[derive(Clone, Debug, Default)]
pub struct TypePlan {
    /// The column as it would be.
    pub column: Column,
    /// Records of the table, those in the trash included.
    pub records: u64,
    /// Records that have no value.
    pub blank: u64,
    /// Values that say all that they said.
    pub kept: u64,
    /// Values that say something else, or less: `00501` becomes 501.
    pub changed: u64,
    /// Values that cannot be of the new type.
    pub lost: u64,
    /// Values that were lost when the column became what it is, and come back.
    pub restored: u64,
    /// Values that others have already, in a column that is unique.
    pub duplicates: u64,
    /// Some of the changed values.
    pub changes: Vec<ValueChange>,
    /// The lost values by reason.
    pub losses: Vec<Losses>,
    /// Some of the values that are not unique.
    pub twice: Vec<ValueChange>,
    /// The names of the options that would be made.
    pub new_options: Vec<String>,
    /// What the column would lose of its definition, and what else is to be known.
    pub asides: Vec<Aside>,
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueChange {
    /// The key of the record.
    pub record: String,
    /// Whether it is in the trash.
    pub in_trash: bool,
    /// The value as it is.
    pub before: Json,
    /// The value as it would be.
    pub after: Json,
}

/// Values that are lost for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// The reason.
    pub code: Code,
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<LostValue>,
}

/// A value that cannot be of the new type.
#[derive(Clone, Debug, PartialEq)]
pub struct LostValue {
    /// The key of the record.
    pub record: String,
    /// Whether it is in the trash.
    pub in_trash: bool,
    /// The value.
    pub value: Json,
    /// Why.
    pub message: String,
}

impl TypePlan {
    /// Why the change is not done: what would be lost without being asked for.
    pub fn stops(&self) -> Vec<Issue> {
        let on_loss = self
            .column
            .made_from
            .as_ref()
            .map(|made| made.on_loss)
            .unwrap_or_default();
        let mut issues = Vec::new();
        let required = self.column.constraints.required;
        if self.lost > 0 && (on_loss == OnLoss::Refuse || required) {
            let (_, first) = self
                .losses
                .iter()
                .find_map(|losses| Some((losses.code, losses.examples.first()?)))
                .unzip();
            let example = first.map(|lost| {
                format!(
                    ", as {} of record \"{}\": {}",
                    lost.value, lost.record, lost.message
                )
            });
            let next = match required {
                true => "mend them; as the column is required, they cannot become null",
                false => "mend them, or let them become null with onLoss",
            };
            let message = format!(
                "{} value(s) cannot be of type {}{}; {next}",
                self.lost,
                self.column.field_type,
                example.unwrap_or_default()
            );
            issues.push(Issue::new("fieldType", Code::Definition, message).with("lost", self.lost));
        }
        if self.duplicates > 0 {
            let message = format!(
                "{} value(s) would be the same as others, and the column is unique; mend them, or let it not be unique",
                self.duplicates
            );
            issues.push(Issue::new("unique", Code::Unique, message).with("records", self.duplicates));
        }
        issues
    }
}

impl TableHandle {
    /// What a change of field type would do, counted over all records, those in the trash included. Nothing is written.
    ///
    /// # Errors
    /// As [`TableHandle::change_type`], but for values that would be lost: those are counted.
    pub async fn plan_type_change(&self, column: &str, change: &TypeChange) -> Result<TypePlan, Error> {
        let table = self.definition()?;
        let from = table.at(find(&table, column)?);
        check_settled_column(&table, from.ordinal)?;
        let mut to = from.clone();
        let asides = define::retype(&table, from, &mut to, &change.retype()).map_err(Error::Definition)?;
        let issues = check_elsewhere(&self.store, &swapped(&table, from, &to));
        if !issues.is_empty() {
            return Err(Error::Definition(issues));
        }
        let mut count = Counting {
            table: &table,
            from,
            create: change.create_options && to.field().flags().needs_options,
            plan: TypePlan {
                column: strict(&to, OnLoss::Refuse),
                asides,
                ..TypePlan::default()
            },
            losses: BTreeMap::new(),
            seen: HashSet::new(),
        };
        let mut after: Option<String> = None;
        loop {
            let records = page(self, &table, after.as_deref(), RETYPE_AT_ONCE).await?;
            let Some(last) = records.last() else { break };
            after = Some(last.key.to_string());
            records.iter().for_each(|record| count.record(record));
        }
        let mut plan = count.plan;
        plan.losses = count.losses.into_values().collect();
        plan.losses.sort_by_key(|losses| std::cmp::Reverse(losses.count));
        plan.column = strict(&plan.column, change.on_loss);
        plan.asides.extend(self.views_naming(&from.slug).await?);
        Ok(plan)
    }

    /// What there is to know of views that name a column.
    async fn views_naming(&self, slug: &str) -> Result<Option<Aside>, Error> {
        let mut views = self.views().await?;
        views.retain(|view| view.settings.values().any(|setting| names(setting, slug)));
        let named: Vec<String> = views.iter().map(|view| format!("\"{}\"", view.name)).collect();
        Ok((!named.is_empty()).then(|| Aside {
            about: "views".into(),
            message: format!(
                "These views name it, and a filter that does not fit the new type is refused when they are opened: {}",
                named.join(", ")
            ),
        }))
    }
}

fn names(json: &Json, slug: &str) -> bool {
    match json {
        Json::String(text) => text == slug,
        Json::Array(items) => items.iter().any(|item| names(item, slug)),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name == slug || names(value, slug)),
        _ => false,
    }
}

fn strict(column: &Column, on_loss: OnLoss) -> Column {
    let mut column = column.clone();
    if let Some(made) = &mut column.made_from {
        made.on_loss = on_loss;
    }
    column
}

/// The table as it would be.
fn swapped(table: &Table, from: &Column, to: &Column) -> Table {
    let mut after = table.clone();
    after.columns[usize::from(from.ordinal)].deleted_at = Some(0);
    after.columns.push(Column {
        ordinal: table.columns.len() as u16,
        ..to.clone()
    });
    after
}

/// The counts while records are looked at.
struct Counting<'a> {
    table: &'a Table,
    from: &'a Column,
    /// Whether options are made that are lacking.
    create: bool,
    plan: TypePlan,
    losses: BTreeMap<&'static str, Losses>,
    /// Values of a unique column.
    seen: HashSet<String>,
}

impl Counting<'_> {
    fn record(&mut self, record: &Record) {
        self.plan.records += 1;
        let before = record.value(self.from.ordinal);
        let kept = |ordinal: u16| record.value(ordinal).clone();
        let mut outcome = remade(self.table, &self.plan.column, before, &kept);
        if self.create && outcome.as_ref().is_err_and(|issue| issue.code == Code::Enum) {
            self.make_options(before);
            outcome = remade(self.table, &self.plan.column, before, &kept);
        }
        match outcome {
            Ok(after) if before.is_null() => match after {
                Value::Null => self.plan.blank += 1,
                after => {
                    self.plan.restored += 1;
                    self.unique(record, before, &after);
                }
            },
            Ok(after) => {
                match is_kept((self.from, &self.plan.column), before, &after) {
                    true => self.plan.kept += 1,
                    false => {
                        self.plan.changed += 1;
                        if self.plan.changes.len() < RETYPE_EXAMPLES_MAX {
                            self.plan.changes.push(self.example(record, before, &after));
                        }
                    }
                }
                self.unique(record, before, &after);
            }
            Err(_) if before.is_null() => self.plan.blank += 1,
            Err(issue) => self.lose(record, before, issue),
        }
    }

    fn make_options(&mut self, value: &Value) {
        for name in lacking((self.from, &self.plan.column), value) {
            let options = &mut self.plan.column.options;
            if options.len() == OPTIONS_MAX {
                return;
            }
            options.push(SelectOption {
                id: format!("opt-{}", Uuid::now_v7().simple()),
                name: name.clone(),
                order_index: options.len() as i64,
                ..SelectOption::default()
            });
            self.plan.new_options.push(name);
        }
    }

    /// Notes a value that a live record has already.
    fn unique(&mut self, record: &Record, before: &Value, after: &Value) {
        let counts = self.plan.column.constraints.unique && record.deleted_at.is_none() && !after.is_null();
        if counts && !self.seen.insert(json(&self.plan.column, after).to_string()) {
            self.plan.duplicates += 1;
            if self.plan.twice.len() < RETYPE_EXAMPLES_MAX {
                self.plan.twice.push(self.example(record, before, after));
            }
        }
    }

    fn lose(&mut self, record: &Record, before: &Value, issue: Issue) {
        self.plan.lost += 1;
        let code = issue.code;
        let losses = self.losses.entry(code.as_str()).or_insert_with(|| Losses {
            code,
            count: 0,
            examples: Vec::new(),
        });
        losses.count += 1;
        if losses.examples.len() < RETYPE_EXAMPLES_MAX {
            losses.examples.push(LostValue {
                record: record.key.to_string(),
                in_trash: record.deleted_at.is_some(),
                value: json(self.from, before),
                message: issue.message,
            });
        }
    }

    fn example(&self, record: &Record, before: &Value, after: &Value) -> ValueChange {
        ValueChange {
            record: record.key.to_string(),
            in_trash: record.deleted_at.is_some(),
            before: json(self.from, before),
            after: json(&self.plan.column, after),
        }
    }
}

fn json(column: &Column, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        value => column.field().to_json(value, column),
    }
}
