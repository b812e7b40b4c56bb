//! `rating`: stars, a whole number from 0 to the column's `max`. Never rounded.

use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

use super::{exact, number};

/// Stars.
pub struct Rating;

impl FieldType for Rating {
    fn id(&self) -> &'static str {
        "rating"
    }
    fn name(&self) -> &'static str {
        "Rating"
    }
    fn category(&self) -> Category {
        Category::Numeric
    }
    fn icon(&self) -> &'static str {
        "star"
    }
    fn description(&self) -> &'static str {
        "Stars, from none to a most"
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
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::NUMBER
    }
    fn config_schema(&self) -> Json {
        let max = serde_json::json!({"type": "integer", "minimum": 1, "maximum": 10, "default": 5, "description": "Most stars"});
        serde_json::json!({"type": "object", "properties": {"max": max}, "additionalProperties": false})
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::Number(number) => within(number.as_str(), column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        match number::plain_number(text, format) {
            Some(plain) => within(&plain, column),
            None => Err(Issue::new(
                &column.slug,
                Code::Type,
                format!("\"{text}\" is not a number"),
            )),
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::from(value.as_int().unwrap_or_default())
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        Some(format!("{}/{}", value.as_int().unwrap_or_default(), most(column)))
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        value.as_int().unwrap_or_default().to_string()
    }
    fn examples(&self) -> Vec<Json> {
        vec![0.into(), 3.into(), 5.into()]
    }
}

fn most(column: &Column) -> i64 {
    column.config_u64("max", 5).clamp(1, 10) as i64
}

fn within(text: &str, column: &Column) -> Result<Value, Issue> {
    let stars = exact::whole(text, column)?;
    let most = most(column);
    if stars < 0 {
        return Err(Issue::new(&column.slug, Code::Min, "Minimum value is 0").with("min", 0));
    }
    if stars > most {
        return Err(
            Issue::new(&column.slug, Code::Max, format!("Maximum value is {most}")).with("max", most),
        );
    }
    Ok(Value::Int(stars))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_the_column() {
        let column = Column {
            slug: "stars".into(),
            ..Column::default()
        };
        for (json, expected) in [
            (serde_json::json!(5), Ok(Value::Int(5))),
            (serde_json::json!(6), Err("Maximum value is 5")),
            (serde_json::json!(-1), Err("Minimum value is 0")),
            (serde_json::json!(2.5), Err("Only whole numbers are kept")),
            (
                serde_json::json!("3"),
                Err("Expected type \"number\", got string"),
            ),
        ] {
            assert_eq!(
                Rating.parse(&json, &column).map_err(|issue| issue.message),
                expected.map_err(str::to_owned)
            );
        }
    }

    #[test]
    fn the_column_says_the_most() {
        let mut column = Column::default();
        column.config.insert("max".into(), 10.into());
        assert_eq!(Rating.parse(&serde_json::json!(10), &column), Ok(Value::Int(10)));
        assert_eq!(Rating.display(&Value::Int(7), &column).as_deref(), Some("7/10"));
    }
}
