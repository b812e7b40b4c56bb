//! Data given on a command line: JSON, a file, stdin, or pairs. Checks no values: the store does.

use std::io::Read;

use chancery_api::JsonMap;
use chancery_api::tables::Table;
use serde_json::Value as Json;

use crate::failure::Failure;

/// Largest record read from a file or stdin, in bytes (64 MiB).
const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A record's data: one JSON object, `@FILE`, `-` for stdin, or `column=value` pairs.
pub(crate) fn record(args: &[String], table: &Table) -> Result<JsonMap, Failure> {
    match args {
        [] => Err(Failure::new("no data given")
            .hint("write title='Write documentation' priority=3, '{\"title\": …}', @FILE or - for stdin")),
        [one] if one.trim_start().starts_with('{') => {
            let data = object(one, "the argument")?;
            data.keys().try_for_each(|name| refuse_secret(name, table))?;
            Ok(data)
        }
        [one] if one == "-" => object(&read(std::io::stdin(), "stdin")?, "stdin"),
        [one] if one.starts_with('@') => {
            let path = &one[1..];
            let file = std::fs::File::open(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
            object(&read(file, path)?, path)
        }
        pairs => pairs.iter().map(|text| pair(text, table)).collect(),
    }
}

fn read(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    from.take(RECORD_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("{name}: {error}")))?;
    if text.len() as u64 > RECORD_BYTES_MAX {
        return Err(Failure::new(format!(
            "{name}: a record has at most {RECORD_BYTES_MAX} bytes"
        )));
    }
    Ok(text)
}

fn object(text: &str, name: &str) -> Result<JsonMap, Failure> {
    let value: Json =
        serde_json::from_str(text).map_err(|error| Failure::new(format!("{name} is no JSON: {error}")))?;
    match value {
        Json::Object(members) => Ok(members),
        _ => Err(Failure::new(format!("{name} holds no JSON object")).hint("write {\"column\": value, …}")),
    }
}

/// `column=text`, or `column:=JSON` for what must not be guessed.
fn pair(text: &str, table: &Table) -> Result<(String, Json), Failure> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Failure::new(format!("\"{text}\" is no pair"))
            .hint("write column=value, or column:=JSON for a JSON value")
    })?;
    refuse_secret(name.trim_end_matches(':'), table)?;
    if let Some(name) = name.strip_suffix(':') {
        let value = serde_json::from_str(value)
            .map_err(|error| Failure::new(format!("{name}: {value} is no JSON: {error}")))?;
        return Ok((name.to_owned(), value));
    }
    let column = table.columns.iter().flatten().find(|column| column.slug == name);
    Ok((
        name.to_owned(),
        typed(value, column.map_or("text", |column| column.field_type.as_str())),
    ))
}

/// What is encrypted does not stand on a command line, where the list of processes and the shell's history show it.
fn refuse_secret(name: &str, table: &Table) -> Result<(), Failure> {
    let encrypted =
        |column: &&chancery_api::columns::Column| column.slug == name && column.encrypted.is_some();
    match table.columns.iter().flatten().find(encrypted) {
        Some(_) => Err(Failure::new(format!(
            "column \"{name}\" is encrypted, so its values are not taken from the command line"
        ))
        .hint("give the record as JSON on stdin (write - for the data), or in a file (@FILE)")),
        None => Ok(()),
    }
}

/// A text as the JSON that a column of this type takes; what does not fit stays text, and the store says why not.
pub(crate) fn typed(text: &str, field_type: &str) -> Json {
    if text.is_empty() {
        return Json::Null;
    }
    let parsed = || serde_json::from_str::<Json>(text).ok();
    let number = || parsed().filter(Json::is_number);
    let read = match field_type {
        "number" | "currency" | "percent" | "rating" | "autoNumber" => number(),
        "duration" => number(),
        "boolean" => match text.to_lowercase().as_str() {
            "true" | "yes" | "1" => Some(Json::Bool(true)),
            "false" | "no" | "0" => Some(Json::Bool(false)),
            _ => None,
        },
        "json" => parsed(),
        "multiSelect" => Some(text.split(',').map(|item| Json::from(item.trim())).collect()),
        _ => None,
    };
    read.unwrap_or_else(|| Json::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_the_column_takes() {
        for (text, field_type, json) in [
            ("00501", "text", r#""00501""#),
            ("00501", "number", r#""00501""#),
            ("3", "number", "3"),
            ("3", "text", r#""3""#),
            ("12.50", "currency", "12.50"),
            ("yes", "boolean", "true"),
            ("a, b", "multiSelect", r#"["a","b"]"#),
            (r#"{"a":1}"#, "json", r#"{"a":1}"#),
            ("", "text", "null"),
        ] {
            assert_eq!(
                typed(text, field_type).to_string(),
                json,
                "{text} as {field_type}"
            );
        }
    }
}
