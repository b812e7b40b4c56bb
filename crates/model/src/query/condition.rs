//! One filter, resolved: which field a condition is about, what its operator takes, and its value as that field has it. It asks no
//! backend.

use super::input::{Condition, FilterInput, unknown_column};
use crate::column::Column;
use crate::encryption::{self, Cells, sealed_value};
use crate::field::TextFormat;
use crate::filter::{FieldRef, Filter, Operator, Test};
use crate::issue::unknown_name;
use crate::time::{date_text, day_of, parse_date, parse_instant};
use crate::{Code, Issue, Json, Source, Table, Value, limits};

/// Resolves a filter, and gathers what is wrong with it.
pub(super) struct Resolver<'a> {
    pub(super) table: &'a Table,
    pub(super) now: i64,
    pub(super) cells: Option<&'a dyn Cells>,
    /// How many conditions there were.
    pub(super) conditions: usize,
    pub(super) issues: Vec<Issue>,
}

/// How values of a field are read and compared.
#[derive(Clone, Copy)]
enum Kind<'a> {
    Column(&'a Column),
    Instant,
    Whole,
    Source,
    Text,
    Open,
}

impl<'a> Resolver<'a> {
    /// A part of the filter, so deep inside it.
    pub(super) fn filter(&mut self, input: &FilterInput, depth: usize) -> Filter {
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
            (FieldRef::Version | FieldRef::ImportRow, None) => Kind::Whole,
            (FieldRef::Source, None) => Kind::Source,
            (FieldRef::Extra(_), None) => Kind::Open,
            _ => Kind::Text,
        };
        let fitting = match kind {
            Kind::Column(column) => column.kind().operators(),
            Kind::Instant => Operator::DATE,
            Kind::Whole => Operator::NUMBER,
            Kind::Source => Operator::CHOICE,
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
                Kind::Source => "select",
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
            Kind::Source => {
                let names = || Source::ALL.iter().map(|source| source.as_str());
                let known = value.as_str().filter(|name| names().any(|known| known == *name));
                known.map(Value::text).ok_or_else(|| {
                    let list = names().collect::<Vec<_>>().join(", ");
                    self.bad(format!("takes one of: {list}"))
                })
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
