//! `percent`: an exact number of hundredths, as it is shown: 15 means 15 %. Not a fraction of one.

use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

use super::exact;

/// A percentage.
pub struct Percent;

impl FieldType for Percent {
    fn id(&self) -> &'static str {
        "percent"
    }
    fn name(&self) -> &'static str {
        "Percent"
    }
    fn category(&self) -> Category {
        Category::Numeric
    }
    fn icon(&self) -> &'static str {
        "percent"
    }
    fn description(&self) -> &'static str {
        "A percentage, exact: 15 is 15 %"
    }
    fn storage(&self) -> Storage {
        Storage::Decimal
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
    fn config_schema(&self) -> Json {
        let precision = serde_json::json!({
            "type": "integer", "minimum": 0, "maximum": 8, "default": 2, "description": "Decimals kept; more are refused"
        });
        serde_json::json!({"type": "object", "properties": {"precision": precision}, "additionalProperties": false})
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        exact::parse(raw, column)
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        let number = text.trim();
        let number = number
            .strip_suffix('%')
            .or_else(|| number.strip_prefix('%'))
            .unwrap_or(number);
        match super::number::plain_number(number, format) {
            Some(plain) => exact::read(&plain, column),
            None => Err(Issue::new(
                &column.slug,
                Code::Type,
                format!("\"{text}\" is not a percentage"),
            )),
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        exact::to_json(value)
    }
    fn display(&self, value: &Value, _column: &Column) -> Option<String> {
        Some(format!("{}%", exact::decimal(value)))
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        exact::decimal(value).to_string()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        out.extend_from_slice(exact::decimal(value).to_string().as_bytes());
    }
    fn examples(&self) -> Vec<Json> {
        ["15", "0", "-2.5", "12.34", "250"]
            .map(|text| exact::to_json(&Value::Decimal(text.parse().unwrap_or_default())))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_with_or_without_the_sign() {
        let column = Column {
            slug: "share".into(),
            ..Column::default()
        };
        for (text, shown) in [
            ("15", "15%"),
            ("15%", "15%"),
            ("12.50 %", "12.5%"),
            ("%7", "7%"),
            ("-2.5%", "-2.5%"),
        ] {
            let value = Percent
                .parse_text(text, &column, &TextFormat::default())
                .expect("a percentage");
            assert_eq!(Percent.display(&value, &column).as_deref(), Some(shown), "{text}");
        }
        for text in ["15%%", "%", "fifteen", "1,5%"] {
            assert!(
                Percent.parse_text(text, &column, &TextFormat::default()).is_err(),
                "{text}"
            );
        }
    }
}
