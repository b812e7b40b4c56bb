//! Definitions: tables, columns and options are made and changed here, one at a time. No records are written.

use std::sync::Arc;

use chancery_model::column::{Constraints, DefaultValue};
use chancery_model::define::{self, ColumnInput, TableInput};
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Column, Issue, JsonMap, Table, TableId, limits};
use chancery_storage::{Counter, DocumentWrite, Rejection, SchemaWrite, StorageError, Write};

use crate::catalog::Catalog;
use crate::error::Error;
use crate::files::rows::FILES_WORKSPACE;
use crate::handle::TableHandle;
use crate::names::{NAME_KIND, name_taken, taken};
use crate::replace::{check_settled_column, refusal};
use crate::store::{Commit, Store};
use crate::vault::tables::VAULT_WORKSPACE;

/// How often a definition is made again after another one was faster, before giving up.
pub(crate) const ATTEMPTS: usize = 8;

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
    /// How long records live from now on, in ms; the inner none: for ever.
    pub ttl_ms: Option<Option<i64>>,
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

impl Store {
    /// Makes a table.
    ///
    /// # Errors
    /// [`Error::Definition`] with every mistake, [`Error::Taken`] if the workspace has a table of this slug.
    #[doc(alias = "defineBucket")]
    pub async fn create_table(&self, input: TableInput) -> Result<TableHandle, Error> {
        self.may_add_tables()?;
        let _alone = self.core.defining.lock().await;
        let now = self.now();
        // Checked before a number is drawn, so that mistakes cost none.
        self.decide(now, |context| {
            define::check_table(&input, TableId(0), &self.workspace, context)
        })
        .map_err(Error::Definition)?;
        let number = TableId(self.core.backend.draw(Counter::Tables, 1).await? as u32);
        let mut table = self
            .decide(now, |context| {
                define::check_table(&input, number, &self.workspace, context)
            })
            .map_err(Error::Definition)?;
        table.forgetful = [VAULT_WORKSPACE, FILES_WORKSPACE].contains(&&*self.workspace);
        let (table, handle) = (Arc::new(table.clone()), self.handle(&table));
        for _ in 0..ATTEMPTS {
            let catalog = self.core.catalog.load_full();
            if catalog.table(&self.workspace, &table.slug).is_some() {
                return Err(taken(&table.slug));
            }
            let mut writes = referring(&catalog, None, &table).map_err(Error::Definition)?;
            writes.push(Write::Schema(SchemaWrite::Create(table.clone())));
            match self.write_definitions(writes, vec![name_taken(&table)]).await {
                // Another process was faster.
                Err(Error::Storage(StorageError::DocumentConflict { kind, .. })) if kind == NAME_KIND => {
                    return Err(taken(&table.slug));
                }
                // A table that it refers to has changed.
                Ok(false) => {}
                made => return made.map(|_| handle),
            }
        }
        Err(overtaken())
    }

    /// Writes definitions; answers whether they were still what they were decided on. They are read anew either way.
    pub(crate) async fn write_definitions(
        &self,
        writes: Vec<Write>,
        documents: Vec<DocumentWrite>,
    ) -> Result<bool, Error> {
        let how = Commit {
            documents,
            ..Commit::default()
        };
        let done = self.commit(writes, self.now(), how).await;
        self.reload().await?;
        match done {
            Err(StorageError::Rejected(why))
                if why.iter().all(|(_, why)| *why == Rejection::SchemaChanged) =>
            {
                Ok(false)
            }
            done => {
                done?;
                Ok(true)
            }
        }
    }
}

pub(crate) fn overtaken() -> Error {
    Error::Internal("a definition was overtaken again and again".into())
}

/// What a definition asks of the tables that it refers to: that whoever deletes there knows of it. So their definitions rise
/// too, and a write that was decided before is decided again.
///
/// # Errors
/// Every reference that makes no sense.
pub(crate) fn referring(
    catalog: &Catalog,
    before: Option<&Table>,
    table: &Table,
) -> Result<Vec<Write>, Vec<Issue>> {
    let others = catalog.tables(&table.workspace);
    let mut issues = define::check_references(table, &others);
    issues.extend(define::check_related(table, &others));
    if before.is_some_and(|before| before.ttl_ms.is_none()) {
        issues.extend(define::check_lifetime(table, &others));
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let known = |slug: &str| before.is_some_and(|before| before.references().any(|(_, known)| known == slug));
    let mut slugs: Vec<&str> = table.references().map(|(_, slug)| slug).collect();
    slugs.sort_unstable();
    slugs.dedup();
    let new = slugs
        .into_iter()
        .filter(|slug| *slug != table.slug && !known(slug));
    let rise = |slug| {
        let before = catalog.table(&table.workspace, slug)?.clone();
        let after = Table {
            schema_version: before.schema_version + 1,
            ..Table::clone(&before)
        };
        let after = Arc::new(after);
        Some(Write::Schema(SchemaWrite::Change { before, after }))
    };
    Ok(new.filter_map(rise).collect())
}

impl TableHandle {
    /// Changes what people see of the table, and its time to live: see [`Store::update_bucket`].
    ///
    /// # Errors
    /// [`Error::Definition`].
    pub async fn update_table(&self, patch: TablePatch) -> Result<Arc<Table>, Error> {
        self.change(|table| {
            if let Some(name) = &patch.name {
                define::check_name("name", name)?;
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
            if patch.settings.is_some() {
                let issues = define::check_settings(table);
                if !issues.is_empty() {
                    return Err(issues);
                }
            }
            patch.ttl_ms.inspect(|ttl| table.ttl_ms = *ttl);
            match patch.ttl_ms.flatten() {
                Some(ttl) if ttl <= 0 => {
                    Err(vec![Issue::new("ttl", Code::Definition, "ttl is at least 1 ms")])
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// Adds a column; existing records have null in it, whatever its default.
    ///
    /// # Errors
    /// [`Error::Definition`] with every mistake.
    pub async fn add_column(&self, input: ColumnInput) -> Result<Column, Error> {
        self.check_required(&input).await?;
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
        let table = self.seen()?;
        find(&table, name).map(|ordinal| table.at(ordinal).clone())
    }

    /// Changes a column.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`]: also when existing records break a new constraint, saying how many.
    pub async fn update_column(&self, name: &str, patch: ColumnPatch) -> Result<Column, Error> {
        let ordinal = self.settled(name)?;
        self.check_against_records(ordinal, &patch).await?;
        let table = self
            .change(|table| {
                check_settled_column(table, ordinal).map_err(|error| refusal(&error))?;
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

    /// The ordinal of a column that no other one replaces just now.
    pub(crate) fn settled(&self, name: &str) -> Result<u16, Error> {
        let table = self.definition()?;
        let ordinal = find(&table, name)?;
        check_settled_column(&table, ordinal)?;
        Ok(ordinal)
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

    /// Changes the definition, one change after the other.
    pub(crate) async fn change(
        &self,
        mut edit: impl FnMut(&mut Table) -> Result<(), Vec<Issue>>,
    ) -> Result<Arc<Table>, Error> {
        self.may_define()?;
        let _alone = self.store.core.defining.lock().await;
        for _ in 0..ATTEMPTS {
            let before = self.definition()?;
            let mut after = Table::clone(&before);
            edit(&mut after).map_err(Error::Definition)?;
            if before.ttl_ms.is_none() && after.ttl_ms.is_some() {
                self.check_expiry(&before).await?;
            }
            after.schema_version += 1;
            after.updated_at = self.store.now();
            after.refresh();
            for column in &mut after.columns {
                column.refresh();
            }
            let after = Arc::new(after);
            let catalog = self.store.core.catalog.load_full();
            let mut writes = referring(&catalog, Some(&before), &after).map_err(Error::Definition)?;
            writes.push(Write::Schema(SchemaWrite::Change {
                before,
                after: after.clone(),
            }));
            match self
                .store
                .commit(writes, self.store.now(), Commit::default())
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
pub(crate) fn find(table: &Table, name: &str) -> Result<u16, Error> {
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
        define::check_name("name", name)?;
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
    column.settle();
    column.refresh();
    Ok(())
}
