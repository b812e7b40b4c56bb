//! Merging records that mean one thing: one stays with the best of all, what referred to the others refers to it, the others go
//! to the trash with a mark. One commit, so it is taken back as a unit. Which records mean one thing is not decided here.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::admit::UpdateMode;
use chancery_model::change::Reason;
use chancery_model::encryption;
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Column, Issue, Key, Table, Value};
use serde_json::Value as Json;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::MERGED_MAX;
use crate::record::{Record, key_json};
use crate::records::{IntoKey, WriteOptions, no_record};
use crate::related;
use crate::transaction::{Transaction, TransactionOptions, TransactionTable};

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
    /// The versions that records must have, those of whoever chose; others may have any.
    pub versions: BTreeMap<Key, u64>,
    /// Answer as if done, write nothing.
    pub dry_run: bool,
}

/// What a merge left.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The survivor as it is now.
    pub record: Record,
    /// The operation, for [`Store::revert`](crate::Store::revert); none if nothing was written.
    pub operation: Option<Arc<str>>,
    /// The commit; if nothing was written, a revision at which all that was read was so.
    pub revision: u64,
    /// How many references led to one of the others and lead to the survivor now. A record that refers with two columns counts
    /// twice.
    pub referring: u64,
}

impl TableHandle {
    /// Merges records into one of them: its columns become what the choices say, records that refer to the others refer
    /// to it from now on, and the others go to the trash with the survivor's id as `duplicateOf` (for good where the table has
    /// no trash). A reference from one of them to another leads to the survivor, too, also the survivor's own. All of it is one
    /// commit and one operation.
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
    /// let operation = merged.operation.expect("two became one");
    /// store.revert(&operation, RevertOptions::default()).await?;
    /// assert!(people.get(copy.key()).await?.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] of a record that is not there or in the trash, [`Error::Version`] of one that changed since it was seen, [`Error::Invalid`] with every choice that makes
    /// no sense and every value that the definition refuses, [`Error::Unique`] where two records that referred to merged ones
    /// may not refer to one, [`Error::Limit`] beyond [`MERGED_MAX`] or what a transaction may write.
    pub async fn merge(
        &self,
        survivor: impl IntoKey,
        others: &[Key],
        options: MergeOptions,
    ) -> Result<Merged, Error> {
        self.whole("a merge")?;
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
        let work = |tx: Transaction| self.merge_in(tx, &survivor, others, &options);
        let done = store.transaction_for(Reason::Merge, how, work).await?;
        let (mut record, referring, wrote) = done.value;
        related::fill(self.store(), vec![&mut record]).await?;
        Ok(Merged {
            record,
            operation: (wrote && !options.dry_run).then_some(operation),
            revision: done.revision,
            referring,
        })
    }

    async fn merge_in(
        &self,
        tx: Transaction,
        survivor: &str,
        others: &[Key],
        options: &MergeOptions,
    ) -> Result<(Record, u64, bool), Error> {
        let choices = &options.choices;
        let here = tx.on(self);
        let table = here.definition()?;
        let named = std::iter::once(survivor.to_owned()).chain(others.iter().map(Key::to_string));
        let mut all = read_all(&here, &table, named).await?;
        self.as_seen(&table, &all, &options.versions)?;
        let survivor = &all[0].key().clone();
        let mut referring = 0;
        for other in &all[1..] {
            referring += self.refer_anew(&tx, &table, other.key(), survivor).await?;
        }
        if table.references().any(|(_, target)| *target == *table.slug) {
            // They may refer to one another: what they are now is what is chosen from.
            all = read_all(&here, &table, all.iter().map(|record| record.key().to_string())).await?;
        }
        let changes = chosen_of(&table, choices, &all)?;
        let cells = self.chosen_cells(&table, choices, &all)?;
        for other in &all[1..] {
            here.bury(other.key(), survivor).await?;
        }
        let wrote = all.len() > 1 || !changes.is_empty();
        if changes.is_empty() && cells.is_none() {
            return Ok((all[0].clone(), referring, wrote));
        }
        let record = here
            .update_keeping(
                survivor,
                (&Json::Object(changes), cells.as_deref()),
                UpdateMode::Merge,
                WriteOptions::default(),
            )
            .await?;
        Ok((record, referring, wrote))
    }

    /// Whether records are as whoever merges them saw them.
    fn as_seen(&self, table: &Table, all: &[Record], versions: &BTreeMap<Key, u64>) -> Result<(), Error> {
        let mut issues = Vec::new();
        for (key, expected) in versions {
            match all.iter().find(|record| record.key() == key) {
                Some(record) if record.version() == *expected => {}
                Some(record) => {
                    return Err(Error::Version {
                        key: key.clone(),
                        expected: *expected,
                        current: Box::new(record.clone()),
                    });
                }
                None => issues.push(Issue::new(
                    format!("versions.{key}"),
                    Code::NotFound,
                    "It is none of the records that are merged",
                )),
            }
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(self.invalid(table, issues)),
        }
    }

    /// The cells of encrypted columns after the merge, sealed for the survivor; none if they stay.
    fn chosen_cells(
        &self,
        table: &Table,
        choices: &BTreeMap<String, MergeChoice>,
        all: &[Record],
    ) -> Result<Option<Vec<Value>>, Error> {
        let mut cells: Option<Vec<Value>> = None;
        let mut issues = Vec::new();
        for column in table.live().filter(|column| column.encrypted.is_some()) {
            let has = |record: &&Record| !record.row().value(column.ordinal).is_blank();
            let from = match choices.get(&column.slug) {
                Some(MergeChoice::Keep) => None,
                Some(MergeChoice::From(key)) => all.iter().find(|record| record.key() == key),
                _ => all.iter().find(has),
            };
            let Some(from) = from.filter(|from| from.key() != all[0].key()) else {
                continue;
            };
            let moved = self
                .store()
                .sealing(|cells| match from.row().value(column.ordinal) {
                    Value::Text(cell) => match cells {
                        Some(cells) => cells
                            .moved(table, column, (from.key(), all[0].key()), cell)
                            .map_err(|why| why.issue(&column.slug)),
                        None => Err(encryption::sealed(&column.slug)),
                    },
                    _ => Ok(Value::Null),
                });
            match moved {
                Ok(cell) => {
                    let cells = cells.get_or_insert_with(|| all[0].row().values.to_vec());
                    cells.resize(table.columns.len().max(cells.len()), Value::Null);
                    cells[usize::from(column.ordinal)] = cell;
                }
                Err(issue) => issues.push(issue),
            }
        }
        match issues.is_empty() {
            true => Ok(cells),
            false => Err(Error::Invalid {
                table: table.slug.clone(),
                issues,
            }),
        }
    }

    /// Lets everything that refers to one record refer to another one; answers how many references that were.
    async fn refer_anew(&self, tx: &Transaction, table: &Table, from: &Key, to: &Key) -> Result<u64, Error> {
        let mut count = 0;
        let referrers = self.store().core.catalog.load().referrers(table.number).to_vec();
        for referrer in referrers {
            let handle = self.store().table(&referrer.table.id)?;
            let column = referrer.table.at(referrer.column);
            let with = |value: Json| Json::Object([(column.slug.clone(), value)].into_iter().collect());
            let there = tx.on(&handle);
            let (from, to) = (key_in(column, from), key_in(column, to));
            if !column.names_several() {
                count += there.update_many(with(from), with(to)).await?;
                continue;
            }
            for record in there.filter(with(serde_json::json!({"$contains": from}))).await? {
                let mut names: Vec<Json> = Vec::new();
                for name in record.get(&column.slug).as_array().into_iter().flatten() {
                    let name = if *name == from { &to } else { name };
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                }
                there.update(record.key(), with(Json::from(names))).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// A key as a column refers to it.
fn key_in(column: &Column, key: &Key) -> Json {
    match column.is_relation() {
        true => Json::String(key.to_string()),
        false => key_json(key),
    }
}

/// The records of these keys, each once.
async fn read_all(
    here: &TransactionTable,
    table: &Table,
    keys: impl Iterator<Item = String>,
) -> Result<Vec<Record>, Error> {
    let mut all: Vec<Record> = Vec::new();
    for key in keys {
        let found = here.get(key.as_str()).await?;
        let record = found.ok_or_else(|| no_record(table, &key))?;
        if !all.iter().any(|other| other.key() == record.key()) {
            all.push(record);
        }
    }
    Ok(all)
}

/// What the survivor, the first of all, has to become.
fn chosen_of(
    table: &Table,
    choices: &BTreeMap<String, MergeChoice>,
    all: &[Record],
) -> Result<serde_json::Map<String, Json>, Error> {
    let mut changes = serde_json::Map::new();
    let mut issues = unknown(table, choices);
    for column in table.live().filter(|column| column.writable()) {
        if column.encrypted.is_some() {
            issues.extend(unmixable(table, column, choices, all));
            continue;
        }
        match chosen(table, column, choices.get(&column.slug), all) {
            Ok(Some(value)) if value != all[0].get(&column.slug) => {
                changes.insert(column.slug.clone(), value);
            }
            Ok(_) => {}
            Err(issue) => issues.push(issue),
        }
    }
    match issues.is_empty() {
        true => Ok(changes),
        false => Err(Error::Invalid {
            table: table.slug.clone(),
            issues,
        }),
    }
}

/// What is wrong with the choice of an encrypted column.
fn unmixable(
    table: &Table,
    column: &Column,
    choices: &BTreeMap<String, MergeChoice>,
    all: &[Record],
) -> Option<Issue> {
    match choices.get(&column.slug) {
        Some(choice @ MergeChoice::From(_)) => chosen(table, column, Some(choice), all).err(),
        Some(MergeChoice::Concat | MergeChoice::Union) => Some(Issue::new(
            &column.slug,
            Code::Encrypted,
            "Encrypted values are not joined: keep one of them",
        )),
        _ => None,
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
fn chosen(
    table: &Table,
    column: &Column,
    choice: Option<&MergeChoice>,
    all: &[Record],
) -> Result<Option<Json>, Issue> {
    let slug = &column.slug;
    // Only who asks for it makes a record refer to itself.
    let own = column.refers_to() == Some(&*table.slug);
    let to_itself = |value: &Json| own && *value == key_in(column, all[0].key());
    let values = || {
        all.iter()
            .filter(|record| !record.row().value(column.ordinal).is_blank())
            .map(|record| record.get(slug))
    };
    Ok(Some(match choice {
        Some(MergeChoice::Keep) => return Ok(None),
        None if !all[0].row().value(column.ordinal).is_blank() => return Ok(None),
        None => match values().find(|value| !to_itself(value)) {
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
