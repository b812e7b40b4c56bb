//! Reading members exactly: `null` is not absent, and a list is not an object. Knows nothing of what is read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a member that is there: `null` becomes `Some(None)` (clear it), a value `Some(Some(value))`. With
/// `#[serde(default)]` an absent member stays `None` (keep what is stored).
pub(crate) fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Reads a structure, or nothing from `null`, from an object only: serde would also take a list of its values in the order
/// of the names.
pub(crate) fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ObjectOnly(PhantomData))
}

struct ObjectOnly<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOnly<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use crate::tables::TableCreate;

    #[test]
    fn a_list_is_no_object() {
        let read = |settings: &str| {
            serde_json::from_str::<TableCreate>(&format!("{{\"name\": \"a\", \"settings\": {settings}}}"))
                .map(|table| table.settings.is_some())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("null"), Ok(false));
        assert_eq!(read("{\"strict\": true}"), Ok(true));
        let refused = read("[null, null]").unwrap_err();
        assert!(
            refused.starts_with("invalid type: sequence, expected an object"),
            "{refused}"
        );
    }
}
