//! Text that is only carried and must not be seen: a value, a token, a password. It is wiped when it is dropped, prints nothing,
//! and an error about something else in its place does not repeat that.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Text that must not be seen.
///
/// ```
/// use chancery_api::concealed::Concealed;
/// let text: Concealed = serde_json::from_str("\"hunter2\"").unwrap();
/// assert_eq!((text.expose(), format!("{text:?}").as_str()), ("hunter2", "Concealed(…)"));
/// let refused = serde_json::from_str::<Concealed>("1234").unwrap_err();
/// assert!(!refused.to_string().contains("1234"));
/// ```
#[derive(Clone, Default, Serialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Concealed(String);

impl Concealed {
    /// Takes over text.
    pub fn new(text: impl Into<String>) -> Concealed {
        Concealed(text.into())
    }

    /// The text itself. Every call is a place to look at when secrets leak.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hands the text over, without a copy.
    pub fn take(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl fmt::Debug for Concealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Concealed(…)")
    }
}

impl<'de> Deserialize<'de> for Concealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Concealed, D::Error> {
        // Not `deserialize_string`: then a reader of JSON refuses a number by itself, and repeats it.
        deserializer.deserialize_any(TextOnly).map(Concealed)
    }
}

struct TextOnly;

/// Refuses what is no text, list or map of it, by what was expected alone.
macro_rules! without_repeating {
    ($expected:literal: $($method:ident($type:ty))*) => {
        $(
            fn $method<E: Error>(self, _: $type) -> Result<Self::Value, E> {
                Err(no($expected))
            }
        )*
    };
}

fn no<E: Error>(expected: &str) -> E {
    E::custom(format_args!("invalid type: expected {expected}"))
}

impl<'de> Visitor<'de> for TextOnly {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    without_repeating! {
        "a string": visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64)
        visit_bytes(&[u8])
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(no("a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<String, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Err(no("a string"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<String, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(no("a string"))
    }
}

/// Reads a list of texts that must not be seen. One that stands there alone is not repeated either.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Concealed>, D::Error> {
    deserializer.deserialize_any(ListOnly)
}

/// As [`list`], or nothing from `null`.
pub(crate) fn list_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Concealed>>, D::Error> {
    struct OrNull;
    impl<'de> Visitor<'de> for OrNull {
        type Value = Option<Vec<Concealed>>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            list(deserializer).map(Some)
        }
    }
    deserializer.deserialize_option(OrNull)
}

/// Reads texts that must not be seen, under names. What stands in the place of all of them is not repeated.
pub(crate) fn map<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Concealed>, D::Error> {
    deserializer.deserialize_any(MapOnly)
}

struct ListOnly;

impl<'de> Visitor<'de> for ListOnly {
    type Value = Vec<Concealed>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    without_repeating! {
        "a list": visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64)
        visit_bytes(&[u8]) visit_str(&str)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(no("a list"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(no("a list"))
    }
}

/// The name under which `serde_json` hands over such a number.
const NUMBER: &str = "$serde_json::private::Number";

struct MapOnly;

impl<'de> Visitor<'de> for MapOnly {
    type Value = BTreeMap<String, Concealed>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    without_repeating! {
        "an object": visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64)
        visit_bytes(&[u8]) visit_str(&str)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(no("an object"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Err(no("an object"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let map: BTreeMap<String, Concealed> = Deserialize::deserialize(MapAccessDeserializer::new(members))?;
        // What a reader of JSON makes of a number that keeps all its digits looks like a map of one name.
        match map.contains_key(NUMBER) {
            true => Err(no("an object")),
            false => Ok(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_its_place_is_not_repeated() {
        for json in [
            "4711",
            "-4711",
            "4711.5",
            "[\"4711\"]",
            "{\"4711\": 4711}",
            "true",
            "null",
        ] {
            let error = serde_json::from_str::<Concealed>(json).unwrap_err().to_string();
            assert!(
                error.contains("expected a string") && !error.contains("4711"),
                "{error}"
            );
        }
    }

    #[test]
    fn whatever_stands_in_the_place_of_several_is_not_repeated() {
        use crate::vault::{SecretQuery, SecretReadMany, SecretResolve};
        fn check<T: serde::de::DeserializeOwned>(member: &str, expected: &str, places: &[&str]) {
            for json in places {
                let body = format!("{{\"{member}\": {json}}}");
                let error = match serde_json::from_str::<T>(&body) {
                    Ok(_) => panic!("{body} is taken"),
                    Err(error) => error.to_string(),
                };
                assert!(error.contains(expected) && !error.contains("4711"), "{error}");
            }
        }
        let lists = ["4711", "-4711.5", "\"4711\"", "{\"4711\": \"4711\"}", "true"];
        check::<SecretReadMany>("tokens", "expected a list", &lists);
        check::<SecretReadMany>("tokens", "expected a list", &["null"]);
        check::<SecretReadMany>("tokens", "expected a string", &["[4711]", "[[\"4711\"]]"]);
        check::<SecretQuery>("tokens", "expected a list", &lists);
        let maps = ["4711", "4711.5", "\"4711\"", "[\"4711\"]", "true", "null"];
        check::<SecretResolve>("map", "expected an object", &maps);
        check::<SecretResolve>("map", "expected a string", &["{\"a\": 4711}"]);
        let none: SecretQuery = serde_json::from_str("{\"tokens\": null}").unwrap();
        assert!(none.tokens.is_none());
    }
}
