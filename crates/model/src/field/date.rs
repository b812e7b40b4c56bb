//! `date`: a calendar day, kept as the text `YYYY-MM-DD`. No time of day and no time zone: that is `dateTime`.

use super::{Category, DateOrder, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::time::parse_date;
use crate::{Code, Issue, Json, Value};

/// A calendar day of the years 1 to 9999.
pub struct Date;

impl FieldType for Date {
    fn id(&self) -> &'static str {
        "date"
    }
    fn name(&self) -> &'static str {
        "Date"
    }
    fn category(&self) -> Category {
        Category::Date
    }
    fn icon(&self) -> &'static str {
        "calendar"
    }
    fn description(&self) -> &'static str {
        "A calendar day, without a time"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "date"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            supports_unique: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::DATE
    }
    fn config_schema(&self) -> Json {
        serde_json::json!({"type": "object", "properties": {"format": format_schema()}, "additionalProperties": false})
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::String(text) if parse_date(text).is_some() => Ok(Value::text(text)),
            Json::String(text) => Err(refused(text, column)),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        read(text.trim(), format.date_order)
            .map(Value::Text)
            .ok_or_else(|| refused(text, column))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::String(value.as_text().unwrap_or_default().to_owned())
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        column
            .config_str("format")
            .map(|format| shown(value.as_text().unwrap_or_default(), format))
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        value.as_text().unwrap_or_default().to_owned()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, value.as_text().unwrap_or_default());
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        out.push_str(value.as_text().unwrap_or_default());
    }
    fn examples(&self) -> Vec<Json> {
        ["2026-03-01", "2024-02-29", "0001-01-01", "9999-12-31"]
            .map(Json::from)
            .into()
    }
}

fn refused(text: &str, column: &Column) -> Issue {
    let real = text.len() == 10
        && read(
            &format!("{}01", &text.get(..8).unwrap_or_default()),
            DateOrder::Iso,
        )
        .is_some();
    let message = if real {
        format!("Invalid date: {text} is not a day of the calendar")
    } else {
        "Invalid date format, expected YYYY-MM-DD".to_owned()
    };
    Issue::new(&column.slug, Code::Format, message)
}

/// How dates may be shown to people; the stored value and JSON are always ISO 8601.
pub(super) fn format_schema() -> Json {
    serde_json::json!({
        "type": "string", "enum": ["iso", "dayFirst", "monthFirst", "long"], "default": "iso",
        "description": "How people see it: 2026-03-01, 01/03/2026, 03/01/2026 or 1 Mar 2026"
    })
}

/// A canonical date as a column's `format` setting shows it.
pub(super) fn shown(date: &str, format: &str) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (Some(year), Some(month), Some(day)) = (date.get(..4), date.get(5..7), date.get(8..10)) else {
        return date.to_owned();
    };
    match format {
        "dayFirst" => format!("{day}/{month}/{year}"),
        "monthFirst" => format!("{month}/{day}/{year}"),
        "long" => {
            let name = month
                .parse::<usize>()
                .ok()
                .and_then(|month| MONTHS.get(month.wrapping_sub(1)));
            format!(
                "{} {} {year}",
                day.trim_start_matches('0'),
                name.unwrap_or(&month)
            )
        }
        _ => date.to_owned(),
    }
}

/// A date in the order that was chosen, or in ISO 8601 always, as canonical text. Years are written in four digits.
pub(super) fn read(text: &str, order: DateOrder) -> Option<String> {
    if parse_date(text).is_some() {
        return Some(text.to_owned());
    }
    if order == DateOrder::Iso {
        return None;
    }
    let separator = text
        .chars()
        .find(|char| !char.is_ascii_digit())
        .filter(|char| ['.', '/', '-'].contains(char))?;
    let mut parts = text.split(separator);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (day, month) = if order == DateOrder::DayFirst {
        (first, second)
    } else {
        (second, first)
    };
    let short = |part: &str| (1..=2).contains(&part.len());
    if parts.next().is_some() || !short(day) || !short(month) || year.len() != 4 {
        return None;
    }
    let canonical = format!("{year}-{month:0>2}-{day:0>2}");
    parse_date(&canonical).map(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, order: DateOrder, expected: Option<&str>) {
        assert_eq!(read(text, order).as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_in_the_order_that_was_chosen() {
        check("2026-03-04", DateOrder::MonthFirst, Some("2026-03-04"));
        check("4.3.2026", DateOrder::DayFirst, Some("2026-03-04"));
        check("04/03/2026", DateOrder::DayFirst, Some("2026-03-04"));
        check("3/4/2026", DateOrder::MonthFirst, Some("2026-03-04"));
        check("3/4/2026", DateOrder::Iso, None);
        check("13/4/2026", DateOrder::MonthFirst, None);
        check("4.3.26", DateOrder::DayFirst, None);
        check("4.3/2026", DateOrder::DayFirst, None);
        check("4.3.2026.1", DateOrder::DayFirst, None);
    }

    #[test]
    fn days_that_do_not_exist_are_named() {
        let column = Column {
            slug: "due".into(),
            ..Column::default()
        };
        let issue = |text: &str| {
            Date.parse(&Json::from(text), &column)
                .expect_err("no date")
                .message
        };
        assert_eq!(
            issue("2023-02-29"),
            "Invalid date: 2023-02-29 is not a day of the calendar"
        );
        assert_eq!(issue("1.3.2026"), "Invalid date format, expected YYYY-MM-DD");
        assert_eq!(
            issue("2026-03-01T00:00:00Z"),
            "Invalid date format, expected YYYY-MM-DD"
        );
        assert_eq!(issue("äöüäöüä"), "Invalid date format, expected YYYY-MM-DD");
    }

    #[test]
    fn people_see_the_format_of_the_column() {
        for (format, expected) in [
            ("iso", "2026-03-01"),
            ("dayFirst", "01/03/2026"),
            ("monthFirst", "03/01/2026"),
            ("long", "1 Mar 2026"),
        ] {
            assert_eq!(shown("2026-03-01", format), expected);
        }
    }
}
