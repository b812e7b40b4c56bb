//! One report that a value breaks a constraint. All issues of an input are collected; none hides another.

use serde::{Deserialize, Serialize};

use crate::{Json, JsonMap};

/// What kind of constraint was broken. The wire name is the variant in camel case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Code {
    /// A required value is absent.
    Required,
    /// The value is of another type.
    Type,
    /// The value is none of those allowed.
    Enum,
    /// Shorter than allowed.
    MinLength,
    /// Longer than allowed.
    MaxLength,
    /// Does not match the column's pattern.
    Pattern,
    /// Not of the column's format (e-mail, URL, date …).
    Format,
    /// Below the smallest allowed number.
    Min,
    /// Above the largest allowed number.
    Max,
    /// More decimals than the column keeps.
    Precision,
    /// Another record has this value already.
    Unique,
    /// The referenced record does not exist.
    Reference,
    /// The value is kept by the store and cannot be written.
    ReadOnly,
    /// The table has no such column.
    UnknownColumn,
    /// The operator does not fit the column's type, or does not exist.
    Operator,
    /// A limit is exceeded.
    Limit,
    /// The definition of a table or column makes no sense.
    Definition,
    /// The record is at another version than expected.
    Version,
    /// No record has this key.
    NotFound,
    /// Whoever asks may not do it.
    Forbidden,
    /// A record with this key exists already.
    KeyTaken,
    /// More than one record matches where one was expected.
    Ambiguous,
    /// A row of a file cannot be read.
    Malformed,
    /// The column is encrypted, and what is asked for needs the vault, or cannot be done with encrypted values.
    Encrypted,
    /// The column is encrypted and the vault is sealed.
    Sealed,
    /// The rule of a validator supplied by the embedding program.
    Custom,
}

impl Code {
    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Required => "required",
            Code::Type => "type",
            Code::Enum => "enum",
            Code::MinLength => "minLength",
            Code::MaxLength => "maxLength",
            Code::Pattern => "pattern",
            Code::Format => "format",
            Code::Min => "min",
            Code::Max => "max",
            Code::Precision => "precision",
            Code::Unique => "unique",
            Code::Reference => "reference",
            Code::ReadOnly => "readOnly",
            Code::UnknownColumn => "unknownColumn",
            Code::Operator => "operator",
            Code::Limit => "limit",
            Code::Definition => "definition",
            Code::Version => "version",
            Code::NotFound => "notFound",
            Code::Forbidden => "forbidden",
            Code::KeyTaken => "keyTaken",
            Code::Ambiguous => "ambiguous",
            Code::Malformed => "malformed",
            Code::Encrypted => "encrypted",
            Code::Sealed => "sealed",
            Code::Custom => "custom",
        }
    }
}

/// One broken constraint: where (`field`), what kind (`code`), and what is wrong (`message`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// The column's slug, or a path into it: `address.street`, `items[0].sku`.
    pub field: String,
    /// The kind of constraint.
    pub code: Code,
    /// What is wrong, for a person.
    pub message: String,
    /// The numbers and names in the message, for a program.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub params: JsonMap,
}

impl Issue {
    /// An issue without parameters.
    pub fn new(field: impl Into<String>, code: Code, message: impl Into<String>) -> Issue {
        Issue {
            field: field.into(),
            code,
            message: message.into(),
            params: JsonMap::new(),
        }
    }

    /// Adds one parameter.
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Issue {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// `Expected type "string", got number`.
    pub fn wrong_type(field: &str, declared: &str, got: &Json) -> Issue {
        let message = format!("Expected type \"{declared}\", got {}", type_name(got));
        Issue::new(field, Code::Type, message).with("expected", declared)
    }
}

/// The name of a JSON value's type as messages say it.
pub fn type_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// The nearest of `names` to what was written, if one is near enough to be what was meant.
pub fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(written.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `No column "titel" (did you mean "title"?)`: one wording for every name that does not exist.
pub fn unknown_name<'a>(what: &str, written: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match did_you_mean(written, names) {
        Some(near) => format!("No {what} \"{written}\" (did you mean \"{near}\"?)"),
        None => format!("No {what} \"{written}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("titel", ["title", "status"]), Some("title"));
        assert_eq!(did_you_mean("banana", ["title", "status"]), None);
    }
}
