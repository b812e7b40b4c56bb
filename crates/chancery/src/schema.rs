//! Definitions: tables, columns and options are made and changed here, one at a time. No records are written.

use std::sync::Arc;

use chancery_model::column::{Constraints, DefaultValue, SelectOption};
use chancery_model::define::{self, ColumnInput, OptionInput, TableInput};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::issue::unknown_name;
use chancery_model::query::{Plan, Scope};
use chancery_model::{Code, Column, Issue, Json, JsonMap, Table, TableId, Value, limits};
use chancery_storage::{CountMode, Counter, Rejection, SchemaWrite, StorageError, Write};

use crate::error::Error;
use crate::names::{NAME_KIND, name_free, name_taken, taken};
use crate::store::{Commit, Store, TableHandle};

/// What changes of a table; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct TablePatch {
    /// What people call it.
    pub name: Option<String>,
    /// Help text for people.
    pub description: Option<String>,
    /// An icon name; the inner none clears it.
    pub icon: Option<Option<String>>,
    /// A colour; the inner none clears it.
    pub color: Option<Option<String>>,
    /// Settings, replaced as a whole.
    pub settings: Option<JsonMap>,
}

/// What changes of a column; what is none stays. The slug and the field type never change.
#[derive(Clone, Debug, Default)]
pub struct ColumnPatch {
    /// What people call it.
    pub name: Option<String>,
    /// Help text for people.
    pub description: Option<String>,
    /// Settings of the field type, replaced as a whole.
    pub config: Option<JsonMap>,
    /// What values must satisfy, replaced as a whole.
    pub constraints: Option<Constraints>,
    /// The default; the inner none clears it.
    pub default: Option<Option<DefaultValue>>,
    /// Wants an index.
    pub indexed: Option<bool>,
    /// Place in the order people see.
    pub order_index: Option<i64>,
    /// Width on screen; the inner none clears it.
    pub width: Option<Option<u32>>,
    /// Hidden from grids and forms.
    pub hidden: Option<bool>,
    /// Names a record to people.
    pub primary: Option<bool>,
    /// Cannot be written by callers.
    pub read_only: Option<bool>,
}

/// What changes of an option; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct OptionPatch {
    /// What people see.
    pub name: Option<String>,
    /// A colour; the inner none clears it.
    pub color: Option<Option<String>>,
    /// An icon; the inner none clears it.
    pub icon: Option<Option<String>>,
    /// Place in the order people see.
    pub order_index: Option<i64>,
}

impl Store {
    /// Makes a table.
    ///
    /// # Errors
    /// [`Error::Definition`] with every mistake, [`Error::Taken`] if the workspace has a table of this slug.
    #[doc(alias = "defineBucket")]
    pub async fn create_table(&self, input: TableInput) -> Result<TableHandle, Error> {
        let _alone = self.core.defining.lock().await;
        let now = self.now();
        // Checked before a number is drawn, so that mistakes cost none.
        self.decide(now, |context| {
            define::check_table(&input, TableId(0), &self.workspace, context)
        })
        .map_err(Error::Definition)?;
        let number = TableId(self.core.backend.draw(Counter::Tables, 1).await? as u32);
        let table = self
            .decide(now, |context| {
                define::check_table(&input, number, &self.workspace, context)
            })
            .map_err(Error::Definition)?;
        if self
            .core
            .catalog
            .load()
            .table(&self.workspace, &table.slug)
            .is_some()
        {
            return Err(taken(&table.slug));
        }
        let handle = self.handle(&table);
        let slug = table.slug.clone();
        let how = Commit {
            documents: vec![name_taken(&table)],
            ..Commit::default()
        };
        let create = vec![Write::Schema(SchemaWrite::Create(Arc::new(table)))];
        let created = self.commit(create, now, how).await;
        self.reload().await?;
        match created {
            // Another process was faster.
            Err(StorageError::DocumentConflict { kind, .. }) if kind == NAME_KIND => Err(taken(&slug)),
            created => {
                created?;
                Ok(handle)
            }
        }
    }

    /// Makes a table in the bucket vocabulary: `{key, schema, indexes, ttl}`. Records come and go in flat form.
    ///
    /// # Errors
    /// As [`Store::create_table`].
    pub async fn define_bucket(&self, name: &str, definition: &Json) -> Result<TableHandle, Error> {
        self.create_table(define::bucket::bucket(name, definition).map_err(Error::Definition)?)
            .await
    }
}

impl TableHandle {
    /// Changes what people see of the table.
    ///
    /// # Errors
    /// [`Error::Definition`].
    pub async fn update_table(&self, patch: TablePatch) -> Result<Arc<Table>, Error> {
        self.change(|table| {
            if let Some(name) = &patch.name {
                check_name("name", name)?;
                table.name.clone_from(name);
            }
            patch
                .description
                .clone()
                .inspect(|text| table.description.clone_from(text));
            patch.icon.clone().inspect(|icon| table.icon.clone_from(icon));
            patch.color.clone().inspect(|color| table.color.clone_from(color));
            patch
                .settings
                .clone()
                .inspect(|settings| table.settings.clone_from(settings));
            Ok(())
        })
        .await
    }

    /// Drops the table with its records, for good.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is dropped already.
    pub async fn drop_table(&self) -> Result<(), Error> {
        let _alone = self.store.core.defining.lock().await;
        let table = self.definition()?;
        let how = Commit {
            documents: vec![name_free(&table)],
            ..Commit::default()
        };
        let drop = vec![Write::Schema(SchemaWrite::Drop(table))];
        self.store.commit(drop, self.store.now(), how).await?;
        self.store.reload().await
    }

    /// Adds a column; existing records have null in it, whatever its default.
    ///
    /// # Errors
    /// [`Error::Definition`] with every mistake.
    pub async fn add_column(&self, input: ColumnInput) -> Result<Column, Error> {
        let mut added = None;
        let table = self
            .change(|table| {
                if table.live().count() >= limits::COLUMNS_MAX {
                    let message = format!("A table has at most {} columns", limits::COLUMNS_MAX);
                    return Err(vec![Issue::new("columns", Code::Limit, message)]);
                }
                let now = self.store.now();
                let column = self
                    .store
                    .decide(now, |context| define::check_column(&input, table, context))?;
                added = Some(column.ordinal);
                table.columns.push(column);
                Ok(())
            })
            .await?;
        let ordinal = added.ok_or_else(|| Error::Internal("no column was added".into()))?;
        Ok(table.at(ordinal).clone())
    }

    /// The live column with this slug or id.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest slug.
    pub fn column(&self, name: &str) -> Result<Column, Error> {
        let table = self.definition()?;
        find(&table, name).map(|ordinal| table.at(ordinal).clone())
    }

    /// Changes a column.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`]: also when existing records break a new constraint, saying how many.
    pub async fn update_column(&self, name: &str, patch: ColumnPatch) -> Result<Column, Error> {
        let ordinal = find(&*self.definition()?, name)?;
        self.check_against_records(ordinal, &patch).await?;
        let table = self
            .change(|table| {
                let others_primary: Vec<usize> = (0..table.columns.len())
                    .filter(|at| *at != usize::from(ordinal))
                    .collect();
                if patch.primary == Some(true) {
                    for at in others_primary {
                        table.columns[at].primary = false;
                    }
                }
                let is_key = table.key_column == Some(ordinal);
                let column = &mut table.columns[usize::from(ordinal)];
                apply(column, &patch)?;
                if is_key {
                    column.constraints.unique = false;
                    column.indexed = false;
                }
                let mut issues = Vec::new();
                define::check_made(column, &mut issues);
                if issues.is_empty() { Ok(()) } else { Err(issues) }
            })
            .await?;
        Ok(table.at(ordinal).clone())
    }

    /// Counts what a new constraint or setting would break, and refuses it if anything would.
    async fn check_against_records(&self, ordinal: u16, patch: &ColumnPatch) -> Result<(), Error> {
        let table = self.definition()?;
        let column = table.at(ordinal);
        if patch
            .constraints
            .as_ref()
            .is_some_and(|new| new.required && !column.constraints.required)
            && table.key_column != Some(ordinal)
        {
            let filter = Filter::Field(FieldRef::Column(ordinal), Test::Eq(Value::Null));
            let plan = Plan {
                filter,
                scope: Scope::Live,
                ..Plan::all(table.clone(), self.store.now())
            };
            let blank = self.backend().count(&plan, CountMode::Exact).await?;
            if blank > 0 {
                let message = format!("{blank} record(s) have no value; fill them before requiring one");
                return Err(Error::Definition(vec![
                    Issue::new("required", Code::Definition, message).with("records", blank),
                ]));
            }
        }
        if let Some(config) = &patch.config {
            let changed = Column {
                config: config.clone(),
                ..column.clone()
            };
            let stats = self.backend().stats(&table).await?;
            if changed.kind().storage() == chancery_model::field::Storage::Decimal
                && changed.scale() != column.scale()
                && stats.live + stats.trash > 0
            {
                let message =
                    "The precision of a column with records cannot change; add a new column instead";
                return Err(Error::Definition(vec![Issue::new(
                    "config.precision",
                    Code::Definition,
                    message,
                )]));
            }
        }
        Ok(())
    }

    /// Deletes a column: its values are no longer seen.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`] for the key column.
    pub async fn delete_column(&self, name: &str) -> Result<(), Error> {
        let ordinal = find(&*self.definition()?, name)?;
        let now = self.store.now();
        self.change(|table| {
            if table.key_column == Some(ordinal) {
                return Err(vec![Issue::new(
                    "column",
                    Code::Definition,
                    "The key column cannot be deleted",
                )]);
            }
            table.indexes.retain(|index| !index.contains(&ordinal));
            let column = &mut table.columns[usize::from(ordinal)];
            column.deleted_at = Some(now);
            column.primary = false;
            column.indexed = false;
            column.constraints.unique = false;
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Puts columns into this order; columns that are not named follow in their old order.
    ///
    /// # Errors
    /// [`Error::Definition`] for names that are no columns.
    pub async fn reorder_columns(&self, names: &[String]) -> Result<Arc<Table>, Error> {
        self.change(|table| {
            let mut order = Vec::with_capacity(table.columns.len());
            let mut issues = Vec::new();
            for name in names {
                match find(table, name) {
                    Ok(ordinal) if !order.contains(&ordinal) => order.push(ordinal),
                    Ok(_) => issues.push(Issue::new(
                        "columns",
                        Code::Definition,
                        format!("\"{name}\" stands twice"),
                    )),
                    Err(error) => issues.push(Issue::new("columns", Code::UnknownColumn, error.to_string())),
                }
            }
            if !issues.is_empty() {
                return Err(issues);
            }
            let rest: Vec<u16> = table
                .ordered()
                .iter()
                .map(|column| column.ordinal)
                .filter(|ordinal| !order.contains(ordinal))
                .collect();
            for (index, ordinal) in order.into_iter().chain(rest).enumerate() {
                table.columns[usize::from(ordinal)].order_index = index as i64;
            }
            Ok(())
        })
        .await
    }

    /// Adds an option to a select column.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn add_option(&self, column: &str, input: OptionInput) -> Result<SelectOption, Error> {
        let id = input
            .id
            .clone()
            .unwrap_or_else(|| format!("opt-{}", uuid::Uuid::now_v7().simple()));
        self.change_options(column, |options| {
            if options.iter().any(|option| option.id == id) {
                return Err(vec![Issue::new(
                    "id",
                    Code::Unique,
                    format!("An option {id} exists already"),
                )]);
            }
            let order_index = options
                .iter()
                .map(|option| option.order_index)
                .max()
                .unwrap_or(-1)
                + 1;
            let OptionInput {
                name, color, icon, ..
            } = input.clone();
            options.push(SelectOption {
                id: id.clone(),
                name,
                color,
                icon,
                order_index,
                deleted_at: None,
            });
            Ok(())
        })
        .await?;
        self.option(column, &id)
    }

    /// Changes an option.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn update_option(
        &self,
        column: &str,
        option: &str,
        patch: OptionPatch,
    ) -> Result<SelectOption, Error> {
        self.option(column, option)?;
        self.change_options(column, |options| {
            for target in options.iter_mut().filter(|candidate| candidate.id == option) {
                patch.name.clone().inspect(|name| target.name.clone_from(name));
                patch
                    .color
                    .clone()
                    .inspect(|color| target.color.clone_from(color));
                patch.icon.clone().inspect(|icon| target.icon.clone_from(icon));
                patch.order_index.inspect(|index| target.order_index = *index);
            }
            Ok(())
        })
        .await?;
        self.option(column, option)
    }

    /// Deletes an option: records that hold it keep it, new ones cannot take it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_option(&self, column: &str, option: &str) -> Result<(), Error> {
        self.option(column, option)?;
        let now = self.store.now();
        self.change_options(column, |options| {
            for target in options.iter_mut().filter(|candidate| candidate.id == option) {
                target.deleted_at = Some(now);
            }
            Ok(())
        })
        .await
    }

    /// The live option with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn option(&self, column: &str, option: &str) -> Result<SelectOption, Error> {
        let column = self.column(column)?;
        let found = column
            .live_options()
            .find(|candidate| candidate.id == option)
            .cloned();
        found.ok_or_else(|| {
            let ids = column.live_options().map(|option| option.id.as_str());
            Error::NotFound {
                what: "option",
                message: unknown_name("option", option, ids),
            }
        })
    }

    async fn change_options(
        &self,
        name: &str,
        edit: impl Fn(&mut Vec<SelectOption>) -> Result<(), Vec<Issue>>,
    ) -> Result<(), Error> {
        let ordinal = find(&*self.definition()?, name)?;
        self.change(|table| {
            let column = &mut table.columns[usize::from(ordinal)];
            if !column.kind().flags().needs_options {
                let message = format!("A {} column has no options", column.field_type);
                return Err(vec![Issue::new("options", Code::Definition, message)]);
            }
            edit(&mut column.options)?;
            let mut issues = Vec::new();
            define::check_made(column, &mut issues);
            if issues.is_empty() { Ok(()) } else { Err(issues) }
        })
        .await?;
        Ok(())
    }

    /// Changes the definition, one change after the other.
    pub(crate) async fn change(
        &self,
        mut edit: impl FnMut(&mut Table) -> Result<(), Vec<Issue>>,
    ) -> Result<Arc<Table>, Error> {
        let _alone = self.store.core.defining.lock().await;
        for _ in 0..8 {
            let before = self.definition()?;
            let mut after = Table::clone(&before);
            edit(&mut after).map_err(Error::Definition)?;
            after.schema_version += 1;
            after.updated_at = self.store.now();
            after.refresh();
            for column in &mut after.columns {
                column.refresh();
            }
            let after = Arc::new(after);
            let write = Write::Schema(SchemaWrite::Change {
                before,
                after: after.clone(),
            });
            match self
                .store
                .commit(vec![write], self.store.now(), Commit::default())
                .await
            {
                Ok(_) => {
                    self.store.reload().await?;
                    return Ok(after);
                }
                Err(StorageError::Rejected(why)) => match why.into_iter().next() {
                    Some((_, Rejection::UniqueTaken { column, .. })) => {
                        let message = format!(
                            "Records share a value in \"{}\"; find and mend them first",
                            after.at(column).slug
                        );
                        return Err(Error::Definition(vec![Issue::new(
                            "unique",
                            Code::Unique,
                            message,
                        )]));
                    }
                    _ => self.store.reload().await?,
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(self.gave_up())
    }
}

/// The ordinal of the live column with this slug or id.
fn find(table: &Table, name: &str) -> Result<u16, Error> {
    let by_id = || table.live().find(|column| column.id == name);
    let column = table.column(name).or_else(by_id);
    column
        .map(|column| column.ordinal)
        .ok_or_else(|| Error::NotFound {
            what: "column",
            message: unknown_name("column", name, table.slugs()),
        })
}

fn apply(column: &mut Column, patch: &ColumnPatch) -> Result<(), Vec<Issue>> {
    if let Some(name) = &patch.name {
        check_name("name", name)?;
        column.name.clone_from(name);
    }
    patch
        .description
        .clone()
        .inspect(|text| column.description.clone_from(text));
    patch
        .config
        .clone()
        .inspect(|config| column.config.clone_from(config));
    patch
        .constraints
        .clone()
        .inspect(|constraints| column.constraints.clone_from(constraints));
    patch
        .default
        .clone()
        .inspect(|default| column.default.clone_from(default));
    patch.indexed.inspect(|indexed| column.indexed = *indexed);
    patch.order_index.inspect(|index| column.order_index = *index);
    patch.width.inspect(|width| column.width = *width);
    patch.hidden.inspect(|hidden| column.hidden = *hidden);
    patch.primary.inspect(|primary| column.primary = *primary);
    patch.read_only.inspect(|read_only| column.read_only = *read_only);
    column.refresh();
    Ok(())
}

fn check_name(field: &str, name: &str) -> Result<(), Vec<Issue>> {
    let length = name.trim().chars().count();
    if length == 0 || length > limits::NAME_CHARS_MAX {
        let message = format!("A name has 1 to {} characters", limits::NAME_CHARS_MAX);
        return Err(vec![Issue::new(field, Code::Definition, message)]);
    }
    Ok(())
}
