//! The working out: what each column of a page shows, as parts with a value, its JSON and what people read. Asks once for each
//! relation; knows no record but those of its page and what they lead to.

use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use chancery_model::aggregate::{Accumulator, Function};
use chancery_model::field::{button, lookup, relation, rollup};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Window};
use chancery_model::{Column, Json, Key, Record as Row, Table, Value};
use parking_lot::Mutex;

use super::{Shown, people};
use crate::catalog::Catalog;
use crate::error::Error;
use crate::figures::plain_json;
use crate::files::{File, key};
use crate::limits::RELATED_ROWS_MAX;
use crate::record::{self, Record};
use crate::store::Store;

/// One value that a column shows.
#[derive(Clone, Debug)]
pub(super) struct Part {
    value: Value,
    json: Json,
    text: String,
    file: Option<Arc<File>>,
}

/// The parts of a column, for each record of a page.
type Parts = Arc<Vec<Vec<Part>>>;

/// Records that are worked on together.
pub(super) struct Page {
    store: Store,
    pub(super) catalog: Arc<Catalog>,
    table: Arc<Table>,
    rows: Vec<Arc<Row>>,
    links: Mutex<HashMap<u16, Arc<Linked>>>,
    /// What people are called, as far as they were asked for.
    people: Arc<Mutex<HashMap<String, String>>>,
}

/// Where a relation leads from each record of a page.
struct Linked {
    /// The records there; none if the table is gone.
    page: Option<Page>,
    /// Of each record: its links, as the place of a record there, or an id that leads to none.
    of: Vec<Vec<Result<usize, String>>>,
    /// Whether there are more than are worked on.
    too_many: bool,
}

impl Page {
    pub(super) fn new(store: &Store, table: Arc<Table>, rows: Vec<Arc<Row>>) -> Page {
        Page {
            store: store.clone(),
            catalog: store.core.catalog.load_full(),
            table,
            rows,
            links: Mutex::default(),
            people: Arc::default(),
        }
    }

    fn beside(&self, table: Arc<Table>, rows: Vec<Arc<Row>>) -> Page {
        Page {
            store: self.store.clone(),
            catalog: self.catalog.clone(),
            table,
            rows,
            links: Mutex::default(),
            people: self.people.clone(),
        }
    }

    /// The parts that a column shows.
    pub(super) fn parts<'a>(
        &'a self,
        column: &'a Column,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Parts, Error>> + Send + 'a>> {
        Box::pin(async move {
            if depth > chancery_model::limits::LOOKUP_DEPTH_MAX {
                return Ok(Arc::new(vec![Vec::new(); self.rows.len()]));
            }
            let flags = column.kind().flags();
            Ok(Arc::new(match &*column.field_type {
                _ if column.is_relation() => self.related(column).await?,
                lookup::ID => self.looked_up(column, depth).await?,
                rollup::ID => self.rolled_up(column, depth).await?,
                button::ID => self.buttons(column, depth).await?,
                _ if column.names_files() => self.files(column).await?,
                _ if flags.reference => self.people(column).await?,
                _ => self
                    .rows
                    .iter()
                    .map(|row| stored(&self.table, column, row))
                    .collect(),
            }))
        })
    }

    async fn related(&self, column: &Column) -> Result<Vec<Vec<Part>>, Error> {
        let linked = self.linked(column).await?;
        if linked.too_many {
            return Ok(vec![vec![too_many()]; self.rows.len()]);
        }
        let part = |link: &Result<usize, String>| {
            let (id, text) = match (link, &linked.page) {
                (Ok(at), Some(page)) => {
                    let record = Record::new(page.table.clone(), page.rows[*at].clone());
                    (record.id(), record.name())
                }
                (Err(id), _) => (id.clone(), id.clone()),
                (Ok(_), None) => (String::new(), String::new()),
            };
            Part {
                file: None,
                value: Value::Text(id.clone()),
                json: Json::String(id),
                text,
            }
        };
        Ok(linked
            .of
            .iter()
            .map(|links| links.iter().map(part).collect())
            .collect())
    }

    async fn files(&self, column: &Column) -> Result<Vec<Vec<Part>>, Error> {
        let named: Vec<Vec<&str>> = self
            .rows
            .iter()
            .map(|row| crate::files::named(row, column))
            .collect();
        let mut ids: Vec<&str> = named.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found: HashMap<String, Arc<File>> = HashMap::new();
        let tables = match ids.is_empty() {
            true => None,
            false => self.store.known_file_tables().await?,
        };
        if let Some(tables) = tables {
            let table = tables.files.definition()?;
            let keys: Vec<Key> = ids.iter().filter_map(|id| key(id)).collect();
            // Whoever may see the record may see what its files are called.
            let rows = tables.files.reader().get_many(&table, &keys).await?;
            for row in rows.into_iter().flatten() {
                let file = self.store.as_file(&Record::new(table.clone(), row))?;
                if let Some(file) = file.filter(|file| file.workspace == self.table.workspace) {
                    found.insert(file.id.clone(), Arc::new(file));
                }
            }
        }
        let part = |id: &str| {
            let file = found.get(id).cloned();
            Part {
                text: file.as_ref().map_or(id, |file| &file.name).to_owned(),
                json: Json::from(id),
                value: Value::text(id),
                file,
            }
        };
        let parts = named.into_iter().map(|ids| ids.into_iter().map(part).collect());
        Ok(parts.collect())
    }

    async fn people(&self, column: &Column) -> Result<Vec<Vec<Part>>, Error> {
        let field = column.kind().system().unwrap_or(FieldRef::Column(column.ordinal));
        let named = self.rows.iter().map(|row| match row.field(&field).into_owned() {
            Value::Text(id) => vec![id],
            Value::List(ids) => ids,
            _ => Vec::new(),
        });
        let named: Vec<Vec<String>> = named.collect();
        for id in named.iter().flatten() {
            let known = self.people.lock().contains_key(id);
            if !known {
                let name = people::name(&self.store, id).await?;
                self.people.lock().insert(id.clone(), name);
            }
        }
        let names = self.people.lock();
        let part = |id: String| Part {
            file: None,
            text: names.get(&id).unwrap_or(&id).clone(),
            json: Json::String(id.clone()),
            value: Value::Text(id),
        };
        let parts = named.into_iter().map(|ids| ids.into_iter().map(part).collect());
        Ok(parts.collect())
    }

    async fn looked_up(&self, column: &Column, depth: usize) -> Result<Vec<Vec<Part>>, Error> {
        let slug = column.config_str("column").unwrap_or_default();
        let (linked, there) = self.through(column, slug, depth).await?;
        if linked.too_many {
            return Ok(vec![vec![too_many()]; self.rows.len()]);
        }
        let of = |links: &Vec<Result<usize, String>>| {
            let places = links.iter().filter_map(|link| link.as_ref().ok());
            places.flat_map(|at| there[*at].iter().cloned()).collect()
        };
        Ok(linked.of.iter().map(of).collect())
    }

    async fn rolled_up(&self, column: &Column, depth: usize) -> Result<Vec<Vec<Part>>, Error> {
        let (function, slug) = (
            rollup::function(column),
            column.config_str("column").unwrap_or_default(),
        );
        let (linked, there) = self.through(column, slug, depth).await?;
        if linked.too_many {
            return Ok(vec![vec![too_many()]; self.rows.len()]);
        }
        let shown = linked.page.as_ref().and_then(|page| page.table.column(slug));
        let of = |links: &Vec<Result<usize, String>>| {
            let places: Vec<usize> = links
                .iter()
                .filter_map(|link| link.as_ref().ok().copied())
                .collect();
            match slug.is_empty() {
                true => vec![figure(Value::Int(places.len() as i64), None)],
                false => rolled(function, places.iter().flat_map(|at| there[*at].iter()), shown),
            }
        };
        Ok(linked.of.iter().map(of).collect())
    }

    async fn buttons(&self, column: &Column, depth: usize) -> Result<Vec<Vec<Part>>, Error> {
        let template = column.config_str("url").unwrap_or_default();
        let label = column.config_str("label").unwrap_or("Open");
        let mut texts: HashMap<&str, Parts> = HashMap::new();
        for other in self
            .table
            .live()
            .filter(|other| template.contains(&format!("{{{}}}", other.slug)))
        {
            if other.ordinal != column.ordinal {
                texts.insert(&other.slug, self.parts(other, depth + 1).await?);
            }
        }
        let button = |at: usize| {
            let value = |name: &str| match (name, texts.get(name)) {
                (_, Some(parts)) => Some(joined(&parts[at])),
                ("id", None) => Some(self.rows[at].key.to_string()),
                _ => None,
            };
            let url = button::address(template, value).ok()?;
            Some(Part {
                file: None,
                value: Value::text(&*url),
                json: Json::String(url),
                text: label.to_owned(),
            })
        };
        Ok((0..self.rows.len())
            .map(|at| button(at).into_iter().collect())
            .collect())
    }

    /// Where the relation of a lookup or rollup leads, and what a column shows there; nothing if no column is named.
    async fn through(
        &self,
        column: &Column,
        slug: &str,
        depth: usize,
    ) -> Result<(Arc<Linked>, Parts), Error> {
        let relation = column
            .config_str("relation")
            .and_then(|slug| self.table.column(slug));
        let linked = match relation.filter(|relation| relation.is_relation()) {
            Some(relation) => self.linked(relation).await?,
            None => Arc::new(Linked::nowhere(self.rows.len())),
        };
        let shown = linked
            .page
            .as_ref()
            .and_then(|page| Some((page, page.table.column(slug)?)));
        let parts = match shown {
            Some((page, shown)) if shown.encrypted.is_none() => page.parts(shown, depth + 1).await?,
            _ => Arc::new(vec![
                Vec::new();
                linked.page.as_ref().map_or(0, |page| page.rows.len())
            ]),
        };
        Ok((linked, parts))
    }

    /// Where a relation leads; asked once.
    async fn linked(&self, column: &Column) -> Result<Arc<Linked>, Error> {
        if let Some(linked) = self.links.lock().get(&column.ordinal) {
            return Ok(linked.clone());
        }
        let slug = column.config_str("table").unwrap_or_default();
        let target = self.catalog.table(&self.table.workspace, slug).cloned();
        let linked = match (target, column.config_str("reverseOf")) {
            (None, _) => Linked::nowhere(self.rows.len()),
            (Some(target), None) => self.follow(column, target).await?,
            (Some(target), Some(other)) => match target.column(other).cloned() {
                Some(other) if other.is_relation() => self.follow_back(&other, target).await?,
                _ => Linked::nowhere(self.rows.len()),
            },
        };
        let linked = Arc::new(linked);
        self.links.lock().insert(column.ordinal, linked.clone());
        Ok(linked)
    }

    /// The records that these name.
    async fn follow(&self, column: &Column, target: Arc<Table>) -> Result<Linked, Error> {
        let mut places: HashMap<Key, Option<usize>> = HashMap::new();
        let mut named = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let keys = column.keys_in(target.key_kind, row.value(column.ordinal));
            places.extend(keys.iter().flatten().map(|key| (key.clone(), None)));
            named.push(keys);
        }
        let keys: Vec<Key> = places.keys().cloned().collect();
        let found = self.store.reader.get_many(&target, &keys).await?;
        let judged_at = target.judged_at(self.store.now());
        let mut rows = Vec::with_capacity(keys.len());
        for row in found.into_iter().flatten().filter(|row| row.visible(judged_at)) {
            places.insert(row.key.clone(), Some(rows.len()));
            rows.push(row);
        }
        let place = |key: Result<Key, String>| {
            let key = key?;
            places.get(&key).copied().flatten().ok_or_else(|| key.to_string())
        };
        Ok(Linked {
            of: named
                .into_iter()
                .map(|keys| keys.into_iter().map(place).collect())
                .collect(),
            page: Some(self.beside(target, rows)),
            too_many: false,
        })
    }

    /// The records that name these, in the order of their keys.
    async fn follow_back(&self, other: &Column, target: Arc<Table>) -> Result<Linked, Error> {
        let ids: HashMap<String, usize> = self
            .rows
            .iter()
            .enumerate()
            .map(|(at, row)| (row.key.to_string(), at))
            .collect();
        let test = match other.names_several() {
            true => Test::ListAny(ids.keys().cloned().collect()),
            false => Test::In(ids.keys().map(Value::text).collect()),
        };
        let plan = Plan {
            filter: Filter::Field(FieldRef::Column(other.ordinal), test),
            window: Window::Offset {
                offset: 0,
                limit: RELATED_ROWS_MAX as u64 + 1,
            },
            ..Plan::all(target.clone(), target.judged_at(self.store.now()))
        };
        let rows = self.store.reader.query(&plan).await?;
        let mut linked = Linked::nowhere(self.rows.len());
        linked.too_many = rows.len() > RELATED_ROWS_MAX;
        for (place, row) in rows.iter().enumerate().filter(|_| !linked.too_many) {
            let named = match row.value(other.ordinal) {
                Value::List(ids) => Cow::Borrowed(&ids[..]),
                value => Cow::Owned(value.as_text().map(str::to_owned).into_iter().collect::<Vec<_>>()),
            };
            for at in named.iter().filter_map(|id| ids.get(id)) {
                linked.of[*at].push(Ok(place));
            }
        }
        linked.page = Some(self.beside(target, rows));
        Ok(linked)
    }
}

impl Linked {
    fn nowhere(rows: usize) -> Linked {
        Linked {
            page: None,
            of: vec![Vec::new(); rows],
            too_many: false,
        }
    }
}

/// Whether a column shows a list of values rather than one.
pub(super) fn shows_several(catalog: &Catalog, table: &Table, column: &Column) -> bool {
    fn several(catalog: &Catalog, table: &Table, column: &Column, depth: usize) -> bool {
        match &*column.field_type {
            lookup::ID if depth <= chancery_model::limits::LOOKUP_DEPTH_MAX => {
                let setting = |name| column.config_str(name).unwrap_or_default();
                let Some(relation) = table.column(setting("relation")) else {
                    return false;
                };
                let target =
                    catalog.table(&table.workspace, relation.config_str("table").unwrap_or_default());
                let shown = target.and_then(|target| Some((target, target.column(setting("column"))?)));
                several(catalog, table, relation, depth + 1)
                    || shown.is_some_and(|(target, shown)| several(catalog, target, shown, depth + 1))
            }
            "lookup" | "rollup" | button::ID => false,
            _ if column.is_relation() => matches!(
                relation::kind(column),
                relation::RelationKind::ManyToMany | relation::RelationKind::OneToMany
            ),
            _ => column.names_several(),
        }
    }
    several(catalog, table, column, 0)
}

/// What a column shows, of its parts.
pub(super) fn shown(column: &Column, several: bool, parts: &[Part]) -> Shown {
    let display = (!parts.is_empty()).then(|| joined(parts));
    let json = match several {
        _ if !column.kind().flags().related => None,
        _ if parts.iter().any(|part| part.value.is_null()) => Some(Json::Null),
        true => Some(parts.iter().map(|part| part.json.clone()).collect()),
        false => Some(parts.first().map_or(Json::Null, |part| part.json.clone())),
    };
    Shown {
        ordinal: column.ordinal,
        json,
        display,
        texts: parts.iter().map(|part| part.text.clone()).collect(),
        several,
        files: parts.iter().filter_map(|part| part.file.clone()).collect(),
    }
}

fn joined(parts: &[Part]) -> String {
    let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
    texts.join(", ")
}

/// What stands where more records are related than are worked on.
fn too_many() -> Part {
    Part {
        file: None,
        value: Value::Null,
        json: Json::Null,
        text: format!("More than {RELATED_ROWS_MAX} related records"),
    }
}

/// The parts of a column that is kept in the record.
fn stored(table: &Table, column: &Column, row: &Row) -> Vec<Part> {
    if table.key_column == Some(column.ordinal) {
        return vec![Part {
            file: None,
            value: chancery_model::record::key_value(&row.key),
            json: record::key_json(&row.key),
            text: row.key.to_string(),
        }];
    }
    let field = column.kind().system().unwrap_or(FieldRef::Column(column.ordinal));
    match row.field(&field).into_owned() {
        Value::Null => Vec::new(),
        Value::List(items) => {
            let part = |item: String| {
                let alone = Value::List(vec![item.clone()]);
                Part {
                    file: None,
                    text: read(column, &alone),
                    json: Json::String(item.clone()),
                    value: Value::Text(item),
                }
            };
            items.into_iter().map(part).collect()
        }
        value => vec![Part {
            file: None,
            json: column.kind().to_json(&value, column),
            text: read(column, &value),
            value,
        }],
    }
}

fn read(column: &Column, value: &Value) -> String {
    let display = column.kind().display(value, column);
    display.unwrap_or_else(|| column.kind().export(value, column))
}

fn rolled<'a>(
    function: rollup::RollupFunction,
    parts: impl Iterator<Item = &'a Part>,
    column: Option<&Column>,
) -> Vec<Part> {
    let function = match function {
        rollup::RollupFunction::Count => Function::Count,
        rollup::RollupFunction::Sum => Function::Sum,
        rollup::RollupFunction::Avg => Function::Avg,
        rollup::RollupFunction::Min => Function::Min,
        rollup::RollupFunction::Max => Function::Max,
        rollup::RollupFunction::Concat => {
            let texts: Vec<&str> = parts.map(|part| part.text.as_str()).collect();
            return match texts.is_empty() {
                true => Vec::new(),
                false => vec![figure(Value::Text(texts.join(", ")), None)],
            };
        }
    };
    let mut all = Accumulator::new(function);
    for part in parts {
        match function {
            Function::Count => all.take_value(Cow::Owned(Value::Bool(true))),
            _ => all.take_value(Cow::Borrowed(&part.value)),
        }
    }
    match all.finish() {
        Value::Null => Vec::new(),
        value => vec![figure(value, column.filter(|_| function != Function::Count))],
    }
}

/// A figure, in the form of the column that it is worked out of where that has one for it.
fn figure(value: Value, column: Option<&Column>) -> Part {
    let own = column.filter(|column| !column.kind().flags().related && column.kind().system().is_none());
    let json = match own {
        Some(column) if !matches!(value, Value::Float(_)) => column.kind().to_json(&value, column),
        _ => plain_json(&value),
    };
    let text = match (own, &json) {
        (Some(column), _) if !matches!(value, Value::Float(_)) => read(column, &value),
        (_, Json::String(text)) => text.clone(),
        (_, json) => json.to_string(),
    };
    Part {
        value,
        json,
        text,
        file: None,
    }
}
