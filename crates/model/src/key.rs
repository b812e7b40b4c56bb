//! The identity of a record inside its table. It does not make keys: fresh ones come in from outside.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;

/// What a table's keys are; fixed when the table is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyKind {
    /// UUIDs, by default version 7 in the order of their making.
    #[default]
    Uuid,
    /// Whole numbers.
    Int,
    /// Any text of 1 to [`limits::KEY_BYTES_MAX`] bytes.
    Text,
}

/// The key of one record. Inside one table all keys are of the table's [`KeyKind`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Box<str>),
    /// A UUID.
    Uuid(Uuid),
}

impl Key {
    /// Reads a key of the given kind from its text form; `None` if the text is no such key.
    pub fn parse(kind: KeyKind, text: &str) -> Option<Key> {
        match kind {
            KeyKind::Uuid => Uuid::try_parse(text).ok().map(Key::Uuid),
            KeyKind::Int => {
                let int: i64 = text.parse().ok()?;
                (int.to_string() == text).then_some(Key::Int(int))
            }
            KeyKind::Text => {
                let fits = !text.is_empty() && text.len() <= limits::KEY_BYTES_MAX && !text.contains('\0');
                fits.then(|| Key::Text(text.into()))
            }
        }
    }

    /// The kind of this key.
    pub fn kind(&self) -> KeyKind {
        match self {
            Key::Int(_) => KeyKind::Int,
            Key::Text(_) => KeyKind::Text,
            Key::Uuid(_) => KeyKind::Uuid,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Int(int) => int.fmt(f),
            Key::Text(text) => text.fmt(f),
            Key::Uuid(uuid) => uuid.as_hyphenated().fmt(f),
        }
    }
}

impl From<Uuid> for Key {
    fn from(uuid: Uuid) -> Key {
        Key::Uuid(uuid)
    }
}

impl From<i64> for Key {
    fn from(int: i64) -> Key {
        Key::Int(int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_its_text() {
        for (kind, text) in [
            (KeyKind::Int, "-7"),
            (KeyKind::Text, "a b"),
            (KeyKind::Uuid, "0190a2b4-0000-7000-8000-000000000001"),
        ] {
            assert_eq!(
                Key::parse(kind, text).map(|key| key.to_string()).as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(Key::parse(KeyKind::Int, "007"), None);
        assert_eq!(Key::parse(KeyKind::Uuid, "1"), None);
        assert_eq!(Key::parse(KeyKind::Text, ""), None);
    }
}
