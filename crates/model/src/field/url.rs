//! `url`: one absolute URL, kept exactly as it was written. It fetches nothing.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// A web address or another link.
pub struct Url;

/// The schemes that are links and run nothing: `javascript:`, `data:` and `file:` are not among them.
const SCHEMES: [&str; 10] = [
    "http", "https", "mailto", "tel", "sms", "ftp", "ftps", "sftp", "ws", "wss",
];

impl FieldType for Url {
    fn id(&self) -> &'static str {
        "url"
    }
    fn name(&self) -> &'static str {
        "URL"
    }
    fn category(&self) -> Category {
        Category::Contact
    }
    fn icon(&self) -> &'static str {
        "link"
    }
    fn description(&self) -> &'static str {
        "A link to a page or another address"
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
            "https://example.com",
            "http://example.com:8080/a/b?q=1#top",
            "HTTPS://Example.COM/%7Eada",
            "mailto:ada@example.com",
        ]
        .map(Json::from)
        .into()
    }
}

fn kept(text: &str, column: &Column) -> Result<Value, Issue> {
    if is_url(text) {
        Ok(Value::text(text))
    } else {
        Err(Issue::new(&column.slug, Code::Format, "Invalid url format"))
    }
}

/// Whether a text is an absolute URL (WHATWG) of a scheme that is safe to show as a link.
///
/// Control characters and spaces at the ends, which the standard removes, are refused: the text is kept as it is.
pub fn is_url(text: &str) -> bool {
    if text.len() > MAX_BYTES || text.trim() != text || text.contains(char::is_control) {
        return false;
    }
    ::url::Url::parse(text).is_ok_and(|url| {
        let told = url.has_host() || (url.cannot_be_a_base() && !url.path().is_empty());
        told && SCHEMES.contains(&url.scheme())
    })
}

/// Longest URL, in bytes.
const MAX_BYTES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_link_is_refused() {
        for text in [
            "example.com",
            "//x",
            "http://",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:1",
            "data:text/html,x",
            "file:///etc/passwd",
            " http://x",
            "http://x ",
            "http://x\ny",
            "mailto:",
            "/path",
            "http://a b/",
            "https://exa%mple.com",
            "",
        ] {
            let issue = Url.parse(&Json::from(text), &Column::default()).expect_err(text);
            assert_eq!(
                (issue.code, issue.message.as_str()),
                (Code::Format, "Invalid url format"),
                "{text}"
            );
        }
    }

    #[test]
    fn links_are_kept_as_they_were_written() {
        for text in [
            "http://localhost:3000",
            "https://例え.jp/パス",
            "tel:+14155552671",
            "ftp://ftp.example.com/a",
            "http://[::1]/",
        ] {
            assert_eq!(
                Url.parse(&Json::from(text), &Column::default()),
                Ok(Value::text(text)),
                "{text}"
            );
        }
    }
}
