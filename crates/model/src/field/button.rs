//! `button`: a link that is made of the record's other columns. Runs nothing: a click opens the address.

use super::derived::Derived;
use crate::column::Column;
use crate::define::fill_template;
use crate::{Code, Issue, Json, JsonMap};

/// The id of the type.
pub const ID: &str = "button";

/// A link with a label.
pub const BUTTON: Derived = Derived {
    id: ID,
    name: "Button",
    icon: "mouse-pointer-click",
    description: "A link that is made of the record's other columns",
    config_schema,
    check_config,
    example_config,
};

fn config_schema() -> Json {
    serde_json::json!({
        "type": "object",
        "properties": {
            "label": {"type": "string", "default": "Open", "title": "Label", "description": "What stands on it"},
            "url": {
                "type": "string", "title": "Address",
                "description": "Where it leads; {slug} stands for what people read in that column, {id} for the record's id"
            }
        },
        "required": ["url"],
        "additionalProperties": false
    })
}

fn example_config() -> JsonMap {
    [("url".to_owned(), Json::from("https://example.org/?q={id}"))]
        .into_iter()
        .collect()
}

fn check_config(column: &Column) -> Result<(), Issue> {
    let template = column.config_str("url").unwrap_or_default();
    match address(template, |_| Some("x".to_owned())) {
        Ok(_) => Ok(()),
        Err(message) => Err(Issue::new("config.url", Code::Definition, message)),
    }
}

/// The address of a template, with what `value` says of each name in braces, made safe to stand in an address.
///
/// # Errors
/// What is wrong with the template: a brace that does not end, a name that is not known, or an address that is not safe as a link.
pub fn address(template: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let part = |text: String| -> String {
        let parts = url::form_urlencoded::byte_serialize(text.as_bytes());
        parts.map(|part| part.replace('+', "%20")).collect()
    };
    let out = fill_template(template, |name| value(name).map(part))?;
    let url = url::Url::parse(&out).map_err(|error| format!("\"{out}\" is no address: {error}"))?;
    if matches!(url.scheme(), "http" | "https" | "mailto" | "tel") {
        return Ok(out);
    }
    Err(format!(
        "An address begins with https:, http:, mailto: or tel:, not with {}:",
        url.scheme()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_column_cannot_leave_its_place_in_the_address() {
        let value = |name: &str| (name == "q").then(|| "a&b=/../#\"é".to_owned());
        let made = |template: &str| address(template, value);
        assert_eq!(
            made("https://example.org/?q={q}").as_deref(),
            Ok("https://example.org/?q=a%26b%3D%2F..%2F%23%22%C3%A9")
        );
        assert_eq!(
            made("https://x.org/{nothing}"),
            Err("There is no column \"nothing\"".into())
        );
        assert_eq!(
            made("https://x.org/{q"),
            Err("A brace does not end; write {slug}".into())
        );
        assert!(made("javascript:alert({q})").is_err());
        assert!(made("{q}").is_err());
    }
}
