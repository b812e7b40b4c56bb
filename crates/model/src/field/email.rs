//! `email`: one e-mail address, kept exactly as it was written. It sends nothing and asks no server.

use email_address::{EmailAddress, Options};

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// An e-mail address.
pub struct Email;

impl FieldType for Email {
    fn id(&self) -> &'static str {
        "email"
    }
    fn name(&self) -> &'static str {
        "Email"
    }
    fn category(&self) -> Category {
        Category::Contact
    }
    fn icon(&self) -> &'static str {
        "mail"
    }
    fn description(&self) -> &'static str {
        "An e-mail address"
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
            "ada@example.com",
            "first.last+tag@sub.example.org",
            "Ada@Example.COM",
            "ü@exämple.de",
        ]
        .map(Json::from)
        .into()
    }
}

fn kept(text: &str, column: &Column) -> Result<Value, Issue> {
    if is_email(text) {
        Ok(Value::text(text))
    } else {
        Err(Issue::new(&column.slug, Code::Format, "Invalid email format"))
    }
}

/// Whether a text is one e-mail address (RFC 5322 and 6531, no display name, no address literal) with a dot in its domain.
pub fn is_email(text: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    !text.contains(char::is_control) && EmailAddress::parse_with_options(text, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_written_to_are_refused() {
        for text in [
            "a@b",
            "a",
            "@b.c",
            "a@",
            "a b@c.de",
            " a@b.cd",
            "a@b.cd ",
            "Ada <a@b.cd>",
            "a@b.cd,e@f.gh",
            "a@@b.cd",
            "a@[127.0.0.1]",
            "a@b..cd",
            "",
        ] {
            let issue = Email
                .parse(&Json::from(text), &Column::default())
                .expect_err(text);
            assert_eq!(
                (issue.code, issue.message.as_str()),
                (Code::Format, "Invalid email format"),
                "{text}"
            );
        }
    }
}
