//! What stands in cells that hold nothing themselves, or hold ids: lookups, rollups, other sides of relations, and what people call records and
//! users. Worked out for as many records together as come together; written nowhere here.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::field::lists;
use chancery_model::filter::FieldRef;
use chancery_model::{Column, Json, Record, Table, Value};
use parking_lot::Mutex;

use super::csv::Cell;
use crate::error::Error;
use crate::related::{self, Shown};
use crate::store::Store;

/// How records and users that others name stand in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkForm {
    /// As their ids, which read back anywhere.
    #[default]
    Id,
    /// As what people call them, which an import finds again.
    Label,
    /// As their ids, and in a column behind it as what people call them.
    Both,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// What the record holds.
    Kept,
    /// What is worked out, in the form of its value.
    Value,
    /// What people call those that are named.
    Label,
}

/// What stands in a cell instead of what the record holds.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) json: Json,
}

/// The given cells of a record, by the place of the column in the file; none at all where nothing is worked out.
pub(super) type GivenCells = Vec<Option<Given>>;

/// Works out the given cells of one export.
pub(super) struct Showing {
    store: Store,
    table: Arc<Table>,
    cells: Vec<(Option<u16>, FieldRef, Shows)>,
    people: Mutex<HashMap<String, String>>,
}

impl Showing {
    /// For these columns; none if every cell stands in the record.
    pub(super) fn new(store: &Store, table: &Arc<Table>, cells: &[&Cell]) -> Option<Showing> {
        let cells: Vec<_> = cells
            .iter()
            .map(|cell| (cell.ordinal, cell.field.clone(), cell.shows))
            .collect();
        let any = cells.iter().any(|(.., shows)| *shows != Shows::Kept);
        any.then(|| Showing {
            store: store.clone(),
            table: table.clone(),
            cells,
            people: Mutex::default(),
        })
    }

    /// The given cells of records, in their order.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(super) async fn of(&self, records: &[Arc<Record>]) -> Result<Vec<GivenCells>, Error> {
        let wanted = |column: &Column| {
            let of = |(ordinal, _, shows): &(Option<u16>, FieldRef, Shows)| {
                *shows != Shows::Kept && *ordinal == Some(column.ordinal)
            };
            self.cells.iter().any(of)
        };
        let shown = related::shown(&self.store, &self.table, records, &wanted).await?;
        let mut all = Vec::with_capacity(records.len());
        for (record, shown) in records.iter().zip(&shown) {
            let mut given = Vec::with_capacity(self.cells.len());
            for (ordinal, field, shows) in &self.cells {
                let own = ordinal.and_then(|ordinal| shown.iter().find(|shown| shown.ordinal == ordinal));
                given.push(match (shows, own) {
                    (Shows::Kept, _) => None,
                    (Shows::Value, Some(shown)) => Some(value(shown)),
                    (Shows::Label, Some(shown)) => Some(label(shown)),
                    (_, None) => self.person(record, field).await?,
                });
            }
            all.push(given);
        }
        Ok(all)
    }

    /// What people call the user that a system field names.
    async fn person(&self, record: &Record, field: &FieldRef) -> Result<Option<Given>, Error> {
        let Value::Text(id) = record.field(field).into_owned() else {
            return Ok(None);
        };
        let known = self.people.lock().get(&id).cloned();
        let name = match known {
            Some(name) => name,
            None => {
                let name = related::person(&self.store, &id).await?;
                self.people.lock().insert(id, name.clone());
                name
            }
        };
        Ok(Some(Given {
            json: Json::from(&*name),
            text: name,
        }))
    }
}

/// What is worked out, as a cell: numbers as they are, several as a list that is read again.
fn value(shown: &Shown) -> Given {
    let plain = |json: &Json, text: &String| match json {
        Json::Number(_) | Json::Bool(_) => json.to_string(),
        _ => text.clone(),
    };
    let json = shown.json.clone().unwrap_or_default();
    let text = match &json {
        Json::Array(items) => {
            let texts: Vec<String> = items
                .iter()
                .zip(&shown.texts)
                .map(|(json, text)| plain(json, text))
                .collect();
            listed(&texts)
        }
        json => shown
            .texts
            .first()
            .map(|text| plain(json, text))
            .unwrap_or_default(),
    };
    Given { text, json }
}

/// What people call those that are named.
fn label(shown: &Shown) -> Given {
    match (shown.several, shown.texts.as_slice()) {
        (true, texts) => Given {
            text: listed(texts),
            json: Json::from(texts.to_vec()),
        },
        (false, texts) => Given {
            text: texts.first().cloned().unwrap_or_default(),
            json: texts.first().map_or(Json::Null, |text| Json::from(&**text)),
        },
    }
}

fn listed(texts: &[String]) -> String {
    let mut out = String::new();
    lists::write(texts.iter().map(String::as_str), &mut out);
    out
}

/// What a column shows in a file, of the form that is asked for.
pub(super) fn shows(column: Option<&Column>, field: &FieldRef, form: LinkForm) -> Vec<Shows> {
    let names = match column {
        Some(column) => column.kind().flags().reference,
        None => matches!(field, FieldRef::CreatedBy | FieldRef::UpdatedBy),
    };
    let worked_out = column.is_some_and(|column| column.kind().flags().related);
    let own = if worked_out { Shows::Value } else { Shows::Kept };
    match form {
        LinkForm::Label if names => vec![Shows::Label],
        LinkForm::Both if names => vec![own, Shows::Label],
        _ => vec![own],
    }
}
