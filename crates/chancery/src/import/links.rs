//! Cells that name records of other tables, or users, by what people call them: which ids they mean, and the records that are made because nobody is
//! called so. Names are looked up chunk by chunk, so that files of any length pass in little memory. It decides nothing about other cells.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use chancery_model::admit::{Coerce, Input, Protected};
use chancery_model::change::Reason;
use chancery_model::define::NAME_TEMPLATE;
use chancery_model::field::{TextFormat, lists};
use chancery_model::filter::FieldRef;
use chancery_model::query::{Plan, Scope};
use chancery_model::{Code, Column, Issue, Json, JsonMap, Key, RecordMetadata, Source, Table, Value};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::mapping::{Places, Target};
use super::read::Part;
use crate::bulk::OnError;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::{LINK_NAMES_KEPT, TEMPLATE_NAMES_MAX};
use crate::record::Record;
use crate::rows::{Blank, OnMany, Row, RowOptions, RowOutcome};
use crate::store::Store;
use crate::wrong::NAME;

/// Records of one name that are looked for: more than one is too many.
const ALIKE: usize = 2;

/// The columns of a file that name records or users.
pub(super) struct Links {
    store: Store,
    columns: Vec<LinkColumn>,
    /// Whether records are made that nobody is called like.
    create: bool,
    /// Whether nothing is written.
    trial: bool,
    import: Arc<str>,
    known: Mutex<Known>,
}

/// One column of a file that names records or users.
struct LinkColumn {
    /// Its place in the file.
    place: usize,
    slug: String,
    several: bool,
    whom: Whom,
}

enum Whom {
    Users,
    /// Records of a table; `own` is the one that the file goes into.
    Records {
        table: TableHandle,
        own: bool,
    },
}

/// What is known of names so far.
#[derive(Default)]
struct Known {
    /// By the column and the name.
    names: HashMap<(usize, String), Named>,
    /// All names of a table whose records are called by a template, with their ids.
    templates: HashMap<usize, Arc<HashMap<String, Vec<String>>>>,
    users: Option<Arc<HashMap<String, Vec<String>>>>,
    /// What was made, or would be, by hashes.
    made: HashSet<u64>,
    /// The ids that stand for what a trial would make, by hashes.
    stand_ins: HashSet<u64>,
    hasher: RandomState,
}

/// Whom a name means.
#[derive(Clone, Debug)]
enum Named {
    Id(String),
    /// More than one.
    Several,
    Nobody,
    /// Nobody, and a record of that name cannot be made.
    Refused(String),
}

/// What the cells of a chunk mean, where that is not what stands there.
#[derive(Default)]
pub(super) struct Resolved {
    texts: HashMap<(usize, usize), String>,
    objects: HashMap<usize, JsonMap>,
    bad: HashMap<usize, Vec<Issue>>,
}

impl Resolved {
    /// What a cell of a row means.
    pub(super) fn text(&self, row: usize, place: usize) -> Option<&str> {
        self.texts.get(&(row, place)).map(String::as_str)
    }

    /// What an object means.
    pub(super) fn object(&self, row: usize) -> Option<&JsonMap> {
        self.objects.get(&row)
    }

    /// What is wrong with the names of a row.
    pub(super) fn bad(&self, row: usize) -> Option<&Vec<Issue>> {
        self.bad.get(&row)
    }
}

impl Links {
    /// The columns of a file that go into relations and users of a table.
    pub(super) fn new(
        (store, table): (&Store, &Table),
        places: &Places,
        (create, trial): (bool, bool),
        import: Arc<str>,
    ) -> Links {
        let catalog = store.core.catalog.load();
        let column = |(place, target): (usize, &Target)| {
            let Target::Column(slug) = target else { return None };
            let column = table.column(slug).filter(|column| column.writable())?;
            let whom = match column.refers_to() {
                _ if column.names_users() => Whom::Users,
                // Whoever is held to rights gives ids: a name would tell who there is in a table that they may not see.
                Some(target) if column.is_relation() && store.rights.is_none() => Whom::Records {
                    table: store.handle(catalog.table(&table.workspace, target)?),
                    own: target == table.slug,
                },
                _ => return None,
            };
            Some(LinkColumn {
                place,
                slug: slug.clone(),
                several: column.names_several(),
                whom,
            })
        };
        Links {
            columns: places.targets.iter().enumerate().filter_map(column).collect(),
            store: store.clone(),
            create,
            trial,
            import,
            known: Mutex::default(),
        }
    }

    /// How many records of other tables were made, or would be.
    pub(super) async fn made(&self) -> u64 {
        self.known.lock().await.made.len() as u64
    }

    /// Whether an id stands for a record that a trial would make.
    pub(super) async fn stands_in(&self, id: &str) -> bool {
        let known = self.known.lock().await;
        known.stand_ins.contains(&known.hasher.hash_one(id))
    }

    /// Whom the cells of a chunk name.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(super) async fn resolve(&self, part: &Part) -> Result<Resolved, Error> {
        let mut resolved = Resolved::default();
        if self.columns.is_empty() {
            return Ok(resolved);
        }
        let cells = self.named(part);
        let mut known = self.known.lock().await;
        if known.names.len() > LINK_NAMES_KEPT {
            known.names.clear();
        }
        for (at, column) in self.columns.iter().enumerate() {
            let named = cells.iter().filter(|cell| cell.column == at);
            let mut fresh: Vec<String> = Vec::new();
            let mut seen = HashSet::new();
            for item in named.flat_map(|cell| &cell.items) {
                if seen.insert(item) && !known.names.contains_key(&(at, item.clone())) {
                    fresh.push(item.clone());
                }
            }
            if fresh.is_empty() {
                continue;
            }
            let found = match &column.whom {
                Whom::Users => self.users(&fresh, &mut known).await?,
                Whom::Records { table, own } => {
                    let found = self.records((at, table), &fresh, &mut known).await?;
                    self.make((at, table, *own), &fresh, found, &mut known).await?
                }
            };
            known.names.extend(
                fresh
                    .into_iter()
                    .zip(found)
                    .map(|(name, found)| ((at, name), found)),
            );
        }
        for cell in cells {
            self.place(cell, &known, part, &mut resolved);
        }
        Ok(resolved)
    }

    /// The cells of a chunk that name somebody.
    fn named(&self, part: &Part) -> Vec<NamingCell> {
        let mut cells = Vec::new();
        let mut add = |row: usize, column: usize, items: Vec<String>| {
            if !items.is_empty() {
                cells.push(NamingCell { row, column, items });
            }
        };
        match part {
            Part::Cells(chunk) => {
                for (at, row) in chunk.rows().enumerate().filter(|(_, row)| row.fault().is_none()) {
                    for (index, column) in self.columns.iter().enumerate() {
                        let text = row
                            .cell(column.place)
                            .map(|(text, _)| text.trim())
                            .unwrap_or_default();
                        let items = match column.several {
                            // What is no list is told by the column itself.
                            true => lists::split(text).unwrap_or_default(),
                            false if text.is_empty() => Vec::new(),
                            false => vec![text.to_owned()],
                        };
                        add(at, index, items);
                    }
                }
            }
            Part::Objects(objects) => {
                for (at, object) in objects.items.iter().enumerate() {
                    // What comes from the export of a table names ids.
                    let Some(data) = object.data.as_ref().ok().filter(|_| object.before.is_none()) else {
                        continue;
                    };
                    for (index, column) in self.columns.iter().enumerate() {
                        let items = match data.get(&column.slug) {
                            Some(Json::String(text)) if !column.several => vec![text.clone()],
                            Some(Json::Array(items)) if column.several => {
                                items.iter().filter_map(Json::as_str).map(str::to_owned).collect()
                            }
                            _ => Vec::new(),
                        };
                        add(at, index, items);
                    }
                }
            }
        }
        cells
    }

    /// Puts ids into the place of names, or says what is wrong with them.
    fn place(&self, cell: NamingCell, known: &Known, part: &Part, resolved: &mut Resolved) {
        let column = &self.columns[cell.column];
        let mut ids = Vec::with_capacity(cell.items.len());
        for item in &cell.items {
            let named = known.names.get(&(cell.column, item.clone()));
            match named.unwrap_or(&Named::Nobody) {
                Named::Id(id) => ids.push(id.clone()),
                other => resolved
                    .bad
                    .entry(cell.row)
                    .or_default()
                    .push(self.issue(column, item, other)),
            }
        }
        if ids == cell.items || ids.len() < cell.items.len() {
            return;
        }
        if let Part::Objects(objects) = part {
            let Ok(data) = &objects.items[cell.row].data else {
                return;
            };
            let data = resolved.objects.entry(cell.row).or_insert_with(|| data.clone());
            let json = match column.several {
                true => Json::from(ids),
                false => Json::from(ids.concat()),
            };
            data.insert(column.slug.clone(), json);
            return;
        }
        let text = match column.several {
            true => Json::from(ids).to_string(),
            false => ids.concat(),
        };
        resolved.texts.insert((cell.row, column.place), text);
    }

    fn issue(&self, column: &LinkColumn, name: &str, named: &Named) -> Issue {
        let (what, by) = match &column.whom {
            Whom::Users => ("user".to_owned(), "id or e-mail address"),
            Whom::Records { table, .. } => {
                let slug = table
                    .definition()
                    .map(|table| table.slug.clone())
                    .unwrap_or_default();
                (format!("record of \"{slug}\""), "id")
            }
        };
        let (code, message) = match named {
            Named::Several => (
                Code::Ambiguous,
                format!("More than one {what} is called \"{name}\"; write the {by} instead"),
            ),
            Named::Refused(why) => (
                Code::Reference,
                format!("No {what} is called \"{name}\", and none can be made: {why}"),
            ),
            _ => (
                Code::Reference,
                format!("No {what} is called \"{name}\", nor has it as its {by}"),
            ),
        };
        Issue::new(&column.slug, code, message).with(NAME, name)
    }

    /// Whom names mean: by id, e-mail address, or name.
    async fn users(&self, names: &[String], known: &mut Known) -> Result<Vec<Named>, Error> {
        let users = match &known.users {
            Some(users) => users.clone(),
            None => {
                let all = self.store.access().users().await;
                let all =
                    all.map_err(|error| Error::Internal(format!("users could not be read: {error}")))?;
                let mut users: HashMap<String, Vec<String>> = HashMap::new();
                for user in &all {
                    // An id or address is nobody else's name.
                    users.insert(user.id.clone(), vec![user.id.clone()]);
                    users.insert(user.email.clone(), vec![user.id.clone()]);
                }
                for user in all.into_iter().filter(|user| !user.name.is_empty()) {
                    let ids = users.entry(user.name).or_default();
                    if !ids.contains(&user.id) {
                        ids.push(user.id);
                    }
                }
                known.users.insert(Arc::new(users)).clone()
            }
        };
        Ok(names.iter().map(|name| one_of(users.get(name))).collect())
    }

    /// Whom names mean: by id, external id, or what a record is called.
    async fn records(
        &self,
        (at, handle): (usize, &TableHandle),
        names: &[String],
        known: &mut Known,
    ) -> Result<Vec<Named>, Error> {
        let table = handle.definition()?;
        let mut found = vec![Named::Nobody; names.len()];
        let keys = names
            .iter()
            .map(|name| Key::parse(table.key_kind, name).filter(|key| key.to_string() == *name));
        let (places, keys): (Vec<usize>, Vec<Key>) =
            keys.enumerate().filter_map(|(at, key)| Some((at, key?))).unzip();
        let judged_at = table.judged_at(self.store.now());
        let records = handle.backend().get_many(&table, &keys).await?;
        for (place, record) in places.into_iter().zip(records) {
            if let Some(record) = record.filter(|record| record.visible(judged_at)) {
                found[place] = Named::Id(record.key.to_string());
            }
        }
        let external = |name: &str| Some(Value::text(name));
        self.find(
            (handle, &table),
            FieldRef::ExternalId,
            &external,
            names,
            &mut found,
        )
        .await?;
        if template(&table) {
            let called = self.called((at, handle, &table), known).await?;
            for (found, name) in found
                .iter_mut()
                .zip(names)
                .filter(|(found, _)| matches!(found, Named::Nobody))
            {
                *found = match &called {
                    Some(called) => one_of(called.get(name)),
                    None => Named::Refused(format!(
                        "it has more than {TEMPLATE_NAMES_MAX} records, whose names are worked out"
                    )),
                };
            }
        } else if let Some(column) = name_column(&table) {
            let format = TextFormat::default();
            let value = |name: &str| column.kind().parse_text(name, column, &format).ok();
            self.find(
                (handle, &table),
                table.field_of(column.ordinal),
                &value,
                names,
                &mut found,
            )
            .await?;
        }
        Ok(found)
    }

    /// Looks for those that are not found yet by the value of a field.
    async fn find(
        &self,
        (handle, table): (&TableHandle, &Arc<Table>),
        field: FieldRef,
        value: &(dyn Fn(&str) -> Option<Value> + Sync),
        names: &[String],
        found: &mut [Named],
    ) -> Result<(), Error> {
        let open = (0..names.len()).filter(|at| matches!(found[*at], Named::Nobody));
        let (places, tuples): (Vec<usize>, Vec<Vec<Value>>) =
            open.filter_map(|at| Some((at, vec![value(&names[at])?]))).unzip();
        if tuples.is_empty() {
            return Ok(());
        }
        let judged_at = table.judged_at(self.store.now());
        let records = handle.backend().find(table, &[field], &tuples, ALIKE).await?;
        for (place, records) in places.into_iter().zip(records) {
            let ids: Vec<String> = records
                .iter()
                .filter(|record| record.visible(judged_at))
                .map(|record| record.key.to_string())
                .collect();
            found[place] = one_of(Some(&ids));
        }
        Ok(())
    }

    /// What all records of a table are called by its template, with their ids; none if they are too many.
    async fn called(
        &self,
        (at, handle, table): (usize, &TableHandle, &Arc<Table>),
        known: &mut Known,
    ) -> Result<Option<Arc<HashMap<String, Vec<String>>>>, Error> {
        if let Some(called) = known.templates.get(&at) {
            return Ok(Some(called.clone()));
        }
        let plan = Plan {
            scope: Scope::Live,
            ..Plan::all(table.clone(), self.store.now())
        };
        let mut called: HashMap<String, Vec<String>> = HashMap::new();
        let (mut rows, mut count) = (handle.backend().stream(&plan).await?, 0);
        while let Some(records) = rows.recv().await {
            for record in records? {
                count += 1;
                if count > TEMPLATE_NAMES_MAX {
                    return Ok(None);
                }
                let record = Record::new(table.clone(), record);
                called.entry(record.name()).or_default().push(record.id());
            }
        }
        let called = Arc::new(called);
        known.templates.insert(at, called.clone());
        Ok(Some(called))
    }

    /// Makes the records that nobody is called like, or tries to.
    async fn make(
        &self,
        (at, handle, own): (usize, &TableHandle, bool),
        names: &[String],
        mut found: Vec<Named>,
        known: &mut Known,
    ) -> Result<Vec<Named>, Error> {
        let table = handle.definition()?;
        if own {
            // A row of the same file may bring it.
            for (found, name) in found.iter_mut().zip(names) {
                let key = Key::parse(table.key_kind, name).filter(|key| key.to_string() == *name);
                if let (Named::Nobody, Some(_)) = (&found, key) {
                    *found = Named::Id(name.clone());
                }
            }
        }
        let open: Vec<usize> = (0..names.len())
            .filter(|at| matches!(found[*at], Named::Nobody))
            .collect();
        if !self.create || open.is_empty() {
            return Ok(found);
        }
        let column = name_column(&table).filter(|column| column.writable() && !own && !template(&table));
        let Some(column) = column else {
            let why = "a name alone makes no record there";
            open.iter().for_each(|at| found[*at] = Named::Refused(why.into()));
            return Ok(found);
        };
        let object = |at: &usize| -> JsonMap {
            [(column.slug.clone(), Json::from(&*names[*at]))]
                .into_iter()
                .collect()
        };
        let objects: Vec<JsonMap> = open.iter().map(object).collect();
        let rows: Vec<Row> = objects
            .iter()
            .map(|object| Row {
                input: Input::Object(object, Coerce::FromText),
                key: None,
                metadata: RecordMetadata {
                    source: Source::Import,
                    import_id: Some(self.import.clone()),
                    ..RecordMetadata::default()
                },
                stamps: None,
                known: Vec::new(),
            })
            .collect();
        let options = RowOptions {
            on_error: OnError::Continue,
            dry_run: self.trial,
            protected: Protected::Strip,
            matching: Vec::new(),
            on_many: OnMany::default(),
            blank: Blank::default(),
            reason: Reason::Import,
            operation: Some(self.import.clone()),
            update_only: false,
            documents: Vec::new(),
        };
        let outcome = handle.write_rows(&rows, &options, None).await?;
        for (place, row) in open.into_iter().zip(outcome.rows) {
            found[place] = match row {
                RowOutcome::Created(record) => {
                    let made = known.hasher.hash_one((&table.slug, &names[place]));
                    known.made.insert(made);
                    let id = match self.trial {
                        true => Uuid::now_v7().to_string(),
                        false => record.id(),
                    };
                    if self.trial {
                        let stands_in = known.hasher.hash_one(&*id);
                        known.stand_ins.insert(stands_in);
                    }
                    Named::Id(id)
                }
                RowOutcome::Failed(issues) => {
                    let said: Vec<String> = issues
                        .iter()
                        .map(|issue| format!("{}: {}", issue.field, issue.message))
                        .collect();
                    Named::Refused(said.join("; "))
                }
                _ => Named::Nobody,
            };
        }
        // Another column of the file may lead to the same table.
        let same = |key: &(usize, String)| match &self.columns[key.0].whom {
            Whom::Records { table, .. } => key.0 != at && table.id == handle.id,
            Whom::Users => false,
        };
        known
            .names
            .retain(|key, named| !(same(key) && matches!(named, Named::Nobody | Named::Refused(_))));
        Ok(found)
    }
}

/// A cell that names somebody.
struct NamingCell {
    row: usize,
    /// The place of its column among those that name.
    column: usize,
    items: Vec<String>,
}

fn one_of(ids: Option<&Vec<String>>) -> Named {
    match ids.map(Vec::as_slice) {
        Some([one]) => Named::Id(one.clone()),
        None | Some([]) => Named::Nobody,
        Some(_) => Named::Several,
    }
}

/// Whether records of a table are called by a template.
fn template(table: &Table) -> bool {
    table
        .settings
        .get(NAME_TEMPLATE)
        .is_some_and(|template| !template.is_null())
}

/// The column that records of a table are called by, if that can be looked for.
fn name_column(table: &Table) -> Option<&Column> {
    let column = table
        .primary()
        .filter(|column| table.key_column != Some(column.ordinal))?;
    let flags = column.kind().flags();
    (column.encrypted.is_none() && !flags.related && column.kind().system().is_none()).then_some(column)
}
