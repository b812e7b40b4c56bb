//! Questions as a caller asks them, by slug, and how they become plans. Answers nothing.

use crate::column::Column;
use crate::encryption::{self, Cells, sealed_value};
use crate::field::TextFormat;
use crate::filter::{FieldRef, Filter, Operator, Test};
use crate::issue::unknown_name;
use crate::query::plan::{Search, SortKey, words};
use crate::time::{date_text, day_of, parse_date, parse_instant};
use crate::{Code, Issue, Json, Table, Value, limits};

/// A filter as a caller writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterInput {
    /// Every part holds.
    And(Vec<FilterInput>),
    /// Some part holds.
    Or(Vec<FilterInput>),
    /// One column passes one test.
    Condition(Condition),
}

/// A test of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// A slug or a system name.
    pub column: String,
    /// The operator's wire name.
    pub operator: String,
    /// What to compare with; null for operators that take none.
    pub value: Json,
}

/// A sort key as a caller writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct SortInput {
    /// A slug or a system name.
    pub column: String,
    /// Largest first.
    pub descending: bool,
    /// Nulls before all others.
    pub nulls_first: bool,
}

/// A question as a caller asks it. Windows and counts are said where it is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Which records; all if absent.
    pub filter: Option<FilterInput>,
    /// The order; by key if empty.
    pub sort: Vec<SortInput>,
    /// Words to search for.
    pub search: Option<String>,
    /// Where to search; every searchable column if empty.
    pub search_columns: Vec<String>,
}

impl Query {
    /// Everything, in key order.
    pub fn new() -> Query {
        Query::default()
    }

    /// Adds a condition; all conditions must hold.
    pub fn filter(mut self, column: &str, operator: Operator, value: impl Into<Json>) -> Query {
        let condition = FilterInput::Condition(Condition {
            column: column.to_owned(),
            operator: operator.as_str().to_owned(),
            value: value.into(),
        });
        self.filter = Some(match self.filter.take() {
            None => condition,
            Some(FilterInput::And(mut parts)) => {
                parts.push(condition);
                FilterInput::And(parts)
            }
            Some(other) => FilterInput::And(vec![other, condition]),
        });
        self
    }

    /// Adds a sort key, smallest first.
    pub fn ascending(mut self, column: &str) -> Query {
        self.sort.push(SortInput {
            column: column.to_owned(),
            descending: false,
            nulls_first: false,
        });
        self
    }

    /// Adds a sort key, largest first.
    pub fn descending(mut self, column: &str) -> Query {
        self.sort.push(SortInput {
            column: column.to_owned(),
            descending: true,
            nulls_first: false,
        });
        self
    }

    /// Searches for words.
    pub fn search(mut self, text: &str) -> Query {
        self.search = Some(text.to_owned());
        self
    }

    /// The filter, resolved; relative dates are judged at `now`, and values of encrypted columns are sealed as their cells are.
    ///
    /// # Errors
    /// Every condition that does not fit its column.
    pub fn resolve_filter(
        &self,
        table: &Table,
        now: i64,
        cells: Option<&dyn Cells>,
    ) -> Result<Filter, Vec<Issue>> {
        let Some(filter) = &self.filter else {
            return Ok(Filter::All);
        };
        let mut resolver = Resolver {
            table,
            now,
            cells,
            conditions: 0,
            issues: Vec::new(),
        };
        let filter = resolver.filter(filter, 0);
        if resolver.conditions > limits::FILTER_CONDITIONS_MAX {
            let message = format!(
                "A filter has at most {} conditions",
                limits::FILTER_CONDITIONS_MAX
            );
            resolver.issues.push(Issue::new("filter", Code::Limit, message));
        }
        if resolver.issues.is_empty() {
            Ok(filter)
        } else {
            Err(resolver.issues)
        }
    }

    /// The sort keys, resolved.
    ///
    /// # Errors
    /// Columns that do not exist or cannot be sorted, and too many keys.
    pub fn resolve_sort(&self, table: &Table) -> Result<Vec<SortKey>, Vec<Issue>> {
        let mut issues = Vec::new();
        let mut keys = Vec::with_capacity(self.sort.len());
        if self.sort.len() > limits::SORT_KEYS_MAX {
            let message = format!("A sort has at most {} keys", limits::SORT_KEYS_MAX);
            issues.push(Issue::new("sort", Code::Limit, message));
        }
        for key in &self.sort {
            match table.field(&key.column) {
                Some(field) => {
                    issues.extend(encryption::blind(table, &field, "sorted"));
                    keys.push(SortKey {
                        field,
                        descending: key.descending,
                        nulls_first: key.nulls_first,
                    });
                }
                None => issues.push(unknown_column(table, &key.column)),
            }
        }
        if issues.is_empty() { Ok(keys) } else { Err(issues) }
    }

    /// The search, resolved; none if there are no words.
    ///
    /// # Errors
    /// Columns that do not exist or hold no searchable text.
    pub fn resolve_search(&self, table: &Table) -> Result<Option<Search>, Vec<Issue>> {
        let Some(text) = &self.search else { return Ok(None) };
        let words: Vec<String> = words(text).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let searchable =
            |column: &&Column| column.kind().flags().searchable && table.key_column != Some(column.ordinal);
        let mut columns = Vec::new();
        let mut issues = Vec::new();
        for slug in &self.search_columns {
            match table.column(slug) {
                Some(column) if searchable(&column) => columns.push(column.ordinal),
                Some(column) => {
                    issues.push(encryption::unsearchable(column));
                }
                None => issues.push(unknown_column(table, slug)),
            }
        }
        if self.search_columns.is_empty() {
            columns = table
                .live()
                .filter(searchable)
                .map(|column| column.ordinal)
                .collect();
        }
        if issues.is_empty() {
            Ok(Some(Search { words, columns }))
        } else {
            Err(issues)
        }
    }
}

/// The issue of a column that does not exist.
pub fn unknown_column(table: &Table, name: &str) -> Issue {
    Issue::new(
        name,
        Code::UnknownColumn,
        unknown_name("column", name, table.field_names()),
    )
}

struct Resolver<'a> {
    table: &'a Table,
    now: i64,
    cells: Option<&'a dyn Cells>,
    conditions: usize,
    issues: Vec<Issue>,
}

/// How values of a field are read and compared.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Column(&'a Column),
    Instant,
    Whole,
    Text,
    Open,
}

impl<'a> Resolver<'a> {
    fn filter(&mut self, input: &FilterInput, depth: usize) -> Filter {
        if depth > limits::FILTER_DEPTH_MAX {
            let message = format!("A filter nests at most {} levels", limits::FILTER_DEPTH_MAX);
            self.issues.push(Issue::new("filter", Code::Limit, message));
            return Filter::All;
        }
        match input {
            FilterInput::And(parts) => {
                Filter::And(parts.iter().map(|part| self.filter(part, depth + 1)).collect())
            }
            FilterInput::Or(parts) => {
                Filter::Or(parts.iter().map(|part| self.filter(part, depth + 1)).collect())
            }
            FilterInput::Condition(condition) => {
                self.conditions += 1;
                match self.condition(condition) {
                    Ok(filter) => filter,
                    Err(issue) => {
                        self.issues.push(issue);
                        Filter::All
                    }
                }
            }
        }
    }

    fn condition(&self, condition: &Condition) -> Result<Filter, Issue> {
        let name = &condition.column;
        let field = self
            .table
            .field(name)
            .ok_or_else(|| unknown_column(self.table, name))?;
        let kind = match (&field, self.table.column(name)) {
            (_, Some(column)) => Kind::Column(column),
            (FieldRef::CreatedAt | FieldRef::UpdatedAt | FieldRef::ExpiresAt | FieldRef::DeletedAt, None) => {
                Kind::Instant
            }
            (FieldRef::Version, None) => Kind::Whole,
            (FieldRef::Extra(_), None) => Kind::Open,
            _ => Kind::Text,
        };
        let fitting = match kind {
            Kind::Column(column) => column.kind().operators(),
            Kind::Instant => Operator::DATE,
            Kind::Whole => Operator::NUMBER,
            Kind::Text => Operator::TEXT,
            Kind::Open => Operator::ALL,
        };
        let list = || {
            fitting
                .iter()
                .map(|operator| operator.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(operator) = Operator::parse(&condition.operator) else {
            let names = fitting.iter().map(|operator| operator.as_str());
            let message = unknown_name("operator", &condition.operator, names);
            return Err(Issue::new(
                name,
                Code::Operator,
                format!("{message}; {name} takes: {}", list()),
            ));
        };
        if let Kind::Column(column) = kind {
            encryption::check_operator(column, operator)?;
        }
        if !fitting.contains(&operator) {
            let what = match kind {
                Kind::Column(column) => column.field_type.as_str(),
                Kind::Instant => "dateTime",
                Kind::Whole => "number",
                Kind::Text | Kind::Open => "text",
            };
            let message = format!(
                "{} does not fit a {what} column; use one of: {}",
                operator.as_str(),
                list()
            );
            return Err(Issue::new(name, Code::Operator, message).with("operators", list()));
        }
        let reader = Reader {
            name,
            kind,
            now: self.now,
            sealer: self.cells.map(|cells| (self.table, cells)),
        };
        Ok(Filter::Field(field, reader.test(operator, &condition.value)?))
    }
}

/// Reads the values of one condition.
struct Reader<'a> {
    name: &'a str,
    kind: Kind<'a>,
    now: i64,
    /// Seals values of encrypted columns.
    sealer: Option<(&'a Table, &'a dyn Cells)>,
}

impl Reader<'_> {
    fn test(&self, operator: Operator, value: &Json) -> Result<Test, Issue> {
        use Operator as O;
        Ok(match operator {
            O::IsEmpty => Test::Blank,
            O::IsNotEmpty => Test::Present,
            O::Eq | O::Neq if value.is_null() => {
                if operator == O::Eq {
                    Test::Eq(Value::Null)
                } else {
                    Test::Ne(Value::Null)
                }
            }
            O::Eq => match self.day(value) {
                Some((from, to)) => Test::Between(Value::Int(from), Value::Int(to)),
                None => Test::Eq(self.one(value)?),
            },
            O::Neq => Test::Ne(self.one(value)?),
            O::Gt | O::IsAfter => Test::Gt(
                self.day(value)
                    .map_or_else(|| self.one(value), |day| Ok(Value::Int(day.1)))?,
            ),
            O::Gte => Test::Ge(
                self.day(value)
                    .map_or_else(|| self.one(value), |day| Ok(Value::Int(day.0)))?,
            ),
            O::Lt | O::IsBefore => Test::Lt(
                self.day(value)
                    .map_or_else(|| self.one(value), |day| Ok(Value::Int(day.0)))?,
            ),
            O::Lte => Test::Le(
                self.day(value)
                    .map_or_else(|| self.one(value), |day| Ok(Value::Int(day.1)))?,
            ),
            O::Between => match self.values(value)?.as_slice() {
                [low, high] => {
                    let low = self
                        .day(low)
                        .map_or_else(|| self.one(low), |day| Ok(Value::Int(day.0)))?;
                    let high = self
                        .day(high)
                        .map_or_else(|| self.one(high), |day| Ok(Value::Int(day.1)))?;
                    Test::Between(low, high)
                }
                other => {
                    return Err(self.bad(format!("between takes [from, to], got {} value(s)", other.len())));
                }
            },
            O::Contains => Test::Contains(self.item(value)?),
            O::NotContains => Test::NotContains(self.item(value)?),
            O::StartsWith => Test::StartsWith(self.text(value)?),
            O::EndsWith => Test::EndsWith(self.text(value)?),
            O::Regex => {
                let pattern = self.text(value)?;
                let regex = crate::column::compile(&pattern);
                Test::Regex(
                    regex.map_err(|reason| {
                        self.bad(format!("Pattern \"{pattern}\" cannot be used: {reason}"))
                    })?,
                )
            }
            O::In => Test::In(self.many(value)?),
            O::HasAny if !self.list() => Test::In(self.many(value)?),
            O::NotIn => Test::NotIn(self.many(value)?),
            O::ContainsAll | O::HasAll => Test::ListAll(self.items(value)?),
            O::ContainsAny | O::HasAny => Test::ListAny(self.items(value)?),
            relative => self.relative(relative, value)?,
        })
    }

    /// Ranges of days, in UTC; weeks start on Monday.
    fn relative(&self, operator: Operator, value: &Json) -> Result<Test, Issue> {
        let today = day_of(self.now);
        let date = date_text(today);
        let month_start = today - (date[8..10].parse::<i64>().unwrap_or(1) - 1);
        let first_of = |text: String| parse_date(&text).unwrap_or(today);
        let (from, to) = match operator {
            Operator::IsToday => (today, today),
            Operator::IsYesterday => (today - 1, today - 1),
            Operator::IsThisWeek => {
                let monday = today - (today + 3).rem_euclid(7);
                (monday, monday + 6)
            }
            Operator::IsThisMonth => {
                let (year, month) = (
                    date[..4].parse::<i64>().unwrap_or(1970),
                    date[5..7].parse::<i64>().unwrap_or(1),
                );
                let (year, month) = if month == 12 {
                    (year + 1, 1)
                } else {
                    (year, month + 1)
                };
                (month_start, first_of(format!("{year:04}-{month:02}-01")) - 1)
            }
            Operator::IsThisYear => (
                first_of(format!("{}-01-01", &date[..4])),
                first_of(format!("{}-12-31", &date[..4])),
            ),
            Operator::InLastDays => (today - self.days(value)?, today),
            Operator::InNextDays => (today, today + self.days(value)?),
            other => return Err(self.bad(format!("{} does not fit", other.as_str()))),
        };
        if self.instants() {
            return Ok(Test::Between(
                Value::Int(from * 86_400_000),
                Value::Int((to + 1) * 86_400_000 - 1),
            ));
        }
        Ok(Test::Between(
            Value::Text(date_text(from)),
            Value::Text(date_text(to)),
        ))
    }

    fn days(&self, value: &Json) -> Result<i64, Issue> {
        let days = value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        days.filter(|days| (0..=100_000).contains(days))
            .ok_or_else(|| self.bad("takes a number of days, 0 to 100000".into()))
    }

    /// The first and last millisecond of a day, where a date-time is compared with a date.
    fn day(&self, value: &Json) -> Option<(i64, i64)> {
        let text = value.as_str().filter(|_| self.instants())?;
        let day = parse_date(text)?;
        Some((day * 86_400_000, (day + 1) * 86_400_000 - 1))
    }

    fn instants(&self) -> bool {
        match self.kind {
            Kind::Instant => true,
            Kind::Column(column) => {
                column.encrypted.is_none()
                    && matches!(
                        column.field_type.as_str(),
                        "dateTime" | "createdTime" | "updatedTime"
                    )
            }
            _ => false,
        }
    }

    fn list(&self) -> bool {
        matches!(self.kind, Kind::Column(column) if column.kind().storage() == crate::field::Storage::List)
    }

    /// One value of the field's type; texts are read as the type where that is possible, as query strings need.
    fn one(&self, value: &Json) -> Result<Value, Issue> {
        match self.kind {
            Kind::Column(column) if column.kind().system().is_some() => self.system(value, column),
            Kind::Column(column) => {
                let kind = column.kind();
                let value = kind.parse(value, column).or_else(|issue| match value {
                    Json::String(id) if column.option(id).is_some() => Ok(Value::text(id)),
                    Json::String(text) if !text.is_empty() => kind
                        .parse_text(text, column, &TextFormat::default())
                        .map_err(|_| issue),
                    _ => Err(issue),
                })?;
                match (&column.encrypted, self.sealer) {
                    (None, _) => Ok(value),
                    (Some(_), Some((table, cells))) => {
                        sealed_value(Some(cells), (table, column), None, value)
                    }
                    (Some(_), None) => Err(encryption::sealed(self.name)),
                }
            }
            Kind::Instant => self.instant(value),
            Kind::Whole => {
                let int = value
                    .as_i64()
                    .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                int.map(Value::Int)
                    .ok_or_else(|| self.bad("takes a whole number".into()))
            }
            Kind::Text => Ok(match value {
                Json::Number(number) if number.as_i64().is_some() => {
                    Value::Int(number.as_i64().unwrap_or_default())
                }
                other => Value::Text(
                    other
                        .as_str()
                        .ok_or_else(|| self.bad("takes a text".into()))?
                        .to_owned(),
                ),
            }),
            Kind::Open => Ok(crate::record::extra_value(value)),
        }
    }

    fn system(&self, value: &Json, column: &Column) -> Result<Value, Issue> {
        if column.kind().storage() == crate::field::Storage::Int {
            self.instant(value)
        } else {
            self.text(value).map(Value::Text)
        }
    }

    fn instant(&self, value: &Json) -> Result<Value, Issue> {
        let ms = value.as_i64().or_else(|| value.as_str().and_then(parse_instant));
        ms.map(Value::Int)
            .ok_or_else(|| self.bad("takes a time such as 2026-03-01T09:30:00Z".into()))
    }

    fn text(&self, value: &Json) -> Result<String, Issue> {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.bad("takes a text".into()))
    }

    /// A text, or for lists the id of the option that the text names.
    fn item(&self, value: &Json) -> Result<String, Issue> {
        let text = self.text(value)?;
        match self.kind {
            Kind::Column(column) if self.list() => Ok(option_id(column, &text)),
            _ => Ok(text),
        }
    }

    fn items(&self, value: &Json) -> Result<Vec<String>, Issue> {
        self.values(value)?.iter().map(|value| self.item(value)).collect()
    }

    fn many(&self, value: &Json) -> Result<Vec<Value>, Issue> {
        let values = self.values(value)?;
        values
            .iter()
            .map(|value| {
                if value.is_null() {
                    Ok(Value::Null)
                } else {
                    self.one(value)
                }
            })
            .collect()
    }

    fn values(&self, value: &Json) -> Result<Vec<Json>, Issue> {
        let values = match value {
            Json::Array(values) => values.clone(),
            Json::String(text) => text.split(',').map(|part| Json::from(part.trim())).collect(),
            Json::Null => return Err(self.bad("takes a list of values".into())),
            other => vec![other.clone()],
        };
        if values.len() > limits::FILTER_VALUES_MAX {
            return Err(self.bad(format!("takes at most {} values", limits::FILTER_VALUES_MAX)));
        }
        Ok(values)
    }

    fn bad(&self, message: String) -> Issue {
        Issue::new(self.name, Code::Operator, message)
    }
}

/// The id of the option that a text names, or the text itself.
fn option_id(column: &Column, text: &str) -> String {
    let named = column
        .live_options()
        .find(|option| option.id == text || option.name == text);
    named.map_or_else(|| text.to_owned(), |option| option.id.clone())
}
