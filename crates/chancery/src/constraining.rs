//! What a change of a definition would do to the records that exist: counted, and refused if it breaks any. Writes nothing.

use std::sync::Arc;

use chancery_model::column::Constraints;
use chancery_model::define::{self, ColumnInput};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope};
use chancery_model::{Code, Column, Issue, Table, Value};
use chancery_storage::CountMode;

use crate::error::Error;
use crate::expiry::expired;
use crate::handle::TableHandle;
use crate::schema::ColumnPatch;

impl TableHandle {
    /// Refuses a new column that all records would lack.
    pub(crate) async fn check_required(&self, input: &ColumnInput) -> Result<(), Error> {
        // What the store writes into new records, as numbers it counts, old ones lack as well.
        let shown =
            chancery_model::field::field_type(&input.field_type).is_some_and(|kind| kind.flags().computed);
        if !input.constraints.required || shown {
            return Ok(());
        }
        let records = self.backend().stats(&self.definition()?).await?.live;
        if records == 0 {
            return Ok(());
        }
        let message = format!(
            "{records} record(s) would have no value in it; add the column without this, fill it, and require a value then"
        );
        Err(Error::Definition(vec![
            Issue::new("required", Code::Definition, message).with("records", records),
        ]))
    }

    /// Counts what a new constraint or setting would break, and refuses it if anything would.
    pub(crate) async fn check_against_records(&self, ordinal: u16, patch: &ColumnPatch) -> Result<(), Error> {
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
            let changed = define::fixed(column, config);
            if !changed.is_empty() {
                return Err(Error::Definition(changed));
            }
        }
        let refers = |constraints: &Constraints| constraints.reference.clone();
        if let Some(new) = patch.constraints.as_ref().and_then(refers)
            && Some(&new) != refers(&column.constraints).as_ref()
        {
            let plan = Plan {
                filter: Filter::Field(table.field_of(ordinal), Test::Present),
                scope: Scope::All,
                ..Plan::all(table.clone(), i64::MIN)
            };
            let filled = self.backend().count(&plan, CountMode::Exact).await?;
            if filled > 0 {
                let message = format!(
                    "{filled} record(s) have a value that may refer to nothing; add a new column that refers to \"{new}\""
                );
                return Err(Error::Definition(vec![
                    Issue::new("ref", Code::Definition, message).with("records", filled),
                ]));
            }
        }
        if let Some(config) = &patch.config {
            let changed = Column {
                config: config.clone(),
                ..column.clone()
            };
            let stats = self.backend().stats(&table).await?;
            if changed.field().storage() == chancery_model::field::Storage::Decimal
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

    /// Refuses a time to live as long as there are records whose expiry, by an earlier one, has passed: nobody would see them
    /// any more, although it holds for records from now on.
    pub(crate) async fn check_expiry(&self, table: &Arc<Table>) -> Result<(), Error> {
        let over = expired(table, Scope::All, self.store.now(), 1, None);
        let count = self.backend().count(&over, CountMode::Exact).await?;
        if count == 0 {
            return Ok(());
        }
        let message = format!(
            "{count} record(s) would be gone at once by their expiry from an earlier ttl; update them, which takes it away, or purge \
             them"
        );
        Err(Error::Definition(vec![
            Issue::new("ttl", Code::Definition, message).with("records", count),
        ]))
    }
}
