//! A store that is held to what somebody may do: tables, columns and records beyond that are not there. Who may do what is
//! said in `access`; it says nothing of that by itself.
//!
//! - Records are read through [`Reader`], which asks for those that the filter of a grant admits and blanks what is
//!   hidden, whatever the question says. So what forgets to ask who looks shows nothing.
//! - Definitions name what is written ([`Store::written_by`]: what may not be written is read-only) and what is seen
//!   ([`Store::seen`]: what is hidden is as if it were deleted), so that filters, orders and figures over it are refused as
//!   those over an unknown column.
//! - What is written is checked where all writes go through (`rules/held.rs`).

mod reader;

use std::sync::Arc;

use chancery_model::filter::Filter;
use chancery_model::query::Query;
use chancery_model::{Code, Issue, Record as Row, Table};

use crate::access::{Grant, Place, Rights, Scope};
use crate::catalog::{Catalog, Workspace};
use crate::error::Error;
use crate::record::Record;
use crate::store::Store;

pub(crate) use reader::Reader;

impl Store {
    /// The same store for somebody with these rights: what is beyond them is not there, or refused.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use std::sync::Arc;
    /// use chancery::access::{Rights, Scope};
    /// use chancery::{Store, TableInput};
    ///
    /// let store = Store::open("memory:").await?;
    /// store.create_table(TableInput::new("tasks")).await?;
    /// let guest = store.held_to(Arc::new(Rights::new(Scope::None, vec![])));
    /// assert!(guest.table("tasks").is_err());
    /// # Ok(()) }
    /// ```
    pub fn held_to(&self, rights: Arc<Rights>) -> Store {
        Store {
            reader: self.reader.held_to(rights.clone(), self.core.clone()),
            rights: Some(rights),
            ..self.clone()
        }
    }

    /// Whether a table is there for whoever this store is for.
    pub(crate) fn sees(&self, table: &Table) -> bool {
        self.scope_in(table) > Scope::None
    }

    /// Whether a workspace is there for whoever this store is for.
    pub(crate) fn sees_workspace(&self, catalog: &Catalog, workspace: &Workspace) -> bool {
        let within =
            |rights: &Arc<Rights>| rights.sees_workspace(&workspace.id, &catalog.tables(&workspace.id));
        self.rights.as_ref().is_none_or(within)
    }

    /// What may be done in a table: everything, unless the store is held to less.
    pub fn scope_in(&self, table: &Table) -> Scope {
        self.rights
            .as_ref()
            .map_or(Scope::Admin, |rights| rights.in_table(table))
    }

    /// What may be done in a workspace, by its id.
    pub fn scope_in_workspace(&self, id: &str) -> Scope {
        self.rights
            .as_ref()
            .map_or(Scope::Admin, |rights| rights.in_workspace(id))
    }

    /// Whether columns or records of a table are kept back from whoever this store is for.
    pub fn narrows(&self, table: &Table) -> bool {
        self.rights.as_ref().is_some_and(|rights| rights.narrows(table))
    }

    /// Checks that grants speak of what there is, and that their filters fit.
    ///
    /// # Errors
    /// [`Error::Definition`], one issue for each grant that is wrong.
    pub fn check_grants(&self, grants: &[Grant]) -> Result<(), Error> {
        let catalog = self.core.catalog.load();
        let mut issues = Vec::new();
        for (at, grant) in grants.iter().enumerate() {
            let field = format!("grants.{at}");
            let mut wrong =
                |message: String| issues.push(Issue::new(field.as_str(), Code::Definition, message));
            let (table, column) = match &grant.place {
                Place::Workspace(id) => {
                    if !catalog.workspaces.iter().any(|workspace| workspace.id == *id) {
                        wrong(format!("There is no workspace with the id \"{id}\""));
                    }
                    continue;
                }
                Place::Table(id) => (id, None),
                Place::Column(id, slug) => (id, Some(slug)),
            };
            let Some(table) = catalog.by_id.get(table) else {
                wrong(format!("There is no table with the id \"{table}\""));
                continue;
            };
            if let Some(slug) = column
                && table.column(slug).is_none()
            {
                wrong(format!("The table \"{}\" has no column \"{slug}\"", table.slug));
            }
            if grant.filter.is_some()
                && let Err(found) = self.filter_of(table, grant)
            {
                issues.extend(found.into_iter().map(|issue| Issue {
                    field: field.as_str().into(),
                    ..issue
                }));
            }
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(Error::Definition(issues)),
        }
    }

    fn filter_of(&self, table: &Table, grant: &Grant) -> Result<Filter, Vec<Issue>> {
        let query = Query {
            filter: grant.filter.clone(),
            ..Query::default()
        };
        self.sealing(|cells| query.resolve_filter(table, self.now(), cells))
    }

    /// Refuses new tables to who may not write to the workspace.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn may_add_tables(&self) -> Result<(), Error> {
        match self.scope_in_workspace(&self.workspace) < Scope::Write {
            true => Err(Error::Forbidden {
                message: "You may not make tables in this workspace".into(),
            }),
            false => Ok(()),
        }
    }

    /// Refuses what reaches over all tables to whoever is held to some of them.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn unheld(&self, what: &str) -> Result<(), Error> {
        match self.rights.is_some() {
            true => Err(Error::Forbidden {
                message: format!("{what} reaches over all tables, and your grants speak of some"),
            }),
            false => Ok(()),
        }
    }

    /// Which records of a table are there for whoever this store is for; none if all are.
    pub(crate) fn admitted(&self, table: &Table) -> Option<Filter> {
        self.reader.filter(table)
    }

    /// A record as whoever this store is for sees it.
    pub(crate) fn shown_to(&self, table: &Arc<Table>, row: Arc<Row>) -> Record {
        Record::new(self.seen(table), self.reader.blanked_one(table, row))
    }

    /// A definition as it is written by: what may not be written is read-only.
    pub(crate) fn written_by(&self, table: &Arc<Table>) -> Arc<Table> {
        let fixed = |rights: &Rights, slug: &str| rights.in_column(table, slug) < Scope::Write;
        self.changed(table, |rights, column| {
            if fixed(rights, &column.slug) {
                column.read_only = true;
            }
        })
    }

    /// A definition as it is seen: what is hidden is as if it were deleted, what may not be written is read-only.
    pub(crate) fn seen(&self, table: &Arc<Table>) -> Arc<Table> {
        let hidden = |rights: &Rights, slug: &str| rights.in_column(table, slug) < Scope::Read;
        let mut seen = self.changed(&self.written_by(table), |rights, column| {
            if hidden(rights, &column.slug) {
                column.deleted_at = Some(0);
            }
        });
        if self.narrows(table) {
            let told = Arc::make_mut(&mut seen);
            let columns = &told.columns;
            let whole = |index: &Vec<u16>| index.iter().all(|at| columns[usize::from(*at)].live());
            told.indexes.retain(whole);
        }
        seen
    }

    fn changed(
        &self,
        table: &Arc<Table>,
        change: impl Fn(&Rights, &mut chancery_model::Column),
    ) -> Arc<Table> {
        match &self.rights {
            Some(rights) if rights.narrows(table) => {
                let mut changed = Table::clone(table);
                changed
                    .columns
                    .iter_mut()
                    .for_each(|column| change(rights, column));
                changed.refresh();
                Arc::new(changed)
            }
            _ => table.clone(),
        }
    }
}
