//! Random questions: plans with filters, searches, orders and windows, counts, figures, finds. Writes nothing.

use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Function, Group, Measure};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::fuzzy::plain as plain_word;
use chancery_model::query::{Plan, Scope, Search, SortKey, Window};
use chancery_model::record::key_value;
use chancery_model::{Record, Source, Value};
use chancery_storage::{Backend, CountMode};
use regex::Regex;

use crate::dice::Dice;
use crate::world::{World, plain};

/// How far two sums of floats may differ, of their size.
const TOLERANCE: f64 = 1e-9;

impl World {
    /// Puts a question that the number decides to both stores.
    pub(crate) async fn ask(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let records = self.records().await;
        match dice.below(8) {
            0 | 1 => self.ask_figures(&mut dice, &records).await,
            2 => self.ask_find(&mut dice, &records).await,
            _ => self.ask_records(&mut dice, &records).await,
        }
    }

    async fn ask_records(&self, dice: &mut Dice, records: &[Arc<Record>]) {
        let plan = self.plan(dice, records);
        self.remember(&plan);
        let answer =
            async |backend: &Arc<dyn Backend>| plain(&backend.query(&plan).await.expect("an answer"));
        let right = answer(&self.memory).await;
        assert_eq!(answer(&self.other).await, right, "{}", brief(&plan));
        let mut expected: Vec<Arc<Record>> = records
            .iter()
            .filter(|record| plan.admits(record))
            .cloned()
            .collect();
        let count =
            async |backend: &Arc<dyn Backend>| backend.count(&plan, CountMode::Exact).await.expect("a count");
        let counts = [count(&self.memory).await, count(&self.other).await];
        assert_eq!(counts, [expected.len() as u64; 2], "{}", brief(&plan));
        expected.sort_by(|a, b| plan.compare(a, b));
        assert_eq!(
            right,
            plain(&part(&plan, expected)),
            "memory and the model: {}",
            brief(&plan)
        );
        let stream = async |backend: &Arc<dyn Backend>| {
            let mut chunks = backend.stream(&plan).await.expect("a stream");
            let mut records = Vec::new();
            while let Some(chunk) = chunks.recv().await {
                records.extend(chunk.expect("a chunk"));
            }
            plain(&records)
        };
        if dice.once_in(5) && plan.window == Window::All {
            assert_eq!(stream(&self.other).await, right, "{}", brief(&plan));
            assert_eq!(stream(&self.memory).await, right, "{}", brief(&plan));
        }
    }

    async fn ask_figures(&self, dice: &mut Dice, records: &[Arc<Record>]) {
        let measure = |dice: &mut Dice| {
            let function = *dice.pick(Function::ALL);
            let field = self.field(dice);
            Measure {
                function,
                field: Some(field).filter(|_| function != Function::Count || dice.once_in(2)),
            }
        };
        let plan = AggregatePlan {
            over: self.plan(dice, records),
            measures: (0..1 + dice.below(4)).map(|_| measure(dice)).collect(),
            group_by: (0..dice.below(3)).map(|_| self.field(dice)).collect(),
            limit: *dice.pick(&[1, 3, 1_000]),
        };
        let answer = async |backend: &Arc<dyn Backend>| backend.aggregate(&plan).await.expect("figures");
        let (right, other) = (answer(&self.memory).await, answer(&self.other).await);
        assert!(
            alike(&other, &right),
            "other {other:?}\nmemory {right:?}\n{:?} {:?} {}\n{}",
            plan.measures,
            plan.group_by,
            plan.limit,
            brief(&plan.over)
        );
    }

    async fn ask_find(&self, dice: &mut Dice, records: &[Arc<Record>]) {
        let fields: Vec<FieldRef> = (0..1 + dice.below(2)).map(|_| self.field(dice)).collect();
        let tuple = |dice: &mut Dice| -> Vec<Value> {
            match records {
                records if !records.is_empty() && !dice.once_in(3) => {
                    let record = dice.pick(records);
                    fields
                        .iter()
                        .map(|field| record.field(field).into_owned())
                        .collect()
                }
                _ => fields
                    .iter()
                    .map(|field| self.bound(dice, field, records))
                    .collect(),
            }
        };
        let tuples: Vec<Vec<Value>> = (0..dice.below(5)).map(|_| tuple(dice)).collect();
        let limit = *dice.pick(&[1, 2, 100]);
        let answer = async |backend: &Arc<dyn Backend>| {
            let found = backend
                .find(&self.table, &fields, &tuples, limit)
                .await
                .expect("an answer");
            found.iter().map(|records| plain(records)).collect::<Vec<_>>()
        };
        let right = answer(&self.memory).await;
        assert_eq!(answer(&self.other).await, right, "{fields:?} {tuples:?} {limit}");
        let equal = |record: &Record, tuple: &[Value]| {
            record.deleted_at.is_none()
                && fields
                    .iter()
                    .zip(tuple)
                    .all(|(field, value)| *record.field(field) == *value)
        };
        for (tuple, found) in tuples.iter().zip(&right) {
            let expected = records
                .iter()
                .filter(|record| equal(record, tuple))
                .take(limit)
                .cloned();
            assert_eq!(
                *found,
                plain(&expected.collect::<Vec<_>>()),
                "memory and the model: {fields:?} {tuple:?}"
            );
        }
    }

    fn plan(&self, dice: &mut Dice, records: &[Arc<Record>]) -> Plan {
        let sort = (0..dice.below(4).min(dice.below(4)))
            .map(|_| SortKey {
                field: self.field(dice),
                descending: dice.once_in(2),
                nulls_first: dice.once_in(2),
            })
            .collect();
        let mut plan = Plan {
            filter: self.filter(dice, records, 2),
            search: dice.once_in(6).then(|| self.search(dice)),
            scope: *dice.pick(&[Scope::Live, Scope::Live, Scope::Live, Scope::Trash, Scope::All]),
            now: self.now + dice.below(2_000) as i64 - 500,
            sort,
            ..Plan::all(self.table.clone(), 0)
        };
        if plan.search.as_ref().is_some_and(|search| search.fuzzy) && dice.once_in(2) {
            plan.sort.insert(0, SortKey::BEST_FIRST);
        }
        let limit = dice.below(8) as u64;
        plan.window = match (dice.below(5), records) {
            (0 | 1, []) | (2, _) => Window::Offset {
                offset: dice.below(12) as u64,
                limit,
            },
            (0, records) => Window::After {
                boundary: plan.boundary(dice.pick::<Arc<Record>>(records)),
                limit,
            },
            (1, records) => Window::Before {
                boundary: plan.boundary(dice.pick::<Arc<Record>>(records)),
                limit,
            },
            _ => Window::All,
        };
        plan
    }

    fn search(&self, dice: &mut Dice) -> Search {
        let searchable = self
            .table
            .live()
            .filter(|column| column.kind().flags().searchable);
        let mut columns: Vec<u16> = searchable.map(|column| column.ordinal).collect();
        if dice.once_in(2) && columns.len() > 1 {
            columns.remove(dice.below(columns.len()));
        }
        let text = dice.text();
        let mut words: Vec<String> = chancery_model::query::plan::words(&text).collect();
        if let Some(word) = words.last_mut().filter(|_| dice.once_in(2)) {
            let end = word
                .char_indices()
                .nth(1 + dice.below(3))
                .map_or(word.len(), |(at, _)| at);
            word.truncate(end);
        }
        let fuzzy = dice.once_in(2);
        if fuzzy {
            words = words.iter().map(|word| plain_word(word).into_owned()).collect();
        }
        Search {
            words,
            columns,
            fuzzy,
        }
    }

    fn field(&self, dice: &mut Dice) -> FieldRef {
        match dice.below(14) {
            0 => FieldRef::Key,
            1 => FieldRef::Extra(dice.name()),
            2 => dice
                .pick(&[
                    FieldRef::Version,
                    FieldRef::CreatedAt,
                    FieldRef::UpdatedAt,
                    FieldRef::CreatedBy,
                    FieldRef::UpdatedBy,
                    FieldRef::ExpiresAt,
                    FieldRef::DeletedAt,
                    FieldRef::ExternalId,
                    FieldRef::Source,
                    FieldRef::ImportId,
                    FieldRef::ImportRow,
                    FieldRef::DuplicateOf,
                ])
                .clone(),
            _ => {
                let live: Vec<u16> = self.table.live().map(|column| column.ordinal).collect();
                FieldRef::Column(*dice.pick(&live))
            }
        }
    }

    /// A value to compare a field with: of the field's own kind, one that a record has, or of any kind.
    fn bound(&self, dice: &mut Dice, field: &FieldRef, records: &[Arc<Record>]) -> Value {
        match dice.below(6) {
            0 => {
                let column = dice.below(self.table.columns.len());
                return dice.value(&self.table.columns[column]);
            }
            1 | 2 if !records.is_empty() => return dice.pick(records).field(field).into_owned(),
            _ => {}
        }
        match field {
            FieldRef::Column(ordinal) => dice.value(self.table.at(*ordinal)),
            FieldRef::Key => key_value(&dice.key(self.table.key_kind)),
            FieldRef::Extra(_) => chancery_model::record::extra_value(&dice.json(1)),
            FieldRef::CreatedBy | FieldRef::UpdatedBy | FieldRef::ExternalId => Value::Text(dice.text()),
            FieldRef::ImportId | FieldRef::DuplicateOf => Value::Text(dice.name()),
            FieldRef::Source => Value::text(dice.pick(&Source::ALL).as_str()),
            FieldRef::ImportRow => Value::Int(dice.below(9) as i64),
            _ => Value::Int(self.now + dice.below(3_000) as i64 - 1_500),
        }
    }

    fn filter(&self, dice: &mut Dice, records: &[Arc<Record>], depth: usize) -> Filter {
        match dice.below(if depth == 0 { 6 } else { 10 }) {
            0 => Filter::All,
            1..=5 => {
                let field = self.field(dice);
                let test = self.test(dice, &field, records);
                Filter::Field(field, test)
            }
            6 | 7 => Filter::And(
                (0..dice.below(4))
                    .map(|_| self.filter(dice, records, depth - 1))
                    .collect(),
            ),
            _ => Filter::Or(
                (0..dice.below(4))
                    .map(|_| self.filter(dice, records, depth - 1))
                    .collect(),
            ),
        }
    }

    fn test(&self, dice: &mut Dice, field: &FieldRef, records: &[Arc<Record>]) -> Test {
        let kind = dice.below(19);
        let mut bound = || self.bound(dice, field, records);
        match kind {
            0..=2 => Test::Eq(bound()),
            3 => Test::Ne(bound()),
            4 => Test::Lt(bound()),
            5 => Test::Le(bound()),
            6 => Test::Gt(bound()),
            7 => Test::Ge(bound()),
            8 => Test::Between(bound(), bound()),
            9 => Test::In((0..3).map(|_| bound()).collect()),
            10 => Test::NotIn((0..2).map(|_| bound()).collect()),
            11 => Test::Contains(dice.text()),
            12 => Test::NotContains(dice.text()),
            13 => Test::StartsWith(dice.text()),
            14 => Test::EndsWith(dice.text()),
            15 => {
                let pattern = *dice.pick(&["^a", "(?i)äp", "b$", "\\d", "^$", "."]);
                Test::Regex(Regex::new(pattern).expect("a pattern"))
            }
            16 => Test::ListAll((0..dice.below(3)).map(|_| dice.item()).collect()),
            17 => Test::ListAny((0..dice.below(3)).map(|_| dice.item()).collect()),
            _ if dice.once_in(2) => Test::Blank,
            _ => Test::Present,
        }
    }
}

/// A plan without its table.
fn brief(plan: &Plan) -> String {
    let Plan {
        filter,
        search,
        scope,
        now,
        sort,
        window,
        ..
    } = plan;
    format!("{filter:?}\n{search:?}\n{scope:?} at {now}\n{sort:?}\n{window:?}")
}

/// The window of a plan, in the model's own words.
fn part(plan: &Plan, ordered: Vec<Arc<Record>>) -> Vec<Arc<Record>> {
    let size = |number: &u64| usize::try_from(*number).expect("small");
    match &plan.window {
        Window::All => ordered,
        Window::Offset { offset, limit } => {
            ordered.into_iter().skip(size(offset)).take(size(limit)).collect()
        }
        Window::After { boundary, limit } => {
            let after = ordered
                .into_iter()
                .filter(|record| plan.compare_to(record, boundary).is_gt());
            after.take(size(limit)).collect()
        }
        Window::Before { boundary, limit } => {
            let before: Vec<Arc<Record>> = ordered
                .into_iter()
                .filter(|record| plan.compare_to(record, boundary).is_lt())
                .collect();
            let skipped = before.len().saturating_sub(size(limit));
            before.into_iter().skip(skipped).collect()
        }
    }
}

/// Whether two answers are the same, sums of floats aside, which depend on the order of adding.
fn alike(a: &[Group], b: &[Group]) -> bool {
    let near = |a: &Value, b: &Value| match (a, b) {
        (Value::Float(_), _) | (_, Value::Float(_)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
            _ => false,
        },
        (a, b) => a == b,
    };
    let same = |a: &Group, b: &Group| {
        a.keys == b.keys
            && a.figures.len() == b.figures.len()
            && a.figures.iter().zip(&b.figures).all(|(a, b)| near(a, b))
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
