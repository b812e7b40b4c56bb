//! `number`: a whole number of up to 64 bits or a double-precision float. Not for money: that is `currency`.

use std::fmt::Write;

use super::{Category, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::field::FieldType;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// A number.
pub struct Number;

impl FieldType for Number {
    fn id(&self) -> &'static str {
        "number"
    }
    fn name(&self) -> &'static str {
        "Number"
    }
    fn category(&self) -> Category {
        Category::Basic
    }
    fn icon(&self) -> &'static str {
        "hash"
    }
    fn description(&self) -> &'static str {
        "A whole number or a number with a fraction"
    }
    fn storage(&self) -> Storage {
        Storage::Number
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
            Json::Number(number) => read(number.as_str(), column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        if let Ok(int) = text.parse() {
            return Ok(Value::Int(int));
        }
        match plain_number(text, format) {
            Some(plain) => read(&plain, column),
            None => Err(Issue::new(
                &column.slug,
                Code::Type,
                format!("\"{text}\" is not a number"),
            )),
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        match value {
            Value::Int(int) => Json::from(*int),
            Value::Float(float) => Json::from(*float),
            _ => Json::Null,
        }
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        self.to_json(value, column).to_string()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        match value {
            Value::Int(int) => write_as_json(out, int),
            Value::Float(float) => write_as_json(out, float),
            _ => out.extend_from_slice(b"null"),
        }
    }
    fn write_export(&self, value: &Value, column: &Column, out: &mut String) {
        match value {
            Value::Int(int) => write!(out, "{int}").expect("a text takes whatever is written"),
            _ => out.push_str(&self.export(value, column)),
        }
    }
    fn examples(&self) -> Vec<Json> {
        vec![
            0.into(),
            (-17).into(),
            i64::MAX.into(),
            Json::from(0.1),
            Json::from(-1.5e300),
        ]
    }
}

/// Reads a number as JSON writes it. Whole numbers beyond 64 bits are refused: a float would change their digits.
fn read(text: &str, column: &Column) -> Result<Value, Issue> {
    if let Ok(int) = text.parse::<i64>() {
        return Ok(Value::Int(int));
    }
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if whole {
        let message = format!(
            "{text} has too many digits to be kept exactly (largest: {}); use a text column",
            i64::MAX
        );
        return Err(Issue::new(&column.slug, Code::Precision, message));
    }
    text.parse::<f64>().ok().and_then(Value::number).ok_or_else(|| {
        Issue::new(
            &column.slug,
            Code::Type,
            format!("{text} is beyond the range of numbers (about 1.8e308)"),
        )
    })
}

/// Text as a person writes a number, rewritten as JSON writes it; `None` if it is no number in this format.
pub(super) fn plain_number(text: &str, format: &TextFormat) -> Option<String> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix(['-', '−']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once(format.decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = ungroup(whole, format.group)?;
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(&whole) || fraction.is_some_and(|fraction| !all_digits(fraction)) {
        return None;
    }
    let trimmed = whole.trim_start_matches('0');
    let mut plain = format!("{sign}{}", if trimmed.is_empty() { "0" } else { trimmed });
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !all_digits(power) {
            return None;
        }
        plain.push('e');
        plain.push_str(exponent);
    }
    Some(plain)
}

/// Takes thousands separators out, but only where groups of three stand where they belong.
fn ungroup(whole: &str, group: Option<char>) -> Option<std::borrow::Cow<'_, str>> {
    use std::borrow::Cow;
    let Some(group) = group else {
        return Some(Cow::Borrowed(whole));
    };
    if !whole.contains(group) {
        return Some(Cow::Borrowed(whole));
    }
    let mut parts = whole.split(group);
    let first = parts.next()?;
    if first.is_empty() || first.len() > 3 {
        return None;
    }
    let rest: Vec<&str> = parts.collect();
    rest.iter()
        .all(|part| part.len() == 3)
        .then(|| Cow::Owned(format!("{first}{}", rest.concat())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, format: TextFormat, expected: Option<&str>) {
        assert_eq!(plain_number(text, &format).as_deref(), expected, "{text}");
    }

    #[test]
    fn numbers_are_read_in_the_format_that_was_chosen() {
        let german = TextFormat {
            decimal: ',',
            group: Some('.'),
            ..TextFormat::default()
        };
        check("1.234,5", german, Some("1234.5"));
        check("1.23,5", german, None);
        check("10,5", TextFormat::default(), None);
        check("-007", TextFormat::default(), Some("-7"));
        check("1e5", TextFormat::default(), Some("1e5"));
        check("", TextFormat::default(), None);
        check("1.", TextFormat::default(), None);
    }

    #[test]
    fn digits_that_cannot_be_kept_are_refused() {
        let column = Column {
            slug: "n".into(),
            ..Column::default()
        };
        let issue = Number
            .parse_text("9223372036854775808", &column, &TextFormat::default())
            .expect_err("too long");
        assert_eq!(issue.code, Code::Precision);
    }
}
