//! The library on the memory backend, one thread, beside ordinary maps. It touches no disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result};
use chancery::{ColumnInput, Json, Key, Store, TableHandle, TableInput, json};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::bars;
use crate::contacts::{STATUSES, mixed};
use crate::measure::{Effort, Processor, in_turn, per_second, per_second_awaited, rate};
use crate::original::Original;
use crate::report::{Bar, Row, Section, Unit};

const SPEC: &str = "spec: records";

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let count = effort.records(100_000);
    let once = Measured::of(&runtime, effort, count, effort.runs())?;
    let tenfold = match effort.quick {
        true => None,
        false => Some(Measured::of(&runtime, effort, count * 10, 1)?),
    };
    let original = Original::measure(effort, count);
    let missing = match original.missing() {
        Some(why) => format!("; the original was not measured: {why}"),
        None => String::new(),
    };
    let all = All {
        once,
        tenfold,
        original,
    };
    let mut rows = beside_hand(&all);
    rows.extend(alone(&all));
    Ok(Section {
        title: format!("Library, memory backend, one thread (its processor time), {count} records{missing}"),
        rows,
    })
}

/// Everything that was measured.
struct All {
    once: Measured,
    tenfold: Option<Measured>,
    original: Original,
}

impl All {
    fn named(&self, name: &str, of: fn(&Measured) -> (f64, f64), what: &str) -> Row {
        let (ours, by_hand) = of(&self.once);
        let row = Row::new(name, Unit::PerSecond, ours).by_hand(by_hand, what);
        match &self.tenfold {
            Some(tenfold) => row.at_ten_times(of(tenfold).0),
            None => row,
        }
    }

    fn alone(&self, name: &str, of: fn(&Measured) -> f64) -> Row {
        let row = Row::new(name, Unit::PerSecond, of(&self.once));
        match &self.tenfold {
            Some(tenfold) => row.at_ten_times(of(tenfold)),
            None => row,
        }
    }

    fn bar(&self, row: Row, least: f64, name: &str) -> Row {
        row.bar(Bar::AtLeast(least))
            .note(SPEC)
            .original(self.original.rate(name))
    }
}

/// What has the same work by hand beside it.
fn beside_hand(all: &All) -> Vec<Row> {
    vec![
        all.bar(
            all.named("get by key", |m| m.get, "HashMap::get and Arc::clone"),
            3_000_000.0,
            "get",
        ),
        all.bar(
            all.named(
                "insert, 2 indexes + 1 unique",
                |m| m.insert,
                "a struct into 2 HashMaps and 2 BTreeMaps",
            ),
            300_000.0,
            "insert",
        ),
        all.bar(
            all.named(
                "update one field",
                |m| m.update,
                "a clone, changed, into a HashMap",
            ),
            300_000.0,
            "update",
        ),
        all.named(
            "update one indexed field",
            |m| m.update_indexed,
            "the same and a BTreeMap of sets",
        ),
        all.bar(
            all.named(
                "find one on an index, n/3 match",
                |m| m.find_one,
                "BTreeMap, first of a set, HashMap",
            ),
            500_000.0,
            "findOne",
        ),
        all.bar(
            all.named("a page of 50 from the middle", |m| m.page, "BTreeMap::range"),
            30_000.0,
            "paginate",
        ),
    ]
}

/// What has not.
fn alone(all: &All) -> Vec<Row> {
    vec![
        all.alone("get and update in a transaction", |m| m.transaction)
            .note("nothing by hand")
            .original(all.original.rate("transaction")),
        all.bar(
            all.alone("insert at maxSize, one leaves for each", |m| m.full),
            200_000.0,
            "maxSize",
        ),
        all.bar(
            all.alone("update with 100 live counts, settled", |m| m.live_counts),
            20_000.0,
            "liveCounts",
        ),
        all.bar(
            all.alone("update with 1,000 live gets, settled", |m| m.live_gets),
            200_000.0,
            "liveGets",
        ),
    ]
}

/// All figures at one size: Chancery's and by hand.
struct Measured {
    get: (f64, f64),
    insert: (f64, f64),
    update: (f64, f64),
    update_indexed: (f64, f64),
    transaction: f64,
    full: f64,
    live_counts: f64,
    live_gets: f64,
    find_one: (f64, f64),
    page: (f64, f64),
}

impl Measured {
    fn of(runtime: &Runtime, effort: Effort, count: usize, runs: usize) -> Result<Measured> {
        let (insert, table, mut people) = inserts(runtime, count, runs)?;
        let keys: Vec<Key> = runtime
            .block_on(table.all())?
            .iter()
            .map(|record| record.key().clone())
            .collect();
        let ids: Vec<Uuid> = people.in_order.keys().copied().collect();
        let at = |turn: u64| (mixed(turn) % count as u64) as usize;
        let span = effort.span();
        let get = in_turn(
            runs,
            || {
                runtime.block_on(per_second_awaited(span, async |turn| {
                    black_box(table.get(&keys[at(turn)]).await?);
                    Ok(())
                }))
            },
            || {
                per_second(span, |turn| {
                    black_box(people.by_id.get(&ids[at(turn)]).cloned());
                    Ok(())
                })
            },
        )?;
        let find_one = in_turn(
            runs,
            || {
                runtime.block_on(per_second_awaited(span, async |turn| {
                    let status = STATUSES[at(turn) % 3];
                    black_box(table.find_one(json!({ "status": status })).await?);
                    Ok(())
                }))
            },
            || {
                per_second(span, |turn| {
                    let first = people.by_status[STATUSES[at(turn) % 3]].first();
                    black_box(first.and_then(|id| people.by_id.get(id)).cloned());
                    Ok(())
                })
            },
        )?;
        let (middle, middle_id) = (keys[count / 2].to_string(), ids[count / 2]);
        let page = in_turn(
            runs,
            || {
                runtime.block_on(per_second_awaited(span, async |_| {
                    black_box(table.paginate(Some(&middle), 50).await?);
                    Ok(())
                }))
            },
            || {
                per_second(span, |_| {
                    let after = people.in_order.range(middle_id..).skip(1).take(50);
                    black_box(after.map(|(_, person)| person.clone()).collect::<Vec<_>>());
                    Ok(())
                })
            },
        )?;
        let mut updates = |field: &'static str| {
            let value = |turn: u64| match field {
                "age" => json!({ "age": turn % 90 }),
                _ => json!({ "name": format!("Person {turn}") }),
            };
            in_turn(
                runs,
                || {
                    runtime.block_on(per_second_awaited(span, async |turn| {
                        black_box(table.update(&keys[at(turn)], value(turn)).await?);
                        Ok(())
                    }))
                },
                || {
                    per_second(span, |turn| {
                        people.update(&ids[at(turn)], field, turn);
                        Ok(())
                    })
                },
            )
        };
        Ok(Measured {
            update: updates("name")?,
            update_indexed: updates("age")?,
            transaction: bars::transactions(runtime, effort, runs, &table, &keys)?,
            full: bars::full(runtime, effort, runs, count)?,
            live_counts: bars::live_counts(runtime, effort, runs, &table, &keys)?,
            live_gets: bars::live_gets(runtime, effort, runs, &table, &keys)?,
            get,
            insert,
            find_one,
            page,
        })
    }
}

/// Inserts, in turn with by hand, and what the last run of each left.
fn inserts(runtime: &Runtime, count: usize, runs: usize) -> Result<((f64, f64), TableHandle, People)> {
    let (mut ours, mut people) = (None, People::default());
    let insert = in_turn(
        runs,
        || {
            drop(ours.take());
            let (rate, filled) = runtime.block_on(fill(count, None))?;
            ours = Some(filled);
            Ok(rate)
        },
        || {
            let inputs: Vec<Person> = (0..count).map(|number| Person::new(number as u64)).collect();
            people = People::default();
            let start = Processor::start();
            for person in inputs {
                people.insert(person);
            }
            Ok(rate(count as u64, start.elapsed()))
        },
    )?;
    let table = ours.context("a measurement has at least one run")?;
    Ok((insert, table, people))
}

/// A store with as many records, and how many went in in a second.
pub(crate) async fn fill(count: usize, most: Option<u64>) -> Result<(f64, TableHandle)> {
    let inputs: Vec<Json> = (0..count)
        .map(|number| Person::new(number as u64).data())
        .collect();
    let store = Store::open("memory:").await?;
    let mut people = TableInput::new("People");
    people.max_size = most;
    // A record that makes room is gone; it does not go to the trash first.
    people.soft_delete = most.is_none();
    let table = store
        .create_table(
            people
                .column(ColumnInput::new("Name", "text").required().max_length(100))
                .column(ColumnInput::new("Email", "text").required().unique())
                .column(ColumnInput::new("Status", "text").one_of(STATUSES).indexed())
                .column(ColumnInput::new("Age", "number").range(0, 150).indexed()),
        )
        .await?;
    let start = Processor::start();
    for input in inputs {
        black_box(table.insert(input).await?);
    }
    Ok((rate(count as u64, start.elapsed()), table))
}

/// A record as one would write it by hand.
#[derive(Clone)]
pub(crate) struct Person {
    id: Uuid,
    name: String,
    email: String,
    status: &'static str,
    age: i64,
    version: u64,
}

/// What one would keep by hand: records by key, their order, two indexes and one unique column.
#[derive(Default)]
struct People {
    by_id: HashMap<Uuid, Arc<Person>>,
    in_order: BTreeMap<Uuid, Arc<Person>>,
    by_email: HashMap<String, Uuid>,
    by_status: BTreeMap<&'static str, BTreeSet<Uuid>>,
    by_age: BTreeMap<i64, BTreeSet<Uuid>>,
}

impl Person {
    pub(crate) fn new(number: u64) -> Person {
        let drawn = mixed(number);
        Person {
            id: Uuid::now_v7(),
            name: format!("Person {number}"),
            email: format!("person{number}@example.com"),
            status: STATUSES[(drawn % 3) as usize],
            age: (drawn >> 8) as i64 & 0x3f,
            version: 1,
        }
    }

    pub(crate) fn data(&self) -> Json {
        json!({"name": self.name, "email": self.email, "status": self.status, "age": self.age})
    }
}

impl People {
    fn insert(&mut self, person: Person) {
        if self.by_email.contains_key(&person.email) {
            return;
        }
        let id = person.id;
        self.by_email.insert(person.email.clone(), id);
        self.by_status.entry(person.status).or_default().insert(id);
        self.by_age.entry(person.age).or_default().insert(id);
        let person = Arc::new(person);
        self.in_order.insert(id, person.clone());
        self.by_id.insert(id, person);
    }

    fn update(&mut self, id: &Uuid, field: &str, turn: u64) {
        let Some(old) = self.by_id.get(id) else { return };
        let mut new = Person::clone(old);
        new.version += 1;
        if field == "age" {
            if let Some(ids) = self.by_age.get_mut(&new.age) {
                ids.remove(id);
            }
            new.age = (turn % 90) as i64;
            self.by_age.entry(new.age).or_default().insert(*id);
        } else {
            new.name = format!("Person {turn}");
        }
        let new = Arc::new(new);
        self.in_order.insert(*id, new.clone());
        self.by_id.insert(*id, new);
    }
}
