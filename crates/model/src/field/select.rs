//! `select`: one of the column's options, kept as the option's id. It never makes options.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::column::SelectOption;
use crate::filter::Operator;
use crate::filter::fold;
use crate::{Code, Issue, Json, Value};

/// Names said in a message; more are cut short with an ellipsis.
const NAMES_SAID_MAX: usize = 20;

/// One of several options.
pub struct Select;

impl FieldType for Select {
    fn id(&self) -> &'static str {
        "select"
    }
    fn name(&self) -> &'static str {
        "Single select"
    }
    fn category(&self) -> Category {
        Category::Choice
    }
    fn icon(&self) -> &'static str {
        "circle-chevron-down"
    }
    fn description(&self) -> &'static str {
        "One of several options"
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
            needs_options: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::CHOICE
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::String(text) => {
                let option = exactly(text, column).ok_or_else(|| none_of_them(column))?;
                Ok(Value::text(&option.id))
            }
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        let option = loosely(text, column).ok_or_else(|| none_of_them(column))?;
        Ok(Value::text(&option.id))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::String(value.as_text().unwrap_or_default().to_owned())
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        Some(name(value.as_text().unwrap_or_default(), column).to_owned())
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        name(value.as_text().unwrap_or_default(), column).to_owned()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, value.as_text().unwrap_or_default());
    }
    fn write_export(&self, value: &Value, column: &Column, out: &mut String) {
        out.push_str(name(value.as_text().unwrap_or_default(), column));
    }
    fn examples(&self) -> Vec<Json> {
        ["high", "low", "later"].map(Json::from).into()
    }
}

/// The live option with this id, or else with exactly this name.
pub(super) fn exactly<'a>(text: &str, column: &'a Column) -> Option<&'a SelectOption> {
    column
        .live_options()
        .find(|option| option.id == text)
        .or_else(|| column.live_options().find(|option| option.name == text))
}

/// The live option a cell of a file means: its name first (files hold names), then its id, then its name in any case
/// and without the spaces around it, if only one option has that.
pub(crate) fn loosely<'a>(text: &str, column: &'a Column) -> Option<&'a SelectOption> {
    if let Some(option) = column.live_options().find(|option| option.name == text) {
        return Some(option);
    }
    if let Some(option) = column.live_options().find(|option| option.id == text) {
        return Some(option);
    }
    let folded = fold(text.trim());
    let mut alike = column
        .live_options()
        .filter(|option| fold(option.name.trim()) == folded);
    alike.next().filter(|_| alike.next().is_none())
}

/// What people call an option, also a deleted one; the id itself if the column never had it.
pub(super) fn name<'a>(id: &'a str, column: &'a Column) -> &'a str {
    column.option(id).map_or(id, |option| option.name.as_str())
}

/// `Value must be one of: High, Low`.
pub(super) fn none_of_them(column: &Column) -> Issue {
    let mut names: Vec<&str> = column
        .live_options()
        .take(NAMES_SAID_MAX + 1)
        .map(|option| option.name.as_str())
        .collect();
    if names.is_empty() {
        return Issue::new(&column.slug, Code::Enum, "The column has no options yet");
    }
    if names.len() > NAMES_SAID_MAX {
        names[NAMES_SAID_MAX] = "…";
    }
    Issue::new(
        &column.slug,
        Code::Enum,
        format!("Value must be one of: {}", names.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::example_column;
    use super::*;

    fn column(names: &[&str]) -> Column {
        let option = |name: &&str| SelectOption {
            id: format!("id-{name}"),
            name: (*name).into(),
            ..SelectOption::default()
        };
        Column {
            slug: "status".into(),
            options: names.iter().map(option).collect(),
            ..Column::default()
        }
    }

    #[test]
    fn json_takes_the_id_or_the_exact_name() {
        let column = example_column(&Select);
        assert_eq!(
            Select.parse(&Json::from("high"), &column),
            Ok(Value::text("high"))
        );
        assert_eq!(
            Select.parse(&Json::from("High"), &column),
            Ok(Value::text("high"))
        );
        let issue = Select
            .parse(&Json::from("HIGH"), &column)
            .expect_err("case matters in JSON");
        assert_eq!(
            (issue.code, issue.message.as_str()),
            (Code::Enum, "Value must be one of: High, Low, Later, \"if ever\"")
        );
        let issue = Select.parse(&Json::from(1), &column).expect_err("no text");
        assert_eq!(issue.message, "Expected type \"string\", got number");
    }

    #[test]
    fn text_ignores_case_where_only_one_option_is_meant() {
        let column = column(&["Open", "done", "Done"]);
        let read = |text: &str| Select.parse_text(text, &column, &TextFormat::default()).ok();
        assert_eq!(read(" OPEN "), Some(Value::text("id-Open")));
        assert_eq!(read("done"), Some(Value::text("id-done")));
        assert_eq!(read("Done"), Some(Value::text("id-Done")));
        assert_eq!(read("DONE"), None);
    }

    #[test]
    fn a_deleted_option_is_shown_but_not_taken() {
        let mut column = column(&["Open", "Gone"]);
        column.options[1].deleted_at = Some(1);
        assert_eq!(
            Select.display(&Value::text("id-Gone"), &column).as_deref(),
            Some("Gone")
        );
        let issue = Select
            .parse(&Json::from("id-Gone"), &column)
            .expect_err("deleted");
        assert_eq!(issue.message, "Value must be one of: Open");
    }

    #[test]
    fn long_lists_of_names_are_cut_short() {
        let names: Vec<String> = (0..25).map(|number| format!("n{number}")).collect();
        let column = column(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let message = none_of_them(&column).message;
        assert!(message.ends_with("n19, …"), "{message}");
    }
}
