//! `duration`: a span of time in whole seconds. Months and years are refused: their length is not fixed.

use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// A span of time, in seconds.
pub struct Duration;

impl FieldType for Duration {
    fn id(&self) -> &'static str {
        "duration"
    }
    fn name(&self) -> &'static str {
        "Duration"
    }
    fn category(&self) -> Category {
        Category::Date
    }
    fn icon(&self) -> &'static str {
        "timer"
    }
    fn description(&self) -> &'static str {
        "A span of time, in seconds"
    }
    fn storage(&self) -> Storage {
        Storage::Int
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "number"
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
            Json::Number(number) => super::exact::whole(number.as_str(), column).map(Value::Int),
            Json::String(text) => kept(text, column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        kept(text, column)
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::from(value.as_int().unwrap_or_default())
    }
    fn display(&self, value: &Value, _column: &Column) -> Option<String> {
        value.as_int().map(text_of)
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        text_of(value.as_int().unwrap_or_default())
    }
    fn examples(&self) -> Vec<Json> {
        vec![
            5_400.into(),
            0.into(),
            59.into(),
            (-90_061).into(),
            i64::MAX.into(),
            i64::MIN.into(),
        ]
    }
}

fn kept(text: &str, column: &Column) -> Result<Value, Issue> {
    read(text).map(Value::Int).ok_or_else(|| {
        let message =
            format!("\"{text}\" is not a duration in whole seconds; write 5400, 1:30:00, 1h 30m or PT1H30M");
        Issue::new(&column.slug, Code::Format, message)
    })
}

/// `h:mm:ss`, with as many digits of hours as it takes.
fn text_of(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!(
        "{sign}{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Seconds of a duration as people or ISO 8601 write it. `1:30` is refused: it may be minutes or hours.
fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let seconds = match text.strip_prefix(['P', 'p']) {
        Some(iso) => iso_seconds(iso)?,
        None if text.contains(':') => clock_seconds(text)?,
        None => digits(text).or_else(|| unit_seconds(text))?,
    };
    i64::try_from(if negative { -seconds } else { seconds }).ok()
}

fn digits(text: &str) -> Option<i128> {
    let all = !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// `1:30:00`: hours of any size, minutes and seconds of two digits.
fn clock_seconds(text: &str) -> Option<i128> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let sixty = |part: &str| digits(part).filter(|number| part.len() == 2 && *number < 60);
    Some(digits(hours)? * 3_600 + sixty(minutes)? * 60 + sixty(seconds)?)
}

/// `P1W2DT3H4M5S` without its `P`; units in this order, at least one.
fn iso_seconds(text: &str) -> Option<i128> {
    let upper = text.to_ascii_uppercase();
    let (days, time) = match upper.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (upper.as_str(), ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    Some(
        in_order(days, &[('W', 604_800), ('D', 86_400)])?
            + in_order(time, &[('H', 3_600), ('M', 60), ('S', 1)])?,
    )
}

/// Numbers, each followed by one of the units, each unit at most once and in the order given.
fn in_order(mut text: &str, units: &[(char, i128)]) -> Option<i128> {
    let mut sum = 0;
    for (unit, seconds) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            sum += digits(number)? * seconds;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

/// `1h 30m`, `2 days 4 hours`: the larger unit first, each at most once.
fn unit_seconds(text: &str) -> Option<i128> {
    const UNITS: [(&[&str], i128); 5] = [
        (&["w", "week", "weeks"], 604_800),
        (&["d", "day", "days"], 86_400),
        (&["h", "hr", "hrs", "hour", "hours"], 3_600),
        (&["m", "min", "mins", "minute", "minutes"], 60),
        (&["s", "sec", "secs", "second", "seconds"], 1),
    ];
    let (mut rest, mut sum, mut from) = (text, 0, 0);
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit())?;
        let number = digits(&rest[..end])?;
        let after = rest[end..].trim_start();
        let end = after
            .find(|char: char| !char.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let word = after[..end].to_ascii_lowercase();
        let at = from
            + UNITS[from..]
                .iter()
                .position(|(names, _)| names.contains(&word.as_str()))?;
        sum += number * UNITS[at].1;
        from = at + 1;
        rest = after[end..].trim_start_matches([' ', ',']);
    }
    (from > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(read(text), expected, "{text}");
    }

    #[test]
    fn durations_are_read_in_their_usual_forms() {
        check("5400", Some(5_400));
        check("1:30:00", Some(5_400));
        check("-0:00:01", Some(-1));
        check("100:00:00", Some(360_000));
        check("1h 30m", Some(5_400));
        check("1h30m", Some(5_400));
        check("2 days, 4 hours", Some(187_200));
        check("PT1H30M", Some(5_400));
        check("P1W", Some(604_800));
        check("P1DT1S", Some(86_401));
    }

    #[test]
    fn what_is_not_whole_seconds_is_refused() {
        for text in [
            "1:30",
            "1.5h",
            "1:60:00",
            "30m 1h",
            "1h 1h",
            "P",
            "PT",
            "P1M",
            "P1Y",
            "1 fortnight",
            "h",
            "",
            "-",
            "9223372036854775808",
        ] {
            check(text, None);
        }
        let column = Column {
            slug: "spent".into(),
            ..Column::default()
        };
        let issue = Duration.parse(&Json::from(1.5), &column).expect_err("a fraction");
        assert_eq!(
            (issue.code, issue.message.as_str()),
            (Code::Precision, "Only whole numbers are kept")
        );
    }
}
