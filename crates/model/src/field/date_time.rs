//! `dateTime`: an instant, kept as milliseconds since 1970 in UTC. It knows no time zones but UTC and fixed offsets.

use super::date::{format_schema, shown};
use super::{Category, FieldType, Flags, Storage, TextFormat, date, time};
use crate::column::Column;
use crate::filter::Operator;
use crate::time::{INSTANT_MS, date_text, day_of, instant_text, parse_date, parse_instant, write_instant};
use crate::{Code, Issue, Json, Value};

/// An instant of the years 1 to 9999, to the millisecond.
pub struct DateTime;

const DAY_MS: i64 = 86_400_000;

impl FieldType for DateTime {
    fn id(&self) -> &'static str {
        "dateTime"
    }
    fn name(&self) -> &'static str {
        "Date and time"
    }
    fn category(&self) -> Category {
        Category::Date
    }
    fn icon(&self) -> &'static str {
        "calendar-clock"
    }
    fn description(&self) -> &'static str {
        "A moment, to the millisecond"
    }
    fn storage(&self) -> Storage {
        Storage::Int
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
            Json::String(text) => parse_instant(text)
                .map(Value::Int)
                .ok_or_else(|| refused(text, column)),
            Json::Number(number) => match super::exact::whole(number.as_str(), column)? {
                ms if INSTANT_MS.contains(&ms) => Ok(Value::Int(ms)),
                ms => Err(Issue::new(
                    &column.slug,
                    Code::Format,
                    format!("{ms} ms is beyond the years 1 to 9999"),
                )),
            },
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        parse_instant(text)
            .or_else(|| read_local(text.trim(), format))
            .map(Value::Int)
            .ok_or_else(|| refused(text, column))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::String(instant_text(value.as_int().unwrap_or_default()))
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        let ms = value.as_int().unwrap_or_default();
        let date = shown(
            &date_text(day_of(ms)),
            column.config_str("format").unwrap_or_default(),
        );
        let clock = time::text_of(ms.rem_euclid(DAY_MS));
        Some(format!(
            "{date} {} UTC",
            clock.strip_suffix(":00").unwrap_or(&clock)
        ))
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        instant_text(value.as_int().unwrap_or_default())
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(24);
        write_instant(&mut text, value.as_int().unwrap_or_default());
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        write_instant(out, value.as_int().unwrap_or_default());
    }
    fn examples(&self) -> Vec<Json> {
        let texts = [
            "2026-03-01T09:30:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ];
        texts.map(Json::from).into()
    }
}

fn refused(text: &str, column: &Column) -> Issue {
    let fine = text
        .rsplit_once('.')
        .is_some_and(|(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count() > 3);
    let message = if text.contains(":60") {
        "Leap seconds cannot be kept"
    } else if fine && text.contains(':') {
        "Fractions finer than a millisecond cannot be kept"
    } else {
        "Invalid date-time format, expected RFC 3339 such as 2026-03-01T09:30:00Z"
    };
    Issue::new(&column.slug, Code::Format, message)
}

/// A date in the order that was chosen, then a time of day: `4.3.2026 13:30`, `3/4/2026 1:30 PM`. UTC is meant.
fn read_local(text: &str, format: &TextFormat) -> Option<i64> {
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) => (day.trim_end_matches(','), time::spoken_clock(clock.trim())?),
        None => (text, 0),
    };
    Some(parse_date(&date::read(day, format.date_order)?)? * DAY_MS + clock)
}

#[cfg(test)]
mod tests {
    use super::super::DateOrder;
    use super::*;

    const DAY_FIRST: TextFormat = TextFormat {
        decimal: ',',
        group: Some('.'),
        date_order: DateOrder::DayFirst,
    };

    #[track_caller]
    fn check(text: &str, format: TextFormat, expected: Option<&str>) {
        let read = DateTime.parse_text(text, &Column::default(), &format).ok();
        assert_eq!(
            read.map(|value| DateTime.export(&value, &Column::default()))
                .as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn instants_are_read_with_offset_or_as_utc() {
        check(
            "2026-03-01T09:30:00Z",
            TextFormat::default(),
            Some("2026-03-01T09:30:00.000Z"),
        );
        check(
            "2026-03-01T09:30:00.5-05:00",
            TextFormat::default(),
            Some("2026-03-01T14:30:00.500Z"),
        );
        check(
            "2026-03-01 09:30",
            TextFormat::default(),
            Some("2026-03-01T09:30:00.000Z"),
        );
        check(
            "2026-03-01",
            TextFormat::default(),
            Some("2026-03-01T00:00:00.000Z"),
        );
        check("4.3.2026 13:30", DAY_FIRST, Some("2026-03-04T13:30:00.000Z"));
        check("04/03/2026, 1:30 PM", DAY_FIRST, Some("2026-03-04T13:30:00.000Z"));
        check("4.3.2026", TextFormat::default(), None);
        check("2026-03-01T09:30:60Z", TextFormat::default(), None);
        check("2026-02-30T09:30:00Z", TextFormat::default(), None);
        check("2026-03-01T09:30:00.0001Z", TextFormat::default(), None);
        check("2026-03-01T25:30:00Z", TextFormat::default(), None);
        check("0001-01-01T00:00:00+01:00", TextFormat::default(), None);
    }

    #[test]
    fn numbers_are_milliseconds() {
        let column = Column::default();
        assert_eq!(
            DateTime.parse(&Json::from(1_706_745_600_123_i64), &column),
            Ok(Value::Int(1_706_745_600_123))
        );
        assert!(DateTime.parse(&Json::from(1.5), &column).is_err());
        assert!(DateTime.parse(&Json::from(i64::MAX), &column).is_err());
    }

    #[test]
    fn people_see_minutes_and_the_zone() {
        let value = Value::Int(1_772_357_400_000);
        assert_eq!(
            DateTime.display(&value, &Column::default()).as_deref(),
            Some("2026-03-01 09:30 UTC")
        );
    }
}
