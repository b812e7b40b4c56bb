//! `phone`: one international telephone number, kept as it was written. It does not know which numbers are in service.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// A telephone number.
pub struct Phone;

impl FieldType for Phone {
    fn id(&self) -> &'static str {
        "phone"
    }
    fn name(&self) -> &'static str {
        "Phone"
    }
    fn category(&self) -> Category {
        Category::Contact
    }
    fn icon(&self) -> &'static str {
        "phone"
    }
    fn description(&self) -> &'static str {
        "An international telephone number"
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
            searchable: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::TEXT
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::String(text) => kept(text, column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        kept(text, column)
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
        [
            "+14155552671",
            "+1 (415) 555-2671",
            "+44 20 7946 0958",
            "+49.30.123456",
        ]
        .map(Json::from)
        .into()
    }
}

fn kept(text: &str, column: &Column) -> Result<Value, Issue> {
    if is_phone(text) {
        return Ok(Value::text(text));
    }
    let issue = Issue::new(&column.slug, Code::Format, "Invalid phone format");
    Err(issue.with("expected", "+ and 7 to 15 digits, such as +1 415 555 2671"))
}

/// Whether a text is an international number (ITU-T E.164): `+`, a country code that does not begin with 0, and 7 to
/// 15 digits in all, with single spaces, dots, hyphens, slashes and one pair of brackets between them.
pub fn is_phone(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('+') else {
        return false;
    };
    let (mut digits, mut open, mut brackets, mut last) = (0, false, 0, '+');
    for char in rest.chars() {
        let fits = match char {
            '0' if digits == 0 => false,
            '0'..='9' => true,
            ' ' => last.is_ascii_digit() || last == ')',
            '.' | '-' | '/' => (last.is_ascii_digit() || last == ')') && !open,
            '(' => digits > 0 && brackets == 0 && last != ')',
            ')' => open && last.is_ascii_digit(),
            _ => false,
        };
        if !fits {
            return false;
        }
        digits += u32::from(char.is_ascii_digit());
        open = (open || char == '(') && char != ')';
        brackets += u32::from(char == '(');
        last = char;
    }
    (7..=15).contains(&digits) && !open && last.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_e164() {
        for text in [
            "+14155552671",
            "+1 (415) 555-2671",
            "+1-415-555-2671",
            "+49 (30) 123 456",
            "+861012345678901",
            "+2901234",
        ] {
            assert!(is_phone(text), "{text}");
        }
        for text in [
            "4155552671",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+1 415 call me",
            "+1 ((415)) 5552671",
            "+1 (415 5552671",
            "+1 415) 5552671",
            "+14155552671 ",
            " +14155552671",
            "+1  4155552671",
            "+1--4155552671",
            "++14155552671",
            "+",
            "",
            "+1٤155552671",
        ] {
            assert!(!is_phone(text), "{text}");
        }
    }
}
