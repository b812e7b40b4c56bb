//! References, followed back: what goes takes along, clears or is held by what refers to it.
//!
//! The race with other writers is closed by [`Check::Table`] for each table in which was looked for what refers to a record
//! that goes; its revision is taken before looking.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::column::OnDelete;
use chancery_model::convert::remade;
use chancery_model::filter::{Filter, Test};
use chancery_model::query::{Plan, Window};
use chancery_model::{Key, Record, Table, TableId, Value, limits};
use chancery_storage::{Check, Write};
use hashbrown::{HashMap, HashSet};

use super::net::{Gone, Net, record_of};
use super::{Added, Dependent, Refusal};
use crate::catalog::{Catalog, Referrer};
use crate::error::Error;
use crate::events::rebuild::lengthen;
use crate::store::Store;

/// Adds what the end of records brings with it, and refuses it where something that refers to one stays.
pub(super) async fn follow(
    store: &Store,
    catalog: &Catalog,
    own: &mut [Write],
    net: &mut Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let mut ends = Ends {
        store,
        catalog,
        now,
        looked: BTreeMap::new(),
        taken: Vec::new(),
        unnamed: Vec::new(),
    };
    ends.take_along(net).await?;
    ends.restrict(own, net, added).await?;
    added.followed = ends.followers();
    ends.write(own, net, added);
    let checks = ends.looked.into_iter();
    added
        .checks
        .extend(checks.map(|(table, revision)| Check::Table { table, revision }));
    Ok(())
}

/// Values of columns, by ordinal, as they were.
type Before = Vec<(u16, Value)>;

/// A record that goes or changes because of what it refers to.
struct Child {
    table: Arc<Table>,
    record: Arc<Record>,
}

/// What the end of records brings with it.
struct Ends<'a> {
    store: &'a Store,
    catalog: &'a Catalog,
    now: i64,
    /// The tables that were looked into, with a revision from before that.
    looked: BTreeMap<TableId, u64>,
    /// Records that go too, and whether for good.
    taken: Vec<(Child, bool)>,
    /// Columns that name a record no more, or nothing any more where none is said.
    unnamed: Vec<(Child, u16, Option<Key>)>,
}

impl Ends<'_> {
    /// Finds everything that goes or changes with what goes, however many steps away. Who refers to each other in a circle is
    /// met once.
    async fn take_along(&mut self, net: &mut Net) -> Result<(), Error> {
        for (table, origin) in net.cleared.values().cloned().collect::<Vec<_>>() {
            for referrer in self.referrers(table.number) {
                if referrer.on_delete != OnDelete::Restrict && referrer.table.number != table.number {
                    // Expired ones go too: what they refer to is gone should they be seen again.
                    let most = limits::CASCADE_RECORDS_MAX + 1;
                    look(self.store, &referrer, &mut self.looked).await?;
                    let found = self.all_referring(&referrer, i64::MIN, most).await?;
                    self.meet(&referrer, found, (true, origin, None), net)?;
                }
            }
        }
        let mut frontier = net.all_ended();
        while !frontier.is_empty() {
            for (table, gone) in by_table(std::mem::take(&mut frontier)) {
                for referrer in self.referrers(table) {
                    if referrer.on_delete == OnDelete::Restrict {
                        continue;
                    }
                    let found = self
                        .referring(&referrer, &gone, limits::CASCADE_RECORDS_MAX + 1)
                        .await?;
                    for (gone, found) in gone.iter().zip(found) {
                        let end = (gone.for_good, gone.origin, Some(&gone.key));
                        frontier.extend(self.meet(&referrer, found, end, net)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many records go or change because of what they refer to, each once.
    fn followers(&self) -> u64 {
        let unnamed = self.unnamed.iter().map(|(child, ..)| child);
        let all = self.taken.iter().map(|(child, _)| child).chain(unnamed);
        let places: HashSet<(TableId, &Key)> =
            all.map(|child| (child.table.number, &child.record.key)).collect();
        places.len() as u64
    }

    /// Takes records along that refer to what goes, or notes that their column becomes null; answers what goes because of it.
    fn meet(
        &mut self,
        referrer: &Referrer,
        found: Vec<Arc<Record>>,
        (for_good, origin, key): (bool, usize, Option<&Key>),
        net: &mut Net,
    ) -> Result<Vec<Gone>, Error> {
        let table = &referrer.table;
        let mut further = Vec::new();
        for record in found {
            if net.is_gone(table.number, &record.key) {
                continue;
            }
            let changed = net.left(table.number, &record.key);
            if changed.is_some_and(|left| {
                left.changed
                    .as_ref()
                    .is_none_or(|all| all.contains(&referrer.column))
            }) {
                // It refers to something else by then; whether that is there is looked at with all that is written.
                continue;
            }
            if self.taken.len() + self.unnamed.len() >= limits::CASCADE_RECORDS_MAX {
                return Err(Error::Limit {
                    what: "records that one delete takes along by references",
                    max: limits::CASCADE_RECORDS_MAX as u64,
                    got: limits::CASCADE_RECORDS_MAX as u64 + 1,
                });
            }
            let child = Child {
                table: table.clone(),
                record,
            };
            if referrer.on_delete == OnDelete::SetNull {
                self.unnamed.push((child, referrer.column, key.cloned()));
                continue;
            }
            let for_good = for_good || !table.soft_delete;
            let gone = Gone {
                table: table.clone(),
                key: child.record.key.clone(),
                for_good,
                origin,
            };
            net.take(gone.clone());
            further.push(gone);
            self.taken.push((child, for_good));
        }
        Ok(further)
    }

    /// Refuses what would take away a record that something refers to which stays. What is refused stays as well, and holds
    /// what it refers to itself, however many steps away.
    async fn restrict(&mut self, own: &[Write], net: &Net, added: &mut Added) -> Result<(), Error> {
        let refers = |referrer: &Referrer, record: &Record| {
            let (table, column) = (&referrer.table, referrer.column);
            let changed = net.left(table.number, &record.key);
            let elsewhere =
                changed.is_some_and(|left| left.changed.as_ref().is_none_or(|all| all.contains(&column)));
            record.visible(table.judged_at(self.now)) && !elsewhere
        };
        let goes = |referrer: &Referrer, record: &Record| net.is_gone(referrer.table.number, &record.key);
        let mut held = Held::default();
        let mut looked = std::mem::take(&mut self.looked);
        for (table, origin) in net.cleared.values() {
            for referrer in self.restricting(table.number) {
                if referrer.table.number == table.number {
                    continue;
                }
                look(self.store, &referrer, &mut looked).await?;
                let most = 1 + net.gone_of(referrer.table.number) + own.len();
                let judged_at = referrer.table.judged_at(self.now);
                let found = self.all_referring(&referrer, judged_at, most).await?;
                let mut holding = found.iter().filter(|record| refers(&referrer, record));
                if let Some(record) = holding.find(|record| !goes(&referrer, record)) {
                    let value = record
                        .field(&referrer.table.field_of(referrer.column))
                        .into_owned();
                    let column = referrer.table.at(referrer.column);
                    let mut keys = column.keys_in(table.key_kind, &value).into_iter();
                    let key = keys.find_map(Result::ok).unwrap_or(Key::Int(0));
                    let dependent = dependent(&table.slug, key, &referrer, record);
                    held.refused.push((*origin, dependent));
                }
            }
        }
        for (table, gone) in by_table(net.all_gone()) {
            for referrer in self.restricting(table) {
                look(self.store, &referrer, &mut looked).await?;
                let most = match referrer.table.ttl_ms {
                    // Expired ones may stand before those that hold.
                    Some(_) => usize::MAX,
                    None => 1 + net.gone_of(referrer.table.number) + own.len(),
                };
                let found = find(self.store, &referrer, &gone, most).await?;
                for (gone, found) in gone.iter().zip(found) {
                    let mut holding = found.iter().filter(|record| refers(&referrer, record));
                    if let Some(record) = holding.find(|record| !goes(&referrer, record)) {
                        held.hold(
                            gone,
                            dependent(&gone.table.slug, gone.key.clone(), &referrer, record),
                        );
                        continue;
                    }
                    for record in found.iter().filter(|record| refers(&referrer, record)) {
                        held.would_hold(gone, &referrer, record);
                    }
                }
            }
        }
        self.looked = looked;
        added.refused.extend(held.all(own));
        Ok(())
    }

    /// Adds the writes of what goes and of what becomes null. A record that the batch itself changes is changed once.
    fn write(&mut self, own: &mut [Write], net: &Net, added: &mut Added) {
        for (Child { table, record }, for_good) in std::mem::take(&mut self.taken) {
            if for_good {
                added.after.push(Write::purge(&table, &record.key, None));
                continue;
            }
            // Its last state is the batch's own, if that changes it.
            let last = own.iter().rev().find_map(|write| match record_of(write) {
                Some((of, last)) if of.number == table.number && last.key == record.key => Some(last.clone()),
                _ => None,
            });
            let old = last.unwrap_or_else(|| Record::clone(&record));
            let mut next = old.next(self.now, self.store.actor.id.clone());
            next.deleted_at = Some(self.now);
            let write = Write::update(&table, &old, next, Vec::new(), ChangeKind::Deleted);
            added.after.push(write);
        }
        let mut changed: HashMap<(TableId, Key), usize> = HashMap::new();
        let mut updates: Vec<(Child, Record, Before)> = Vec::new();
        for (child, column, named) in std::mem::take(&mut self.unnamed) {
            let named = named.map(|named| child.table.at(column).key_in(&named));
            let (table, key) = (child.table.number, child.record.key.clone());
            if net.is_gone(table, &key) {
                continue;
            }
            if let Some(left) = net.left(table, &key)
                && let Write::Update { record, before, .. } = &mut own[left.write]
            {
                unname(&child.table, (record, before), column, named.as_ref());
                continue;
            }
            let next = child.record.next(self.now, self.store.actor.id.clone());
            let definition = child.table.clone();
            let at = *changed.entry((table, key)).or_insert_with(|| {
                updates.push((child, next, Vec::new()));
                updates.len() - 1
            });
            let (_, next, before) = &mut updates[at];
            unname(&definition, (next, before), column, named.as_ref());
        }
        for (Child { table, record }, next, before) in updates {
            added
                .after
                .push(Write::update(&table, &record, next, before, ChangeKind::Updated));
        }
    }

    fn referrers(&self, table: TableId) -> Vec<Referrer> {
        self.catalog.referrers(table).to_vec()
    }

    fn restricting(&self, table: TableId) -> Vec<Referrer> {
        let all = self.catalog.referrers(table).iter();
        all.filter(|referrer| referrer.on_delete == OnDelete::Restrict)
            .cloned()
            .collect()
    }

    /// The live records that refer to each of these, at most `most` of each.
    async fn referring(
        &mut self,
        referrer: &Referrer,
        gone: &[Gone],
        most: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, Error> {
        look(self.store, referrer, &mut self.looked).await?;
        find(self.store, referrer, gone, most).await
    }

    /// The live records that refer to anything and have not expired at a time, at most `most`.
    async fn all_referring(
        &self,
        referrer: &Referrer,
        judged_at: i64,
        most: usize,
    ) -> Result<Vec<Arc<Record>>, Error> {
        let plan = Plan {
            filter: Filter::Field(referrer.table.field_of(referrer.column), Test::Present),
            window: Window::Offset {
                offset: 0,
                limit: most as u64,
            },
            ..Plan::all(referrer.table.clone(), judged_at)
        };
        Ok(self.store.core.backend.query(&plan).await?)
    }
}

/// Records that a batch would take away and that are held.
#[derive(Default)]
struct Held {
    /// Their writes, with who holds them.
    refused: Vec<(usize, Dependent)>,
    /// The records themselves.
    records: Vec<(TableId, Key)>,
    known: HashSet<(TableId, Key)>,
    /// By records that go: what they hold should they stay.
    would: HashMap<(TableId, Key), Vec<(Gone, Dependent)>>,
}

impl Held {
    fn hold(&mut self, gone: &Gone, by: Dependent) {
        self.refused.push((gone.origin, by));
        self.stays((gone.table.number, gone.key.clone()));
    }

    fn would_hold(&mut self, gone: &Gone, referrer: &Referrer, record: &Record) {
        let by = dependent(&gone.table.slug, gone.key.clone(), referrer, record);
        let place = (referrer.table.number, record.key.clone());
        self.would.entry(place).or_default().push((gone.clone(), by));
    }

    fn stays(&mut self, place: (TableId, Key)) {
        if self.known.insert(place.clone()) {
            self.records.push(place);
        }
    }

    /// Every refusal, those among them that follow from others.
    fn all(mut self, own: &[Write]) -> impl Iterator<Item = (usize, Refusal)> {
        let (mut refused, mut stayed) = (0, 0);
        while refused < self.refused.len() || stayed < self.records.len() {
            // Nor goes the record that would have taken it along.
            if let Some((write, _)) = self.refused.get(refused) {
                refused += 1;
                let place = match &own[*write] {
                    Write::Purge { table, key, .. } => Some((table.number, key.clone())),
                    write => record_of(write)
                        .filter(|(_, record)| record.deleted_at.is_some())
                        .map(|(table, record)| (table.number, record.key.clone())),
                };
                place.into_iter().for_each(|place| self.stays(place));
            }
            if let Some(place) = self.records.get(stayed) {
                stayed += 1;
                for (gone, by) in self.would.remove(place).unwrap_or_default() {
                    self.hold(&gone, by);
                }
            }
        }
        let refusals = self.refused.into_iter();
        refusals.map(|(write, by)| (write, Refusal::Referenced(Box::new(by))))
    }
}

fn dependent(slug: &str, key: Key, referrer: &Referrer, record: &Record) -> Dependent {
    Dependent {
        table: slug.to_owned(),
        key,
        by: referrer.table.slug.clone(),
        by_key: record.key.clone(),
        field: referrer.table.at(referrer.column).slug.clone(),
    }
}

fn by_table(all: Vec<Gone>) -> BTreeMap<TableId, Vec<Gone>> {
    let mut tables: BTreeMap<TableId, Vec<Gone>> = BTreeMap::new();
    for gone in all {
        tables.entry(gone.table.number).or_default().push(gone);
    }
    tables
}

/// Notes the revision that a table is looked into at, before that is done.
async fn look(store: &Store, referrer: &Referrer, looked: &mut BTreeMap<TableId, u64>) -> Result<(), Error> {
    if let Entry::Vacant(place) = looked.entry(referrer.table.number) {
        place.insert(store.core.backend.revision().await?);
    }
    Ok(())
}

async fn find(
    store: &Store,
    referrer: &Referrer,
    gone: &[Gone],
    most: usize,
) -> Result<Vec<Vec<Arc<Record>>>, Error> {
    let (table, column) = (&referrer.table, referrer.table.at(referrer.column));
    let values = gone.iter().map(|gone| column.key_in(&gone.key));
    let field = table.field_of(referrer.column);
    if !column.names_several() {
        let tuples: Vec<Vec<Value>> = values.map(|value| vec![value]).collect();
        return Ok(store.core.backend.find(table, &[field], &tuples, most).await?);
    }
    let values: Vec<String> = values.map(|value| value.written()).collect();
    let places: HashMap<&str, usize> = values.iter().enumerate().map(|(at, id)| (&**id, at)).collect();
    let plan = Plan {
        filter: Filter::Field(field, Test::ListAny(values.clone())),
        ..Plan::all(table.clone(), i64::MIN)
    };
    let mut found = vec![Vec::new(); gone.len()];
    for record in store.core.backend.query(&plan).await? {
        let Value::List(ids) = record.value(column.ordinal) else {
            continue;
        };
        for at in ids.iter().filter_map(|id| places.get(&**id)) {
            if found[*at].len() < most {
                found[*at].push(record.clone());
            }
        }
    }
    Ok(found)
}

/// Takes out of a column what it names, or all of it.
fn unname(table: &Table, (record, before): (&mut Record, &mut Before), column: u16, named: Option<&Value>) {
    let Some(slot) = record.values.get_mut(usize::from(column)) else {
        return;
    };
    let next = match (&*slot, named) {
        (Value::List(ids), Some(Value::Text(named))) => {
            let rest = ids.iter().filter(|id| *id != named);
            Value::List(rest.cloned().collect())
        }
        _ => Value::Null,
    };
    let was = std::mem::replace(slot, next.clone());
    let mut note = |column: u16, was: Value| {
        if !before.iter().any(|(changed, _)| *changed == column) {
            before.push((column, was));
        }
    };
    note(column, was);
    // A column that is just becoming one of another type is written with it.
    let waits = table
        .replacing()
        .find(|(_, replaces)| replaces.waits && replaces.ordinal == column);
    if let Some((other, _)) = waits {
        let kept = |ordinal: u16| record.value(ordinal).clone();
        let value = remade(table, other, &next, &kept).unwrap_or_default();
        lengthen(record, table.columns.len());
        note(
            other.ordinal,
            std::mem::replace(&mut record.values[usize::from(other.ordinal)], value),
        );
    }
}
