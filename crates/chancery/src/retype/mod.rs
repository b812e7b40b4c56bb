//! Another field type for a column that has values: what it can become, and the long work that makes it so. What becomes of each value
//! is decided in the model, how one column takes the place of another in [`crate::replace`].

mod plan;

use std::sync::Arc;

use chancery_model::column::OnLoss;
use chancery_model::define::{self, Retype};
use chancery_model::{Code, Column, Issue, Json, JsonMap, Table, field::TextFormat};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::jobs::{JobHandle, JobOptions, JobStatus};
use crate::replace::{Replacement, Shape};
use crate::schema::find;
use crate::store::Store;

pub use plan::{Losses, LostValue, TypePlan, ValueChange};

/// The kind of the jobs.
const KIND: &str = "columns.changeType";

/// Another field type for a column.
#[derive(Clone, Debug, Default)]
pub struct TypeChange {
    /// The id of the field type.
    pub field_type: String,
    /// Its settings; without, those that the column had when it was of this type, or the usual ones.
    pub config: Option<JsonMap>,
    /// What becomes of values that it cannot hold. What is lost so comes back when the column becomes again what it was.
    pub on_loss: OnLoss,
    /// Whether select columns get the options that they lack.
    pub create_options: bool,
    /// How numbers and dates in texts are read.
    pub format: TextFormat,
}

impl TypeChange {
    /// To this type, and only if nothing is lost.
    pub fn to(field_type: &str) -> TypeChange {
        TypeChange {
            field_type: field_type.to_owned(),
            ..TypeChange::default()
        }
    }

    fn retype(&self) -> Retype {
        Retype {
            field_type: self.field_type.clone(),
            config: self.config.clone(),
            on_loss: self.on_loss,
            format: self.format,
        }
    }
}

/// A field type that a column could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeChoice {
    /// Its id.
    pub field_type: &'static str,
    /// Why the column cannot have it; none if it can.
    pub refused: Option<String>,
    /// Whether it had it before: what has not been touched since is then as it was.
    pub earlier: bool,
}

impl TableHandle {
    /// The field types that a column could have.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn type_choices(&self, column: &str) -> Result<Vec<TypeChoice>, Error> {
        let table = self.definition()?;
        let column = table.at(find(&table, column)?);
        let earlier = column
            .made_from
            .as_ref()
            .map(|made| &*table.at(made.ordinal).field_type);
        let choice = |(kind, refused): (&'static dyn chancery_model::FieldType, Option<String>)| TypeChoice {
            field_type: kind.id(),
            refused,
            earlier: earlier == Some(kind.id()),
        };
        Ok(define::retypes(&table, column).map(choice).collect())
    }

    /// Gives a column another field type, in the background ([`JobHandle::wait`] waits for it): every value becomes one of the new type, in records of the trash too,
    /// and the history with them, while everybody reads and writes. The old values are kept unseen: when the column becomes
    /// again what it was, whatever was not touched since is as it was.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, JobOptions, Store, TableInput, TypeChange, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let parts = store.create_table(TableInput::new("Parts").column(ColumnInput::new("Count", "text"))).await?;
    /// let part = parts.insert(json!({"count": "012"})).await?;
    /// let plan = parts.plan_type_change("count", &TypeChange::to("number")).await?;
    /// assert_eq!((plan.changed, plan.lost), (1, 0)); // "012" becomes 12
    /// parts.change_type("count", TypeChange::to("number"), JobOptions::default()).await?.wait().await?;
    /// assert_eq!(parts.get(part.key()).await?.expect("it is there").get("count"), json!(12));
    /// parts.change_type("count", TypeChange::to("text"), JobOptions::default()).await?.wait().await?;
    /// assert_eq!(parts.get(part.key()).await?.expect("it is there").get("count"), json!("012"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Definition`] for a type that it cannot have, for what other columns could not show any more, and with how many
    /// values would be lost or not be unique any more; [`Error::Taken`] while its values are changed already.
    pub async fn change_type(
        &self,
        column: &str,
        change: TypeChange,
        options: JobOptions,
    ) -> Result<JobHandle, Error> {
        let plan = self.plan_type_change(column, &change).await?;
        self.begin_type_change(&plan, options).await
    }

    /// Begins a change of field type as it was planned.
    ///
    /// # Errors
    /// As [`TableHandle::change_type`].
    pub async fn begin_type_change(&self, plan: &TypePlan, options: JobOptions) -> Result<JobHandle, Error> {
        let stops = plan.stops();
        if !stops.is_empty() {
            return Err(Error::Definition(stops));
        }
        let table = self.definition()?;
        let to = serde_json::to_value(&plan.column).map_err(|error| Error::Internal(error.to_string()))?;
        let params = serde_json::json!({
            "tableId": &*self.id,
            "table": table.slug,
            "workspace": table.workspace,
            "column": plan.column.slug,
            "fieldType": plan.column.field_type,
            "to": to,
        });
        let id = Uuid::now_v7();
        let work = self.retyping(&plan.column, &id.to_string());
        work.check()?;
        self.store
            .start_job(id, (KIND, params), options, Arc::new(work))
            .await
    }

    /// The job of this id that makes a column what it is to be.
    fn retyping(&self, to: &Column, job: &str) -> Replacement {
        Replacement {
            table: self.clone(),
            column: to.slug.clone(),
            job: job.to_owned(),
            dry_run: false,
            shape: shape(to.clone()),
        }
    }
}

/// What the column is like afterwards.
fn shape(to: Column) -> Shape {
    Box::new(move |column| {
        let from = column.replaces.as_ref().map(|replaces| replaces.ordinal);
        if to.made_from.as_ref().map(|made| made.ordinal) != from {
            let message = "The column was changed meanwhile; look at it, and begin anew";
            return Err(vec![Issue::new("column", Code::Definition, message)]);
        }
        column.field_type.clone_from(&to.field_type);
        column.config.clone_from(&to.config);
        column.constraints.clone_from(&to.constraints);
        column.options.clone_from(&to.options);
        column.default.clone_from(&to.default);
        column.indexed = to.indexed;
        column.made_from.clone_from(&to.made_from);
        column.refresh();
        Ok(())
    })
}

/// What columns of this and other tables could not show any more, with a table as it is to be.
pub(crate) fn check_elsewhere(store: &Store, after: &Table) -> Vec<Issue> {
    let mut after = after.clone();
    after.refresh();
    let after = Arc::new(after);
    let others = store.core.catalog.load().tables(&after.workspace);
    let is_it = |table: &Arc<Table>| table.number == after.number;
    let all: Vec<Arc<Table>> = others
        .iter()
        .map(|table| {
            if is_it(table) {
                after.clone()
            } else {
                table.clone()
            }
        })
        .collect();
    let mut issues = Vec::new();
    for table in &all {
        for issue in define::check_related(table, &all) {
            let message = format!(
                "\"{}.{}\" could not show it: {}",
                table.slug, issue.field, issue.message
            );
            issues.push(Issue::new("fieldType", Code::Reference, message));
        }
    }
    issues.extend(define::check_references(&after, &all));
    issues.extend(define::check_settings(&after));
    issues
}

impl Store {
    /// Goes on with a change of field type that was paused, or that a program left when it ended.
    ///
    /// # Errors
    /// [`Error::NotFound`], also if its table is gone; [`Error::Taken`] if it is over or somebody works on it.
    pub async fn resume_type_change(&self, id: &str) -> Result<JobHandle, Error> {
        let status = self.resumable_job(id).await?;
        let work = self.kept_retyping(&status)?;
        self.resume_job(id, Arc::new(work)).await
    }

    /// Stops a change of field type after its batch, so that it can be resumed; or calls it off: then the column stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Taken`] if it is over, and for good once the column has its new type.
    pub async fn stop_type_change(&self, id: &str, for_good: bool) -> Result<JobStatus, Error> {
        if !for_good {
            return self.pause_job(id).await;
        }
        let status = self.job(id).await?;
        match self.kept_retyping(&status) {
            Ok(work) if !status.state.is_over() => work.call_off().await,
            _ => self.cancel_job(id).await,
        }
    }

    /// Goes on with the changes of field types that a program left when it ended, not with those that somebody works on.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn resume_left_type_changes(&self) -> Result<Vec<JobHandle>, Error> {
        let mut resumed = Vec::new();
        for job in self.left_jobs(KIND).await? {
            match self.resume_type_change(&job.id).await {
                Err(Error::Taken { what: "job", .. }) => {}
                // Its table was dropped: nothing is left to do.
                Err(Error::NotFound { .. }) => drop(self.cancel_job(&job.id).await?),
                taken => resumed.push(taken?),
            }
        }
        Ok(resumed)
    }

    /// The changes of field types, newest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn type_changes(&self) -> Result<Vec<JobStatus>, Error> {
        let mut jobs = self.jobs().await?;
        jobs.retain(JobStatus::changes_type);
        Ok(jobs)
    }

    fn kept_retyping(&self, status: &JobStatus) -> Result<Replacement, Error> {
        let gone = || Error::NotFound {
            what: "job",
            message: format!("The table or column of job {} is gone", status.id),
        };
        let id = status.params.get("tableId").and_then(Json::as_str);
        let to = status.params.get("to").filter(|_| status.changes_type());
        let to: Column = to
            .and_then(|to| serde_json::from_value(to.clone()).ok())
            .ok_or_else(gone)?;
        let catalog = self.core.catalog.load();
        let table = catalog
            .all()
            .find(|table| Some(&*table.id) == id)
            .ok_or_else(gone)?;
        let store = self.in_workspace(&table.workspace)?;
        Ok(store.handle(table).retyping(&to, &status.id))
    }
}

impl JobStatus {
    /// Whether it changes the field type of a column.
    pub fn changes_type(&self) -> bool {
        self.kind == KIND
    }
}
