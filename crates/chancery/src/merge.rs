//! Merging records that mean one thing: one stays with the best of all, what referred to the others refers to it, the others go
//! to the trash with a mark. One commit, so it is taken back as a unit. Which records mean one thing is not decided here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::admit::UpdateMode;
use chancery_model::change::Reason;
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Column, Issue, Key, Table};
use serde_json::Value as Json;

use crate::error::Error;
use crate::limits::MERGED_MAX;
use crate::record::{Record, key_json};
use crate::records::{IntoKey, WriteOptions, no_record};
use crate::store::TableHandle;
use crate::transaction::{Transaction, TransactionOptions};

/// What stands between texts that are joined.
const JOINT: &str = "; ";

/// What becomes of a column when records are merged. A column without a choice keeps the survivor's value; where that is blank,
/// it takes the first value that the others have, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeChoice {
    /// The survivor's value, also if it has none.
    Keep,
    /// The value of this record, also if it has none.
    From(Key),
    /// All different texts, the survivor's first, joined by `; `.
    Concat,
    /// All different entries of a column that holds several, the survivor's first.
    Union,
}

/// How records are merged.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// What becomes of columns, by slug.
    pub choices: BTreeMap<String, MergeChoice>,
    /// Answer as if done, write nothing.
    pub dry_run: bool,
}

/// What a merge left.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The survivor as it is now.
    pub record: Record,
    /// The operation, for [`Store::revert`](crate::Store::revert).
    pub operation: Arc<str>,
    /// The commit.
    pub revision: u64,
    /// How many records referred to one of the others and refer to the survivor now.
    pub referring: u64,
}

impl TableHandle {
    /// Merges records into one of them: its columns become what the choices say, records that refer to the others refer
    /// to it from now on, and the others go to the trash with the survivor's id as `duplicateOf` (for good where the table has
    /// no trash). All of it is one commit and one operation.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, MergeOptions, RevertOptions, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let input = TableInput::new("People")
    ///     .column(ColumnInput::new("Name", "text"))
    ///     .column(ColumnInput::new("Phone", "text"));
    /// let people = store.create_table(input).await?;
    /// let ann = people.insert(json!({"name": "Ann Lee"})).await?;
    /// let copy = people.insert(json!({"name": "A. Lee", "phone": "555"})).await?;
    /// let merged = people.merge(ann.key(), &[copy.key().clone()], MergeOptions::default()).await?;
    /// assert_eq!(merged.record.get("phone"), json!("555"));
    /// assert!(people.get(copy.key()).await?.is_none());
    /// store.revert(&merged.operation, RevertOptions::default()).await?;
    /// assert!(people.get(copy.key()).await?.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::InTrash`] of a record that is not there, [`Error::Invalid`] with every choice that makes
    /// no sense and every value that the definition refuses, [`Error::Unique`] where two records that referred to merged ones
    /// may not refer to one, [`Error::Limit`] beyond [`MERGED_MAX`] or what a transaction may write.
    pub async fn merge(
        &self,
        survivor: impl IntoKey,
        others: &[Key],
        options: MergeOptions,
    ) -> Result<Merged, Error> {
        let survivor = survivor.text();
        if others.len() > MERGED_MAX {
            return Err(Error::Limit {
                what: "records that are merged at once (mergedMax)",
                max: MERGED_MAX as u64,
                got: others.len() as u64,
            });
        }
        let (store, operation) = self.store().begin_operation();
        let how = TransactionOptions {
            dry_run: options.dry_run,
            ..TransactionOptions::default()
        };
        let work = |tx: Transaction| self.merge_in(tx, &survivor, others, &options.choices);
        let done = store.transaction_for(Reason::Merge, how, work).await?;
        let (record, referring) = done.value;
        Ok(Merged {
            record,
            operation,
            revision: done.revision,
            referring,
        })
    }

    async fn merge_in(
        &self,
        tx: Transaction,
        survivor: &str,
        others: &[Key],
        choices: &BTreeMap<String, MergeChoice>,
    ) -> Result<(Record, u64), Error> {
        let here = tx.on(self);
        let table = here.definition()?;
        let mut all: Vec<Record> = Vec::with_capacity(others.len() + 1);
        for key in std::iter::once(survivor.to_owned()).chain(others.iter().map(Key::to_string)) {
            let found = here.get(key.as_str()).await?;
            let record = found.ok_or_else(|| no_record(&table, &key))?;
            if !all.iter().any(|other| other.key() == record.key()) {
                all.push(record);
            }
        }
        let mut changes = serde_json::Map::new();
        let mut issues = unknown(&table, choices);
        for column in table.live().filter(|column| column.writable()) {
            match chosen(column, choices.get(&column.slug), &all) {
                Ok(Some(value)) if value != all[0].get(&column.slug) => {
                    changes.insert(column.slug.clone(), value);
                }
                Ok(_) => {}
                Err(issue) => issues.push(issue),
            }
        }
        if !issues.is_empty() {
            return Err(Error::Invalid {
                table: table.slug.clone(),
                issues,
            });
        }
        let survivor = all[0].key();
        let mut referring = 0;
        for other in &all[1..] {
            referring += self.refer_anew(&tx, &table, other.key(), survivor).await?;
            here.bury(other.key(), survivor).await?;
        }
        if changes.is_empty() {
            return Ok((all[0].clone(), referring));
        }
        let record = here
            .update_with(
                survivor,
                &Json::Object(changes),
                UpdateMode::Merge,
                WriteOptions::default(),
            )
            .await?;
        Ok((record, referring))
    }

    /// Lets everything that refers to one record refer to another one; answers how many records that were.
    async fn refer_anew(&self, tx: &Transaction, table: &Table, from: &Key, to: &Key) -> Result<u64, Error> {
        let mut count = 0;
        let referrers = self.store().core.catalog.load().referrers(table.number).to_vec();
        for referrer in referrers {
            let handle = self.store().table(&referrer.table.id)?;
            let slug = &referrer.table.at(referrer.column).slug;
            let equal = Json::Object([(slug.clone(), key_json(from))].into_iter().collect());
            let changes = Json::Object([(slug.clone(), key_json(to))].into_iter().collect());
            count += tx.on(&handle).update_many(equal, changes).await?;
        }
        Ok(count)
    }
}

/// Choices of columns that the table does not have.
fn unknown(table: &Table, choices: &BTreeMap<String, MergeChoice>) -> Vec<Issue> {
    let writable = |slug: &str| {
        table
            .column(slug)
            .is_some_and(|column| column.live() && column.writable())
    };
    let wrong = choices.keys().filter(|slug| !writable(slug));
    let issue = |slug: &String| match table.column(slug) {
        Some(_) => Issue::new(slug, Code::ReadOnly, "The store writes this column itself"),
        None => Issue::new(
            slug,
            Code::UnknownColumn,
            unknown_name("column", slug, table.slugs()),
        ),
    };
    wrong.map(issue).collect()
}

/// The value of a column after the merge, if it is decided by the choice; `all` begins with the survivor.
fn chosen(column: &Column, choice: Option<&MergeChoice>, all: &[Record]) -> Result<Option<Json>, Issue> {
    let slug = &column.slug;
    let values = || {
        all.iter()
            .map(|record| record.get(slug))
            .filter(|value| !is_blank(value))
    };
    Ok(Some(match choice {
        Some(MergeChoice::Keep) => return Ok(None),
        None => match values().next() {
            Some(value) => value,
            None => return Ok(None),
        },
        Some(MergeChoice::From(key)) => match all.iter().find(|record| record.key() == key) {
            Some(record) => record.get(slug),
            None => {
                let message = format!("The record \"{key}\" is none of those that are merged");
                return Err(Issue::new(slug, Code::NotFound, message));
            }
        },
        Some(MergeChoice::Concat) => {
            let mut texts: Vec<String> = Vec::new();
            for value in values() {
                let Json::String(text) = value else {
                    return Err(Issue::new(slug, Code::Type, "Only texts are joined by concat"));
                };
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            match texts.is_empty() {
                true => return Ok(None),
                false => Json::String(texts.join(JOINT)),
            }
        }
        Some(MergeChoice::Union) => {
            let mut entries: Vec<Json> = Vec::new();
            for value in values() {
                let Json::Array(own) = value else {
                    return Err(Issue::new(
                        slug,
                        Code::Type,
                        "Only columns that hold several entries have a union",
                    ));
                };
                for entry in own {
                    if !entries.contains(&entry) {
                        entries.push(entry);
                    }
                }
            }
            match entries.is_empty() {
                true => return Ok(None),
                false => Json::Array(entries),
            }
        }
    }))
}

fn is_blank(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(entries) => entries.is_empty(),
        _ => false,
    }
}
