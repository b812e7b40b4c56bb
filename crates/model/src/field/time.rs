//! `time`: a time of day, kept as the text `HH:MM:SS`. Not a span of time: that is `duration`.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::time::clock_ms;
use crate::{Code, Issue, Json, Value};

/// A time of day, to the millisecond.
pub struct Time;

impl FieldType for Time {
    fn id(&self) -> &'static str {
        "time"
    }
    fn name(&self) -> &'static str {
        "Time"
    }
    fn category(&self) -> Category {
        Category::Date
    }
    fn icon(&self) -> &'static str {
        "clock"
    }
    fn description(&self) -> &'static str {
        "A time of day, without a date"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "string"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            supports_unique: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::NUMBER
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::String(text) => kept(clock_ms(text), text, column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        kept(spoken_clock(text.trim()), text, column)
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::String(value.as_text().unwrap_or_default().to_owned())
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
        ["09:30:00", "00:00:00", "23:59:59.999"].map(Json::from).into()
    }
}

fn kept(ms: Option<i64>, text: &str, column: &Column) -> Result<Value, Issue> {
    ms.map(|ms| Value::Text(text_of(ms))).ok_or_else(|| {
        let message = format!(
            "Invalid time format, expected HH:MM or HH:MM:SS (00:00 to 23:59:59.999), got \"{text}\""
        );
        Issue::new(&column.slug, Code::Format, message)
    })
}

/// Milliseconds since midnight as `HH:MM:SS`, with `.fff` where they are not whole seconds. It sorts as time does.
pub(crate) fn text_of(ms: i64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    match ms % 1_000 {
        0 => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        fraction => format!("{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}"),
    }
}

/// A time as people write it too: `9:30`, `1:30 PM`, `12 am`.
pub(super) fn spoken_clock(text: &str) -> Option<i64> {
    let lower = text
        .to_ascii_lowercase()
        .replace('.', if text.contains(['m', 'M']) { "" } else { "." });
    let (text, half_day_ms) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(text), _) => (text.trim_end(), Some(0)),
        (_, Some(text)) => (text.trim_end(), Some(12 * 3_600_000)),
        _ => (lower.as_str(), None),
    };
    let hour_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = if hour_digits == text.len() && half_day_ms.is_some() {
        format!("{text}:00")
    } else {
        text.to_owned()
    };
    let padded = if hour_digits == 1 {
        format!("0{whole}")
    } else {
        whole
    };
    let ms = clock_ms(&padded)?;
    match half_day_ms {
        None => Some(ms),
        Some(half_day_ms) => {
            let hour = ms / 3_600_000;
            (1..=12)
                .contains(&hour)
                .then(|| ms % (12 * 3_600_000) + half_day_ms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(spoken_clock(text).map(text_of).as_deref(), expected, "{text}");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        check("09:30", Some("09:30:00"));
        check("9:30", Some("09:30:00"));
        check("1:30 PM", Some("13:30:00"));
        check("12:00 am", Some("00:00:00"));
        check("12:05 p.m.", Some("12:05:00"));
        check("7pm", Some("19:00:00"));
        check("23:59:59.5", Some("23:59:59.500"));
        check("13:30 PM", None);
        check("24:00", None);
        check("9", None);
        check("9:3", None);
        check("09:30:00.1234", None);
        check("09:30:00.", None);
        check("ä9:30", None);
    }

    #[test]
    fn json_is_strict() {
        let column = Column {
            slug: "at".into(),
            ..Column::default()
        };
        assert_eq!(
            Time.parse(&Json::from("09:30"), &column),
            Ok(Value::text("09:30:00"))
        );
        for text in ["9:30", "1:30 PM", "", "25:00:00", "09-30"] {
            assert!(Time.parse(&Json::from(text), &column).is_err(), "{text}");
        }
    }
}
