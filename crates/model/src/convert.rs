//! A value of one column as a value of another, which takes its place: of another field type, or encrypted. Reads and writes nothing.

use crate::admit::check_constraints;
use crate::column::{Column, OnLoss};
use crate::encryption::{self, Cells};
use crate::field::select::loosely;
use crate::field::{Storage, TextFormat, lists, time};
use crate::limits::NAME_CHARS_MAX;
use crate::time::{date_text, day_of};
use crate::{Code, Issue, Key, Table, Value};

/// Field types whose values a person may have written in many ways.
const WRITTEN: [&str; 6] = ["text", "longText", "select", "multiSelect", "barcode", "phone"];
const DAY_MS: i64 = 86_400_000;

/// A value of one column for the one that takes its place. `kept` gives what other columns of the record hold.
///
/// # Errors
/// The issue of a value that cannot be there.
pub fn taken_over(
    cells: Option<&dyn Cells>,
    table: &Table,
    (from, to): (&Column, &Column),
    key: &Key,
    value: &Value,
    kept: &dyn Fn(u16) -> Value,
) -> Result<Value, Issue> {
    match &to.made_from {
        Some(made) if made.ordinal == from.ordinal => remade(table, to, value, kept),
        _ => encryption::converted(cells, table, (from, to), key, value),
    }
}

/// The value of a column that was made from another, by what that one holds.
///
/// # Errors
/// The issue of a value that it cannot hold, unless such values become null.
pub fn remade(
    table: &Table,
    to: &Column,
    value: &Value,
    kept: &dyn Fn(u16) -> Value,
) -> Result<Value, Issue> {
    let Some(made) = &to.made_from else {
        return Ok(value.clone());
    };
    let from = table.at(made.ordinal);
    if let Some(earlier) = made.back.map(kept)
        && !earlier.is_null()
        && from.made_from.as_ref().map(|made| made.ordinal) == made.back
        && remade(table, from, &earlier, kept).as_ref() == Ok(value)
        && fitting(to, &earlier).is_ok()
    {
        return Ok(earlier);
    }
    match converted((from, to), value, &made.format) {
        Err(_) if made.on_loss == OnLoss::Null && !to.constraints.required => Ok(Value::Null),
        outcome => outcome,
    }
}

/// A value of one column as one of a column of another field type; null stays null. Nothing is cut or rounded.
///
/// # Errors
/// The issue of a value that cannot be one of the other.
pub fn converted((from, to): (&Column, &Column), value: &Value, format: &TextFormat) -> Result<Value, Issue> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let value = read((from, to), value, format)?;
    fitting(to, &value)?;
    Ok(value)
}

/// Whether a column may hold a value.
fn fitting(column: &Column, value: &Value) -> Result<(), Issue> {
    let mut issues = Vec::new();
    if value.is_null() && column.constraints.required {
        issues.push(Issue::new(&column.slug, Code::Required, "Field is required"));
    }
    if !value.is_null() {
        check_constraints(column, value, &mut issues);
    }
    issues.into_iter().next().map_or(Ok(()), Err)
}

fn read((from, to): (&Column, &Column), value: &Value, format: &TextFormat) -> Result<Value, Issue> {
    let both = |kind: fn(&Column) -> bool| kind(from) && kind(to);
    let same_choices = both(|column| column.field().flags().needs_options) || both(Column::names_users);
    match (value, to.field().storage()) {
        (Value::Text(text), Storage::List) if same_choices => return Ok(Value::List(vec![text.clone()])),
        (Value::List(items), Storage::Text) if same_choices => {
            return match items.as_slice() {
                [] => Ok(Value::Null),
                [one] => Ok(Value::text(one)),
                several => {
                    let message = format!(
                        "It holds {} entries, and a {} column one",
                        several.len(),
                        to.field_type
                    );
                    Err(Issue::new(&to.slug, Code::Type, message))
                }
            };
        }
        (Value::Int(ms), _) if from.field_type == "dateTime" && to.field_type == "date" => {
            return Ok(Value::Text(date_text(day_of(*ms))));
        }
        (Value::Int(ms), _) if from.field_type == "dateTime" && to.field_type == "time" => {
            return Ok(Value::Text(time::text_of(ms.rem_euclid(DAY_MS))));
        }
        _ => {}
    }
    let text = from.kind().export(value, from);
    if text.is_empty() && to.field().storage() != Storage::Text {
        return Ok(Value::Null);
    }
    // What the store writes itself is read as it writes.
    let own = TextFormat::default();
    let format = if WRITTEN.contains(&&*from.field_type) {
        format
    } else {
        &own
    };
    match to.field().parse_text(&text, to, format) {
        Err(_) if text.is_empty() => Ok(Value::Null),
        outcome => outcome,
    }
}

/// The names of options that a select column lacks to hold a value of another column, each once.
pub fn lacking((from, to): (&Column, &Column), value: &Value) -> Vec<String> {
    let text = from.kind().export(value, from);
    let items = match to.field().storage() {
        Storage::List => lists::split(&text).unwrap_or_default(),
        _ => vec![text],
    };
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.trim();
        let usable = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        if usable && loosely(name, to).is_none() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether what a value became says all that it said: the other column would make the same of it again.
pub fn is_kept((from, to): (&Column, &Column), before: &Value, after: &Value) -> bool {
    if before.is_blank() && after.is_blank() {
        return true;
    }
    converted((to, from), after, &TextFormat::default()).as_ref() == Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Json;
    use crate::field::{DateOrder, example_column, field_type};

    fn column(kind: &str) -> Column {
        example_column(field_type(kind).expect("a field type"))
    }

    #[track_caller]
    fn check(from: &str, to: &str, before: Json, after: Result<Json, Code>, kept: bool) {
        let (from, to) = (column(from), column(to));
        let before = from.kind().parse(&before, &from).expect("a value");
        let outcome = converted((&from, &to), &before, &TextFormat::default());
        let json = |value: &Value| match value {
            Value::Null => Json::Null,
            value => to.kind().to_json(value, &to),
        };
        assert_eq!(
            outcome.as_ref().map(json).map_err(|issue| issue.code),
            after,
            "{before:?}"
        );
        if let Ok(value) = &outcome {
            assert_eq!(is_kept((&from, &to), &before, value), kept, "{before:?}");
        }
    }

    #[test]
    fn values_become_what_they_say_or_an_issue() {
        check("text", "number", Json::from("501"), Ok(Json::from(501)), true);
        check("text", "number", Json::from("00501"), Ok(Json::from(501)), false);
        check("text", "number", Json::from("about 5"), Err(Code::Type), false);
        check("number", "text", Json::from(10.5), Ok(Json::from("10.5")), true);
        check("text", "date", Json::from("2026-02-30"), Err(Code::Format), false);
        check(
            "date",
            "dateTime",
            Json::from("2026-03-01"),
            Ok(Json::from("2026-03-01T00:00:00.000Z")),
            true,
        );
        check(
            "dateTime",
            "date",
            Json::from("2026-03-01T00:00:00Z"),
            Ok(Json::from("2026-03-01")),
            true,
        );
        check(
            "dateTime",
            "date",
            Json::from("2026-03-01T09:30:00Z"),
            Ok(Json::from("2026-03-01")),
            false,
        );
        check(
            "dateTime",
            "time",
            Json::from("1969-03-01T09:30:00Z"),
            Ok(Json::from("09:30:00")),
            false,
        );
        check("select", "text", Json::from("high"), Ok(Json::from("High")), true);
        check("text", "select", Json::from("Low"), Ok(Json::from("low")), true);
        check(
            "text",
            "select",
            Json::from(" low "),
            Ok(Json::from("low")),
            false,
        );
        check("text", "select", Json::from("lost"), Err(Code::Enum), false);
        check(
            "select",
            "multiSelect",
            Json::from("high"),
            Ok(serde_json::json!(["high"])),
            true,
        );
        check(
            "multiSelect",
            "select",
            serde_json::json!(["high"]),
            Ok(Json::from("high")),
            true,
        );
        check(
            "multiSelect",
            "select",
            serde_json::json!(["high", "low"]),
            Err(Code::Type),
            false,
        );
        check(
            "multiSelect",
            "text",
            serde_json::json!(["high", "later"]),
            Ok(Json::from("High, \"Later, \"\"if ever\"\"\"")),
            true,
        );
        check(
            "number",
            "currency",
            Json::from(10.555),
            Err(Code::Precision),
            false,
        );
        check("boolean", "text", Json::from(true), Ok(Json::from("true")), true);
        check("text", "number", Json::from(""), Ok(Json::Null), true);
    }

    #[test]
    fn every_example_of_every_type_can_become_text() {
        let to = column("longText");
        for kind in crate::field::FIELD_TYPES
            .iter()
            .filter(|kind| !kind.flags().computed && !kind.flags().related)
        {
            let from = example_column(*kind);
            for json in kind.examples() {
                let Ok(value) = from.kind().parse(&json, &from) else {
                    continue;
                };
                assert!(
                    converted((&from, &to), &value, &TextFormat::default()).is_ok(),
                    "{} {json}",
                    kind.id()
                );
            }
        }
    }

    #[test]
    fn dates_are_read_in_the_order_that_was_said() {
        let (from, to) = (column("text"), column("date"));
        let format = TextFormat {
            date_order: DateOrder::DayFirst,
            ..TextFormat::default()
        };
        assert_eq!(
            converted((&from, &to), &Value::text("4.3.2026"), &format),
            Ok(Value::text("2026-03-04"))
        );
    }

    #[test]
    fn what_was_not_touched_since_comes_back_as_it_was() {
        let mut table = Table::default();
        let made = |kind: &str, ordinal: u16, made_from: Option<crate::column::MadeFrom>| Column {
            ordinal,
            made_from,
            ..column(kind)
        };
        let from = |ordinal: u16, back: Option<u16>| crate::column::MadeFrom {
            ordinal,
            back,
            format: TextFormat::default(),
            on_loss: OnLoss::Null,
        };
        table.columns = vec![
            made("text", 0, None),
            made("number", 1, Some(from(0, None))),
            made("text", 2, Some(from(1, Some(0)))),
        ];
        let back = |earlier: &str, value: Value| {
            remade(&table, table.at(2), &value, &|_| Value::text(earlier)).expect("a value")
        };
        assert_eq!(back("00501", Value::Int(501)), Value::text("00501"));
        assert_eq!(back("00501", Value::Int(502)), Value::text("502"));
        assert_eq!(back("about 5", Value::Null), Value::text("about 5"));
        assert_eq!(back("5", Value::Null), Value::Null);
    }
}
