//! `autoNumber`: the next number of the column's counter. It does not draw numbers: the store does when it commits.

use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

use super::exact;

/// A number drawn by the store: no number is given twice, ever.
pub struct AutoNumber;

impl FieldType for AutoNumber {
    fn id(&self) -> &'static str {
        "autoNumber"
    }
    fn name(&self) -> &'static str {
        "Auto number"
    }
    fn category(&self) -> Category {
        Category::Numeric
    }
    fn icon(&self) -> &'static str {
        "list-ordered"
    }
    fn description(&self) -> &'static str {
        "The next number, drawn by the store"
    }
    fn storage(&self) -> Storage {
        Storage::Int
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "number"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_unique: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::NUMBER
    }
    fn config_schema(&self) -> Json {
        serde_json::json!({
            "type": "object",
            "properties": {
                "prefix": {"type": "string", "maxLength": 20, "default": "", "description": "Shown before the number: INV-"},
                "digits": {"type": "integer", "minimum": 1, "maximum": 18, "default": 1, "description": "Fewest digits shown"}
            },
            "additionalProperties": false
        })
    }
    fn check_config(&self, column: &Column) -> Result<(), Issue> {
        let prefix = prefix(column);
        let wrong = if prefix.ends_with(|char: char| char.is_ascii_digit()) {
            "The prefix must not end with a digit: the number could not be told from it"
        } else if prefix.chars().any(char::is_control) || prefix.trim_start() != prefix {
            "The prefix must not begin with a space or contain control characters"
        } else {
            return Ok(());
        };
        Err(Issue::new(&column.slug, Code::Definition, wrong))
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::Number(number) => kept(exact::whole(number.as_str(), column)?, column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        let bare = text.trim();
        let digits = bare.strip_prefix(prefix(column)).unwrap_or(bare);
        match digits.parse() {
            Ok(number) if digits.bytes().all(|byte| byte.is_ascii_digit()) => kept(number, column),
            _ => Err(Issue::new(
                &column.slug,
                Code::Type,
                format!("\"{text}\" is not a number of this column"),
            )),
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::from(value.as_int().unwrap_or_default())
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        Some(shown(value, column))
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        shown(value, column)
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        out.extend_from_slice(value.as_int().unwrap_or_default().to_string().as_bytes());
    }
    fn examples(&self) -> Vec<Json> {
        vec![1.into(), 7.into(), 1_234_567.into(), i64::MAX.into()]
    }
}

fn prefix(column: &Column) -> &str {
    column.config_str("prefix").unwrap_or_default()
}

/// `INV-0007`.
fn shown(value: &Value, column: &Column) -> String {
    let digits = column.config_u64("digits", 1).min(18) as usize;
    format!(
        "{}{:0digits$}",
        prefix(column),
        value.as_int().unwrap_or_default()
    )
}

fn kept(number: i64, column: &Column) -> Result<Value, Issue> {
    if number < 1 {
        return Err(Issue::new(&column.slug, Code::Min, "Minimum value is 1").with("min", 1));
    }
    Ok(Value::Int(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoices() -> Column {
        let mut column = Column {
            slug: "no".into(),
            ..Column::default()
        };
        column.config.insert("prefix".into(), "INV-".into());
        column.config.insert("digits".into(), 4.into());
        column
    }

    #[test]
    fn a_number_reads_back_from_what_is_shown() {
        assert_eq!(AutoNumber.export(&Value::Int(7), &invoices()), "INV-0007");
        assert_eq!(AutoNumber.export(&Value::Int(12_345), &invoices()), "INV-12345");
        for text in ["INV-0007", "7", "0007", " 7 "] {
            assert_eq!(
                AutoNumber.parse_text(text, &invoices(), &TextFormat::default()),
                Ok(Value::Int(7)),
                "{text}"
            );
        }
        for text in ["INV-", "INV--7", "inv 7", "-7", "+7", "0", "7.0"] {
            assert!(
                AutoNumber
                    .parse_text(text, &invoices(), &TextFormat::default())
                    .is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_that_hides_the_number_is_refused() {
        assert_eq!(AutoNumber.check_config(&invoices()), Ok(()));
        let mut column = Column::default();
        column.config.insert("prefix".into(), "2026".into());
        assert_eq!(
            AutoNumber.check_config(&column).expect_err("refused").code,
            Code::Definition
        );
    }
}
