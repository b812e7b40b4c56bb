//! What may be watched, as a caller asks it, and what that means for a table as it is now. Reads no record.

use std::sync::Arc;

use chancery_model::aggregate::{Function, Measure};
use chancery_model::filter::{FieldRef, Filter, Operator, Test};
use chancery_model::query::{FilterInput, Plan, Query, Scope, SortInput, Window, unknown_column};
use chancery_model::{Code, Issue, Json, Key, Table, TableId, Value};

use super::limits::{LIVE_RECORDS_MAX, WINDOW_RESERVE};
use crate::bucket_filter::query_of;
use crate::error::Error;
use crate::figures::{MeasureInput, measure_of};
use crate::store::Store;

/// A question whose answer is kept true: records, one record, or a figure.
///
/// ```
/// use chancery::{LiveQuery, json};
/// let open = LiveQuery::new("tasks").matching(json!({"status": "open"})).descending("priority").limit(10);
/// let same = json!({"table": "tasks", "filter": {"status": "open"}, "sort": {"priority": "desc"}, "limit": 10});
/// assert_eq!(LiveQuery::from_json(&same).unwrap(), open);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveQuery {
    /// The table's slug.
    pub table: String,
    /// Which records, in the bucket vocabulary: `{"status": "open", "priority": {"$gte": 3}}`; all if absent.
    pub filter: Option<Json>,
    /// Words to search for.
    pub search: Option<String>,
    /// Whether accents count for nothing and words may be misspelt; without a sort, what fits best comes first.
    pub fuzzy: bool,
    /// The order; by key if empty.
    pub sort: Vec<SortInput>,
    /// How many records of the order are left out before the first that is seen.
    pub offset: u64,
    /// How many are seen; all if absent.
    pub limit: Option<u64>,
    /// Which fields are seen, besides the key; all if absent. What others hold is no news.
    pub fields: Option<Vec<String>>,
    /// One record by its key, instead of a list.
    pub key: Option<Json>,
    /// A figure over the records, instead of the records.
    pub aggregate: Option<LiveAggregate>,
}

/// A figure to be kept true.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveAggregate {
    /// The function.
    pub function: Function,
    /// Over which field; a count needs none.
    pub field: Option<String>,
    /// One figure for each value of this field.
    pub group_by: Option<String>,
}

impl LiveQuery {
    /// All records of a table.
    pub fn new(table: &str) -> LiveQuery {
        LiveQuery {
            table: table.to_owned(),
            ..LiveQuery::default()
        }
    }

    /// Only the records that match a filter of the bucket vocabulary.
    #[must_use]
    pub fn matching(mut self, filter: Json) -> LiveQuery {
        self.filter = Some(filter);
        self
    }

    /// Adds a sort key, smallest first.
    #[must_use]
    pub fn ascending(self, field: &str) -> LiveQuery {
        self.sorted(field, false)
    }

    /// Adds a sort key, largest first.
    #[must_use]
    pub fn descending(self, field: &str) -> LiveQuery {
        self.sorted(field, true)
    }

    fn sorted(mut self, field: &str, descending: bool) -> LiveQuery {
        self.sort.push(SortInput {
            column: field.to_owned(),
            descending,
            nulls_first: false,
        });
        self
    }

    /// Only the first so many.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> LiveQuery {
        self.limit = Some(limit);
        self
    }

    /// One record.
    #[must_use]
    pub fn key(mut self, key: impl Into<Json>) -> LiveQuery {
        self.key = Some(key.into());
        self
    }

    /// A figure over a field, or the number of records.
    #[must_use]
    pub fn figure(mut self, function: Function, field: Option<&str>) -> LiveQuery {
        self.aggregate = Some(LiveAggregate {
            function,
            field: field.map(str::to_owned),
            group_by: None,
        });
        self
    }

    /// The number of records.
    #[must_use]
    pub fn count(self) -> LiveQuery {
        self.figure(Function::Count, None)
    }
}

/// A live query as a table as it is now understands it.
pub(crate) struct Asked {
    pub(crate) table: Arc<Table>,
    pub(crate) plan: Plan,
    pub(crate) what: What,
    /// The fields that are seen; all if none.
    pub(crate) fields: Option<Vec<FieldRef>>,
}

/// What is watched.
pub(crate) enum What {
    One(Key),
    List { offset: usize, limit: Option<usize> },
    Figure(Figure),
}

/// Which figure is watched.
pub(crate) struct Figure {
    pub(crate) measure: Measure,
    pub(crate) field: Option<String>,
    pub(crate) group_by: Option<(FieldRef, String)>,
}

/// Where the index finds a subscription.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Key(TableId, Key),
    Equal(TableId, FieldRef, Value),
    Table(TableId),
}

impl Asked {
    /// What a live query asks of the table as it is now.
    pub(crate) async fn new(store: &Store, query: &LiveQuery) -> Result<Asked, Error> {
        let handle = store.table(&query.table)?;
        let table = handle.definition()?;
        let input = input_of(query)?;
        let mut issues = Vec::new();
        let fields = fields_of(&table, query, &mut issues);
        let what = what_of(&table, query, &mut issues);
        let (Some(what), true) = (what, issues.is_empty()) else {
            return Err(Error::Query(issues));
        };
        let window = match &what {
            What::List { offset, limit } => Window::Offset {
                offset: 0,
                limit: (kept_of(*offset, *limit) + 1) as u64,
            },
            _ => Window::All,
        };
        handle.whole("a live query")?;
        let plan = handle.plan_by(&table, &input, Scope::Live, window)?;
        Ok(Asked {
            table,
            plan,
            what,
            fields,
        })
    }

    /// The most records of the order that are kept: the window and a reserve, or everything.
    pub(crate) fn kept(&self) -> usize {
        match &self.what {
            What::List { offset, limit } => kept_of(*offset, *limit),
            _ => usize::MAX,
        }
    }

    /// Where the index is to find it: as narrow as possible.
    pub(crate) fn place(&self) -> Place {
        let table = self.table.number;
        if let What::One(key) = &self.what {
            return Place::Key(table, key.clone());
        }
        equality(&self.plan.filter).map_or(Place::Table(table), |(field, value)| {
            Place::Equal(table, field.clone(), value.clone())
        })
    }
}

/// The first `field = value` that every record of a filter fulfils.
fn equality(filter: &Filter) -> Option<(&FieldRef, &Value)> {
    match filter {
        Filter::Field(field, Test::Eq(value)) => Some((field, value)),
        Filter::And(parts) => parts.iter().find_map(equality),
        _ => None,
    }
}

fn kept_of(offset: usize, limit: Option<usize>) -> usize {
    limit.map_or(LIVE_RECORDS_MAX, |limit| offset + limit + WINDOW_RESERVE)
}

/// The question inside a live query.
fn input_of(query: &LiveQuery) -> Result<Query, Error> {
    let mut input = match &query.filter {
        Some(filter) => query_of(filter)?,
        None => Query::new(),
    };
    if let Some(filter) = &input.filter {
        let mut issues = Vec::new();
        timeless(filter, &mut issues);
        if !issues.is_empty() {
            return Err(Error::Query(issues));
        }
    }
    input.sort.clone_from(&query.sort);
    if query.fuzzy && query.search.is_none() {
        let message = "fuzzy says how search is meant: it does not go without";
        return Err(Error::Query(vec![Issue::new("fuzzy", Code::Operator, message)]));
    }
    input.search.clone_from(&query.search);
    input.fuzzy = query.fuzzy;
    Ok(input)
}

/// Refuses operators whose answer changes without a write.
fn timeless(filter: &FilterInput, issues: &mut Vec<Issue>) {
    use Operator as O;
    match filter {
        FilterInput::And(parts) | FilterInput::Or(parts) => {
            parts.iter().for_each(|part| timeless(part, issues));
        }
        FilterInput::Condition(condition) => {
            let moving = [
                O::IsToday,
                O::IsYesterday,
                O::IsThisWeek,
                O::IsThisMonth,
                O::IsThisYear,
                O::InLastDays,
                O::InNextDays,
            ];
            let operator = Operator::parse(&condition.operator);
            if operator.is_some_and(|operator| moving.contains(&operator)) {
                let message = format!(
                    "{} changes with the time, without a write: a live query takes dates, for example $gte",
                    condition.operator
                );
                issues.push(Issue::new(&condition.column, Code::Operator, message));
            }
        }
    }
}

fn fields_of(table: &Table, query: &LiveQuery, issues: &mut Vec<Issue>) -> Option<Vec<FieldRef>> {
    let names = query.fields.as_ref()?;
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        match table.field(name) {
            Some(field) => fields.push(field),
            None => issues.push(unknown_column(table, name)),
        }
    }
    Some(fields)
}

fn what_of(table: &Table, query: &LiveQuery, issues: &mut Vec<Issue>) -> Option<What> {
    if let Some(key) = &query.key {
        return one(table, query, key).map_err(|issue| issues.push(issue)).ok();
    }
    let Some(aggregate) = &query.aggregate else {
        let (offset, limit) = (query.offset, query.limit);
        let far = offset.saturating_add(limit.unwrap_or(0));
        if far > LIVE_RECORDS_MAX as u64 {
            let message = format!("A live query reaches at most {LIVE_RECORDS_MAX} records into its order");
            issues.push(Issue::new("limit", Code::Limit, message));
            return None;
        }
        let (offset, limit) = (offset as usize, limit.map(|limit| limit as usize));
        return Some(What::List { offset, limit });
    };
    let input = MeasureInput {
        function: aggregate.function,
        column: aggregate.field.clone(),
    };
    let measure = measure_of(table, &input)
        .map_err(|issue| issues.push(issue))
        .ok()?;
    let group_by = match &aggregate.group_by {
        None => None,
        Some(name) => match table.field(name) {
            Some(field) => Some((field, name.clone())),
            None => {
                issues.push(unknown_column(table, name));
                return None;
            }
        },
    };
    Some(What::Figure(Figure {
        measure,
        field: aggregate.field.clone(),
        group_by,
    }))
}

fn one(table: &Table, query: &LiveQuery, key: &Json) -> Result<What, Issue> {
    let alone = query.filter.is_none() && query.aggregate.is_none() && query.sort.is_empty();
    if !alone || query.search.is_some() || query.limit.is_some() || query.offset > 0 {
        let message = "A key names one record: leave out filter, search, sort, limit, offset and aggregate";
        return Err(Issue::new("key", Code::Operator, message));
    }
    let text = match key {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let key = Key::parse(table.key_kind, &text);
    key.map(What::One)
        .ok_or_else(|| Issue::new("key", Code::Format, format!("{text} is no key of this table")))
}
