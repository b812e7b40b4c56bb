//! `file`: one file that is kept with the records, by id. Whether there is such a file is not decided here; whether one fits is.

use super::links::{Holds, Links};
use super::{Category, media};
use crate::column::Column;
use crate::{Code, Issue, Json, limits};

/// One file.
pub const FILE: Links = Links {
    id: "file",
    name: "File",
    category: Category::Advanced,
    icon: "paperclip",
    description: "A file that is kept with the records",
    holds: Holds::One,
    takes_default: false,
    config_schema,
    check_config,
    example_config: Default::default,
};

/// What decides whether a file fits a column.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts<'a> {
    /// What it is called.
    pub name: &'a str,
    /// What its bytes are.
    pub media_type: &'a str,
    /// Its size.
    pub bytes: u64,
}

/// Whether a file fits what a column takes.
///
/// # Errors
/// An issue that says what the column takes.
pub fn fits(column: &Column, file: FileFacts<'_>) -> Result<(), Issue> {
    let max = column.config_u64("maxSize", 0);
    if max > 0 && file.bytes > max {
        let message = format!(
            "\"{}\" has {} bytes; the column takes at most {max}",
            file.name, file.bytes
        );
        return Err(Issue::new(&column.slug, Code::Limit, message)
            .with("maxSize", max)
            .with("size", file.bytes));
    }
    let accepted = accepted(column);
    if accepted.is_empty() || accepted.iter().any(|one| accepts(one, file)) {
        return Ok(());
    }
    let message = format!(
        "\"{}\" is {}; the column takes {}",
        file.name,
        file.media_type,
        accepted.join(", ")
    );
    Err(Issue::new(&column.slug, Code::Format, message)
        .with("accept", accepted.join(", "))
        .with("type", file.media_type))
}

/// What a column takes, one by one.
fn accepted(column: &Column) -> Vec<&str> {
    let said = column.config_str("accept").unwrap_or_default().split(',');
    said.map(str::trim).filter(|one| !one.is_empty()).collect()
}

fn accepts(one: &str, file: FileFacts<'_>) -> bool {
    if let Some(ending) = one.strip_prefix('.') {
        let named = media::ending(file.name).is_some_and(|had| had.eq_ignore_ascii_case(ending));
        // A name may say what it likes, as long as the bytes do not say otherwise.
        return named && media::by_name(file.name).is_none_or(|said| said == file.media_type);
    }
    match one.split_once('/') {
        Some((family, "*")) => file
            .media_type
            .split_once('/')
            .is_some_and(|(had, _)| had.eq_ignore_ascii_case(family)),
        _ => one.eq_ignore_ascii_case(file.media_type),
    }
}

fn config_schema() -> Json {
    serde_json::json!({
        "type": "object",
        "properties": {
            "maxSize": {
                "type": "integer", "minimum": 0, "default": 0, "title": "Largest file",
                "description": "In bytes; 0 for whatever the store takes"
            },
            "accept": {
                "type": "string", "default": "", "title": "Kinds of files",
                "description": "Media types and endings, as in image/*, application/pdf, .csv; anything if empty"
            }
        },
        "additionalProperties": false
    })
}

/// The schema of the settings of columns that hold several.
pub(super) fn several_schema() -> Json {
    let mut schema = config_schema();
    schema["properties"]["maxFiles"] = serde_json::json!({
        "type": "integer", "minimum": 1, "maximum": limits::LINKS_MAX, "default": limits::LINKS_MAX, "title": "Most files",
        "description": "How many one record may have"
    });
    schema
}

pub(super) fn check_config(column: &Column) -> Result<(), Issue> {
    let odd = accepted(column).into_iter().find(|one| !is_kind(one));
    match odd {
        None => Ok(()),
        Some(odd) => {
            let message = format!(
                "\"{odd}\" is neither a media type (image/png, image/*) nor the ending of a name (.pdf)"
            );
            Err(Issue::new("config.accept", Code::Definition, message))
        }
    }
}

fn is_kind(text: &str) -> bool {
    let word = |word: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
        !word.is_empty() && word.chars().all(fits)
    };
    match (text.strip_prefix('.'), text.split_once('/')) {
        (Some(ending), _) => word(ending) && !ending.starts_with('.'),
        (None, Some((family, kind))) => word(family) && (kind == "*" || word(kind)),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(accept: &str, max: u64) -> Column {
        let config = serde_json::json!({"accept": accept, "maxSize": max});
        Column {
            field_type: "file".into(),
            slug: "photo".into(),
            config: config.as_object().cloned().unwrap_or_default(),
            ..Column::default()
        }
    }

    #[test]
    fn what_a_file_is_called_does_not_make_it_fit() {
        let check = |accept: &str, name: &str, media_type: &str, expected: bool| {
            let facts = FileFacts {
                name,
                media_type,
                bytes: 10,
            };
            let found = fits(&column(accept, 0), facts).is_ok();
            assert_eq!(found, expected, "{accept}: {name} is {media_type}");
        };
        check("", "a", "application/octet-stream", true);
        check("image/*", "a.png", "image/png", true);
        check("image/*", "a.png", "application/pdf", false);
        check("image/png", "a.bin", "IMAGE/PNG", true);
        check("image/png, .pdf", "a.PDF", "application/pdf", true);
        check(".png", "a.png", "application/octet-stream", false);
        check(".png", "a.jpg", "image/png", false);
        check(".own", "a.own", "application/octet-stream", true);
        check("text/csv", "a.csv", "text/csv", true);
    }

    #[test]
    fn a_file_may_be_as_large_as_the_column_says() {
        let facts = |bytes| FileFacts {
            name: "a",
            media_type: "text/plain",
            bytes,
        };
        assert_eq!(fits(&column("", 10), facts(10)), Ok(()));
        let issue = fits(&column("", 10), facts(11)).expect_err("too large");
        assert_eq!(
            (issue.code, &*issue.message),
            (Code::Limit, "\"a\" has 11 bytes; the column takes at most 10")
        );
    }

    #[test]
    fn what_is_accepted_is_written_as_people_know_it() {
        for good in ["", "image/*", "image/png,.pdf , application/vnd.ms-excel", "."] {
            let fits = check_config(&column(good, 0)).is_ok();
            assert_eq!(fits, good != ".", "{good}");
        }
        for odd in ["png", "image/", "*.png", "image/*/x", ".."] {
            assert!(check_config(&column(odd, 0)).is_err(), "{odd}");
        }
    }
}
