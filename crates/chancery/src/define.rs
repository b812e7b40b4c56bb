//! Tables from structs: made where they are absent, extended where they lack something, refused where they say something else.
//! Nothing is ever dropped or loosened.

use std::collections::BTreeSet;

use chancery_model::column::SelectOption;
use chancery_model::define::{self, ColumnInput, TableInput};
use chancery_model::{Code, Column, Issue, Json, JsonMap, Table, TableId};

use crate::derived::AsRecord;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::store::Store;
use crate::typed::Typed;

/// What a stored table lacks of what a struct says.
#[derive(Debug, Default, PartialEq)]
struct Lacking {
    /// Places in the input's columns.
    columns: Vec<usize>,
    /// Slugs of columns that want an index.
    indexed: Vec<String>,
    /// Indexes over several columns, by slug.
    indexes: Vec<Vec<String>>,
    /// Options of select columns, by slug.
    options: Vec<(String, SelectOption)>,
}

impl Store {
    /// The table that a struct says, ready for records that are this struct. A table that does not exist is made; one that
    /// exists gets the columns, indexes and options that it lacks. What else differs is an error that names each difference;
    /// nothing is dropped, and names, descriptions and the like stay as people made them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{Choices, Record, Store};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Record, Serialize, Deserialize)]
    /// #[record(table = "tasks", index(status, priority))]
    /// struct Task {
    ///     id: Option<String>,
    ///     #[record(min_length = 1, max_length = 200)]
    ///     title: String,
    ///     status: Status,
    ///     #[record(min = 1, max = 5, default = 3)]
    ///     priority: Option<u8>,
    /// }
    ///
    /// #[derive(Choices, Debug, PartialEq, Serialize, Deserialize)]
    /// enum Status { Todo, Done }
    ///
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.define::<Task>().await?;
    /// let title = "Write documentation".to_owned();
    /// let made = tasks.insert(&Task { id: None, title, status: Status::Todo, priority: None }).await?;
    /// assert_eq!(made.priority, Some(3));
    /// assert!(tasks.find_one(chancery::json!({"status": "Todo"})).await?.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Definition`] with every mistake of the definition, or every difference between it and the stored table.
    pub async fn define<T: AsRecord>(&self) -> Result<Typed<T>, Error> {
        self.refresh().await?;
        let input = T::table();
        let slug = input
            .slug
            .clone()
            .unwrap_or_else(|| define::table_slug(&input.name));
        let table = match self.table(&slug) {
            Ok(table) => table,
            Err(_) => match self.create_table(input.clone()).await {
                // Another process was faster.
                Err(Error::Taken { .. }) => self.table(&slug)?,
                made => return Ok(made?.typed()),
            },
        };
        table.extend(&input).await?;
        Ok(table.typed())
    }
}

impl TableHandle {
    /// Adds what the table lacks of `input`.
    async fn extend(&self, input: &TableInput) -> Result<(), Error> {
        let now = self.store.now();
        let wanted = self
            .store
            .decide(now, |context| {
                define::check_table(input, TableId(0), &self.store.workspace, context)
            })
            .map_err(Error::Definition)?;
        let stored = self.definition()?;
        let stats = self.stats().await?;
        let records = stats.live + stats.trash;
        if compare(&stored, &wanted, records).map_err(Error::Definition)? == Lacking::default() {
            return Ok(());
        }
        self.change(|table| {
            // Compared again: somebody may have changed it meanwhile.
            let lacking = compare(table, &wanted, records)?;
            for place in lacking.columns {
                // Which column names a record, people may have chosen meanwhile.
                let column = ColumnInput {
                    primary: false,
                    ..input.columns[place].clone()
                };
                let made = self
                    .store
                    .decide(now, |context| define::check_column(&column, table, context))?;
                let indexed = wanted.columns[place].indexed;
                table.columns.push(Column { indexed, ..made });
                table.refresh();
            }
            for column in table.columns.iter_mut().filter(|column| column.live()) {
                column.indexed |= lacking.indexed.contains(&column.slug);
                for (slug, option) in &lacking.options {
                    if *slug == column.slug {
                        column.options.push(option.clone());
                    }
                }
            }
            define::add_indexes(table, "indexes", &lacking.indexes)?;
            Ok(())
        })
        .await?;
        Ok(())
    }
}

/// What `stored` lacks of `wanted`.
///
/// # Errors
/// One issue for each difference that adding something does not mend.
fn compare(stored: &Table, wanted: &Table, records: u64) -> Result<Lacking, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut lacking = Lacking::default();
    compare_settings(stored, wanted, &mut issues);
    for (place, column) in wanted.columns.iter().enumerate() {
        match stored.column(&column.slug) {
            Some(there) => {
                compare_columns(there, column, &mut issues);
                compare_options(there, column, &mut lacking, &mut issues);
                if column.indexed && !there.has_index() {
                    lacking.indexed.push(column.slug.clone());
                }
            }
            // That the keys differ is said above.
            None if wanted.key_column == Some(column.ordinal) => {}
            None if column.constraints.required && records > 0 => {
                let message = format!(
                    "column \"{}\" is required, and the {records} record(s) that exist would have no value in it; \
                     make it optional, fill it, and require it then",
                    column.slug
                );
                issues.push(Issue::new(&column.slug, Code::Definition, message));
            }
            None => lacking.columns.push(place),
        }
    }
    for column in stored
        .live()
        .filter(|column| wanted.column(&column.slug).is_none())
    {
        let made = column.default.is_some() || column.constraints.generated.is_some();
        if column.constraints.required && column.writable() && !made {
            let message = format!(
                "column \"{}\" is required in the store and missing in the struct",
                column.slug
            );
            issues.push(Issue::new(&column.slug, Code::Definition, message));
        }
    }
    let slugs = |table: &Table, index: &[u16]| -> Vec<String> {
        index
            .iter()
            .map(|ordinal| table.at(*ordinal).slug.clone())
            .collect()
    };
    let there: BTreeSet<Vec<String>> = stored.indexes.iter().map(|index| slugs(stored, index)).collect();
    let asked = wanted.indexes.iter().map(|index| slugs(wanted, index));
    lacking.indexes = asked.filter(|index| !there.contains(index)).collect();
    if issues.is_empty() {
        Ok(lacking)
    } else {
        Err(issues)
    }
}

fn compare_settings(stored: &Table, wanted: &Table, issues: &mut Vec<Issue>) {
    let parts = |table: &Table| {
        let most = table.max_size.map_or(Json::Null, Json::from);
        let ttl = table.ttl_ms.map_or(Json::Null, Json::from);
        [
            ("key", Json::from(table.key_name())),
            ("strict", Json::from(table.strict)),
            ("softDelete", Json::from(table.soft_delete)),
            ("persistent", Json::from(!table.transient)),
            ("ttl", ttl),
            ("maxSize", most),
        ]
    };
    for ((name, there), (_, here)) in parts(stored).into_iter().zip(parts(wanted)) {
        differ(name, "the table's", name, &there, &here, issues);
    }
    let kept = |table: &Table| table.key_column.is_some();
    if kept(stored) != kept(wanted) && stored.key_name() == wanted.key_name() {
        let message = match kept(stored) {
            true => {
                "the key is the column \"id\" in the store and made by the store in the struct: mark the field `#[record(key)]`"
            }
            false => {
                "the key is made by the store, and a column in the struct: take `key` away from the field"
            }
        };
        issues.push(Issue::new("key", Code::Definition, message));
    }
}

fn compare_columns(stored: &Column, wanted: &Column, issues: &mut Vec<Issue>) {
    let slug = wanted.slug.as_str();
    let of = format!("column \"{slug}\":");
    let types = [&stored.field_type, &wanted.field_type].map(|kind| Json::from(kind.as_str()));
    differ(slug, &of, "field type", &types[0], &types[1], issues);
    let parts = |column: &Column| {
        let mut parts = JsonMap::new();
        if let Ok(Json::Object(constraints)) = serde_json::to_value(&column.constraints) {
            parts.extend(
                constraints
                    .into_iter()
                    .filter(|(_, value)| *value != Json::Bool(false)),
            );
        }
        parts.extend(
            column
                .config
                .iter()
                .map(|(name, value)| (format!("config.{name}"), value.clone())),
        );
        let default = column
            .default
            .as_ref()
            .and_then(|default| serde_json::to_value(default).ok());
        parts.extend(default.map(|default| ("default".to_owned(), default)));
        let encrypted = column.encrypted.as_ref().map(|encryption| encryption.asked());
        let encrypted = encrypted.and_then(|asked| serde_json::to_value(asked).ok());
        parts.extend(encrypted.map(|asked| ("encrypted".to_owned(), asked)));
        parts
    };
    let (there, here) = (parts(stored), parts(wanted));
    let names: BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    for name in names {
        let value = |parts: &JsonMap| parts.get(name).cloned().unwrap_or(Json::Null);
        differ(slug, &of, name, &value(&there), &value(&here), issues);
    }
}

/// Options that the store lacks are added; those that the struct lacks could not be read.
fn compare_options(stored: &Column, wanted: &Column, lacking: &mut Lacking, issues: &mut Vec<Issue>) {
    if wanted.options.is_empty() {
        return;
    }
    let last = stored.options.iter().map(|option| option.order_index).max();
    let new = wanted
        .options
        .iter()
        .filter(|option| stored.option(&option.id).is_none());
    for (option, order_index) in new.zip(last.unwrap_or(-1) + 1..) {
        lacking.options.push((
            wanted.slug.clone(),
            SelectOption {
                order_index,
                ..option.clone()
            },
        ));
    }
    for option in stored
        .options
        .iter()
        .filter(|option| wanted.option(&option.id).is_none())
    {
        let message = format!(
            "column \"{}\": the struct has no option \"{}\"",
            wanted.slug, option.id
        );
        issues.push(Issue::new(&wanted.slug, Code::Definition, message));
    }
}

fn differ(field: &str, of: &str, what: &str, stored: &Json, wanted: &Json, issues: &mut Vec<Issue>) {
    if stored == wanted {
        return;
    }
    let said = |json: &Json| match json {
        Json::Null => "not said".to_owned(),
        json => json.to_string(),
    };
    let message = format!(
        "{of} {what} is {} in the store and {} in the struct",
        said(stored),
        said(wanted)
    );
    issues.push(Issue::new(field, Code::Definition, message));
}
