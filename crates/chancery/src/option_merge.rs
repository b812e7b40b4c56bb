//! Two options of a select column become one: records that hold the one hold the other from then on. What else is done with options is in
//! [`crate::options`].

use std::sync::Arc;

use chancery_model::change::{ChangeKind, Reason};
use chancery_model::column::{DefaultValue, Merged, SelectOption};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope, Window};
use chancery_model::{Code, Issue, Json, Record, Table, Value};
use chancery_storage::{CountMode, Mode, OnReject, Write};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::OPTION_MERGE_AT_ONCE;
use crate::replace::check_settled_column;
use crate::rules::Unsettled;
use crate::schema::find;
use crate::store::{Commit, Store};
use crate::views::View;

/// How often it is tried again while others write the same records.
const ATTEMPTS: u32 = 64;

/// What a merge of two options left.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedOption {
    /// The option that stays.
    pub option: SelectOption,
    /// Records that held the other one, those in the trash included.
    pub records: u64,
    /// Views that named the other one in a filter, and name this one now.
    pub views: u64,
    /// The operation, for [`Store::revert`], which brings the other option back too; none if no record held it, or in a dry run.
    pub operation: Option<Arc<str>>,
}

impl TableHandle {
    /// Merges an option of a select column into another: every record that holds it, in the trash too, holds the other one; so do the
    /// default and the filters of views. The option is deleted. All of it is one operation; a merge that a program left is
    /// finished by asking for it again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let state = ColumnInput::new("State", "select").options(["Done", "Finished"]);
    /// let tasks = store.create_table(TableInput::new("Tasks").column(state)).await?;
    /// let task = tasks.insert(json!({"state": "Finished"})).await?;
    /// let options = tasks.column("state")?.options;
    /// let merged = tasks.merge_option("state", &options[1].id, &options[0].id, false).await?;
    /// assert_eq!(merged.records, 1);
    /// assert_eq!(tasks.get(task.key()).await?.expect("there").get("state"), json!(options[0].id));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] of an option that is not there; [`Error::Definition`] for one into itself, or a column without options; [`Error::Taken`] while all
    /// values of the column are changed.
    pub async fn merge_option(
        &self,
        column: &str,
        option: &str,
        into: &str,
        dry_run: bool,
    ) -> Result<MergedOption, Error> {
        let table = self.definition()?;
        let ordinal = find(&table, column)?;
        let stays = self.option(column, into)?;
        if option == into {
            let message = "An option is not merged into itself; name another one";
            return Err(Error::Definition(vec![Issue::new(
                "into",
                Code::Definition,
                message,
            )]));
        }
        let left = table
            .at(ordinal)
            .option(option)
            .and_then(|option| option.merged.clone());
        let left = left.filter(|merged| merged.into == into);
        let goes = match &left {
            Some(_) => table.at(ordinal).option(option).cloned().unwrap_or_default(),
            None => self.option(column, option)?,
        };
        check_settled_column(&table, ordinal)?;
        if dry_run {
            let plan = holding(&table, ordinal, option);
            return Ok(MergedOption {
                records: self.backend().count(&plan, CountMode::Exact).await?,
                views: self
                    .point_views((column_slug(&table, ordinal), &goes, into), true)
                    .await?,
                option: stays,
                operation: None,
            });
        }
        let operation: Arc<str> = match left {
            Some(left) => left.operation.into(),
            None => Uuid::now_v7().to_string().into(),
        };
        // First nobody can take it any more, then it goes from those that have it.
        self.merge_definition(ordinal, &goes, into, &operation).await?;
        let records = self.point_records(ordinal, (option, into), &operation).await?;
        let views = self
            .point_views((column_slug(&table, ordinal), &goes, into), false)
            .await?;
        Ok(MergedOption {
            option: self.option(column, into)?,
            records,
            views,
            operation: (records > 0).then_some(operation),
        })
    }

    async fn merge_definition(
        &self,
        ordinal: u16,
        goes: &SelectOption,
        into: &str,
        operation: &str,
    ) -> Result<(), Error> {
        let now = self.store.now();
        let merged = Merged {
            into: into.to_owned(),
            operation: operation.to_owned(),
        };
        self.change(|table| {
            let column = &mut table.columns[usize::from(ordinal)];
            if column
                .option(into)
                .is_none_or(|option| option.deleted_at.is_some())
            {
                let message = format!("The option \"{into}\" was deleted meanwhile");
                return Err(vec![Issue::new("into", Code::NotFound, message)]);
            }
            for option in column.options.iter_mut().filter(|option| option.id == goes.id) {
                option.deleted_at.get_or_insert(now);
                option.merged = Some(merged.clone());
            }
            if let Some(DefaultValue::Value(json)) = &mut column.default {
                point(json, goes, into);
            }
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Lets every record that holds one option hold another; answers how many that were.
    async fn point_records(
        &self,
        ordinal: u16,
        (from, to): (&str, &str),
        operation: &Arc<str>,
    ) -> Result<u64, Error> {
        let (mut count, mut missed) = (0, 0);
        loop {
            let table = self.definition()?;
            check_settled_column(&table, ordinal)?;
            let records = self.backend().query(&holding(&table, ordinal, from)).await?;
            if records.is_empty() {
                return Ok(count);
            }
            let now = self.store.now();
            let actor = self.store.actor.id.clone();
            let writes: Vec<Write> = records
                .iter()
                .map(|record| {
                    let next = record.next(now, actor.clone());
                    put(&table, (record, next), ordinal, (from, to))
                })
                .collect();
            let how = Commit {
                on_reject: OnReject::Skip,
                mode: Mode::Apply,
                reason: Reason::Merge,
                operation: Some(operation.clone()),
                ..Commit::default()
            };
            let written = match self.store.write(writes, now, how).await {
                Ok(settled) => settled.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64,
                Err(Unsettled::Refused(_)) => 0,
                Err(Unsettled::Failed(error)) => return Err(error),
            };
            // Records that others wrote meanwhile are looked at again.
            count += written;
            missed = if written == 0 { missed + 1 } else { 0 };
            if missed > ATTEMPTS {
                return Err(Error::Internal(
                    "a merge of options was overtaken again and again".into(),
                ));
            }
            self.store.reload().await?;
        }
    }

    /// Lets the filters of all views name the other option; answers how many views that were.
    async fn point_views(
        &self,
        (slug, goes, into): (&str, &SelectOption, &str),
        dry_run: bool,
    ) -> Result<u64, Error> {
        let mut count = 0;
        for mut view in self.kept::<View>().await? {
            let mut changed = false;
            for setting in view.settings.values_mut() {
                changed |= point_filters(setting, slug, goes, into);
            }
            if changed {
                count += 1;
                if !dry_run {
                    self.keep_again(&view).await?;
                }
            }
        }
        Ok(count)
    }
}

impl Store {
    /// Brings back an option that was merged by an operation which is taken back. If its name was given to another one meanwhile, it
    /// stays deleted, and records show it all the same.
    pub(crate) async fn unmerge_option(&self, operation: &str) -> Result<(), Error> {
        let by_it = |option: &SelectOption| {
            option
                .merged
                .as_ref()
                .is_some_and(|merged| merged.operation == operation)
        };
        let tables = self.core.catalog.load().tables(&self.workspace);
        for table in tables {
            let columns = table.live().filter(|column| column.options.iter().any(by_it));
            for column in columns.map(|column| usize::from(column.ordinal)) {
                let handle = self.handle(&table);
                handle
                    .change(|table| {
                        let column = &mut table.columns[column];
                        let names: Vec<String> =
                            column.live_options().map(|option| option.name.clone()).collect();
                        for option in column.options.iter_mut().filter(|option| by_it(option)) {
                            option.merged = None;
                            if !names.contains(&option.name) {
                                option.deleted_at = None;
                            }
                        }
                        Ok(())
                    })
                    .await?;
            }
        }
        Ok(())
    }
}

fn column_slug(table: &Table, ordinal: u16) -> &str {
    &table.at(ordinal).slug
}

/// Records that hold an option, in whatever state, some of them at once.
fn holding(table: &Arc<Table>, ordinal: u16, option: &str) -> Plan {
    let test = match table.at(ordinal).names_several() {
        true => Test::ListAny(vec![option.to_owned()]),
        false => Test::Eq(Value::text(option)),
    };
    Plan {
        filter: Filter::Field(FieldRef::Column(ordinal), test),
        scope: Scope::All,
        window: Window::Offset {
            offset: 0,
            limit: OPTION_MERGE_AT_ONCE,
        },
        ..Plan::all(table.clone(), i64::MIN)
    }
}

/// The write of a record that holds another option instead of one; of several, each once.
fn put(
    table: &Arc<Table>,
    (record, mut next): (&Record, Record),
    ordinal: u16,
    (from, to): (&str, &str),
) -> Write {
    let slot = &mut next.values[usize::from(ordinal)];
    let value = match &*slot {
        Value::List(ids) => {
            let mut left: Vec<String> = Vec::with_capacity(ids.len());
            for id in ids {
                let id = if id == from { to } else { id };
                if !left.iter().any(|own| own == id) {
                    left.push(id.to_owned());
                }
            }
            Value::List(left)
        }
        _ => Value::text(to),
    };
    let old = std::mem::replace(slot, value);
    Write::update(table, record, next, vec![(ordinal, old)], ChangeKind::Updated)
}

/// Lets a value, or a list of them, name the other option; answers whether it named the one.
fn point(json: &mut Json, goes: &SelectOption, into: &str) -> bool {
    match json {
        Json::String(text) if *text == goes.id || *text == goes.name => {
            into.clone_into(text);
            true
        }
        Json::Array(items) => items
            .iter_mut()
            .fold(false, |changed, item| point(item, goes, into) | changed),
        _ => false,
    }
}

/// Lets the conditions on a column in a setting of a view name the other option.
fn point_filters(json: &mut Json, slug: &str, goes: &SelectOption, into: &str) -> bool {
    match json {
        Json::Array(items) => items.iter_mut().fold(false, |changed, item| {
            point_filters(item, slug, goes, into) | changed
        }),
        Json::Object(members) => {
            let own = members.get("column").and_then(Json::as_str) == Some(slug);
            let mut changed = false;
            for (name, value) in members.iter_mut() {
                changed |= match own && name == "value" {
                    true => point(value, goes, into),
                    false => point_filters(value, slug, goes, into),
                };
            }
            changed
        }
        _ => false,
    }
}
