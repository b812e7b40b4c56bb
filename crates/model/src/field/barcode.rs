//! `barcode`: the digits or signs of a bar code, as text: leading zeros stay. It draws no pictures.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// The text of a bar code.
pub struct Barcode;

impl FieldType for Barcode {
    fn id(&self) -> &'static str {
        "barcode"
    }
    fn name(&self) -> &'static str {
        "Barcode"
    }
    fn category(&self) -> Category {
        Category::Advanced
    }
    fn icon(&self) -> &'static str {
        "barcode"
    }
    fn description(&self) -> &'static str {
        "The number under a bar code, with its check digit verified"
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
    fn config_schema(&self) -> Json {
        let format = serde_json::json!({
            "type": "string", "enum": ["any", "ean13", "ean8", "upca", "isbn13", "code128"], "default": "any",
            "description": "The kind of bar code; its length and check digit are verified"
        });
        serde_json::json!({"type": "object", "properties": {"format": format}, "additionalProperties": false})
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
        ["4006381333931", "036000291452", "ABC-123", "00501"]
            .map(Json::from)
            .into()
    }
}

/// Longest bar code, in characters: what a Code 128 reader takes in one scan.
const MAX_CHARS: usize = 80;

fn kept(text: &str, column: &Column) -> Result<Value, Issue> {
    let wrong = match column.config_str("format").unwrap_or("any") {
        "ean13" => gs1(text, 13, "EAN-13"),
        "ean8" => gs1(text, 8, "EAN-8"),
        "upca" => gs1(text, 12, "UPC-A"),
        "isbn13" => isbn13(text),
        "code128" if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
            Some("Invalid Code 128: only ASCII characters fit".into())
        }
        _ => (text.is_empty() || text.contains(char::is_control)).then(|| "Invalid barcode format".into()),
    };
    if let Some(message) = wrong {
        return Err(Issue::new(&column.slug, Code::Format, message));
    }
    if text.chars().count() > MAX_CHARS {
        let message = format!("A barcode has at most {MAX_CHARS} characters");
        return Err(Issue::new(&column.slug, Code::Limit, message).with("limit", MAX_CHARS));
    }
    Ok(Value::text(text))
}

/// What is wrong with a GS1 number: digits whose last one makes the sum weighted 1, 3, 1, 3 … from the right a multiple of ten.
fn gs1(text: &str, length: usize, name: &str) -> Option<String> {
    if text.len() != length || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("Invalid {name}: expected {length} digits"));
    }
    let weighted = text
        .bytes()
        .rev()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight);
    let over = weighted.sum::<u32>() % 10;
    let last = u32::from(text.as_bytes()[length - 1] - b'0');
    (over != 0).then(|| {
        format!(
            "Invalid {name}: the check digit should be {}",
            (last + 10 - over) % 10
        )
    })
}

/// An ISBN of 13 digits, with or without hyphens or spaces between them.
fn isbn13(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['-', ' ']).collect();
    let digits = parts.concat();
    if parts.iter().any(|part| part.is_empty()) || !(digits.starts_with("978") || digits.starts_with("979")) {
        return Some("Invalid ISBN-13: expected 13 digits that begin with 978 or 979".into());
    }
    gs1(&digits, 13, "ISBN-13")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, text: &str, expected: Result<(), &str>) {
        let mut column = Column {
            slug: "code".into(),
            ..Column::default()
        };
        column.config.insert("format".into(), format.into());
        let outcome = Barcode
            .parse(&Json::from(text), &column)
            .map(drop)
            .map_err(|issue| issue.message);
        assert_eq!(outcome, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn check_digits_are_verified() {
        check("ean13", "4006381333931", Ok(()));
        check(
            "ean13",
            "4006381333932",
            Err("Invalid EAN-13: the check digit should be 1"),
        );
        check("ean13", "400638133393", Err("Invalid EAN-13: expected 13 digits"));
        check("ean8", "73513537", Ok(()));
        check(
            "ean8",
            "73513530",
            Err("Invalid EAN-8: the check digit should be 7"),
        );
        check("upca", "036000291452", Ok(()));
        check("isbn13", "978-3-16-148410-0", Ok(()));
        check("isbn13", "9783161484100", Ok(()));
        check(
            "isbn13",
            "4006381333931",
            Err("Invalid ISBN-13: expected 13 digits that begin with 978 or 979"),
        );
        check(
            "isbn13",
            "978--3161484100",
            Err("Invalid ISBN-13: expected 13 digits that begin with 978 or 979"),
        );
        check("code128", "ABC-abc 1234", Ok(()));
        check(
            "code128",
            "Größe",
            Err("Invalid Code 128: only ASCII characters fit"),
        );
        check("any", "Größe 5", Ok(()));
        check("any", "a\tb", Err("Invalid barcode format"));
        check("any", "", Err("Invalid barcode format"));
    }
}
