//! Where a sealed value belongs: the coordinates that are bound into its key and its tag. It names no cipher and checks no right.
//!
//! A ciphertext opens only under the very context it was sealed under, so a copy of it in another vault, table, record,
//! column, version or role is worthless.

/// What kind of thing a sealed value is part of. The codes are kept in every ciphertext's key: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A secret of the vault; the record is its id.
    Secret = 1,
    /// A cell of an encrypted column; table, record and column say which.
    Cell = 2,
    /// A key of the vault itself, as a root key or the master key keeps it; the record is its number or id.
    Key = 3,
    /// A setting of the vault; the record is its name.
    Setting = 4,
}

impl Kind {
    /// All kinds, for tests that go through them.
    pub const ALL: [Kind; 4] = [Kind::Secret, Kind::Cell, Kind::Key, Kind::Setting];
}

/// What a sealed value is for. The codes are kept in every ciphertext's key: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// The value itself.
    Value = 1,
    /// The key of a value, locked by the server: the outer lock.
    OuterLock = 2,
    /// The key of a value, locked by a password: the inner lock.
    InnerLock = 3,
    /// The copy of a token that allows listing and hashing anew.
    Token = 4,
    /// Metadata that is kept sealed.
    Metadata = 5,
    /// A key of the vault: the master under a root key, a data key under the master.
    Key = 6,
}

impl Purpose {
    /// All purposes, for tests that go through them.
    pub const ALL: [Purpose; 6] = [
        Purpose::Value,
        Purpose::OuterLock,
        Purpose::InnerLock,
        Purpose::Token,
        Purpose::Metadata,
        Purpose::Key,
    ];
}

/// The coordinates of one sealed value. All of them have to be said: there is no default to forget one by.
///
/// What a thing does not have is the empty slice, which no record, table or column is named.
///
/// ```
/// use chancery_vault::context::{Context, Kind, Purpose};
/// let value = Context {
///     vault: [7; 16],
///     kind: Kind::Secret,
///     table: b"",
///     record: &[1; 16],
///     column: b"",
///     version: 1,
///     purpose: Purpose::Value,
///     schema: 1,
/// };
/// let metadata = Context { purpose: Purpose::Metadata, ..value };
/// assert_ne!(value.encode(), metadata.encode());
/// ```
///
/// A context with a part left out does not compile:
/// ```compile_fail
/// use chancery_vault::context::{Context, Kind, Purpose};
/// let context = Context { vault: [7; 16], kind: Kind::Secret, record: &[1; 16], purpose: Purpose::Value };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context<'a> {
    /// The vault: 16 bytes drawn when it was made.
    pub vault: [u8; 16],
    /// What kind of thing.
    pub kind: Kind,
    /// The table of a cell; empty for everything else.
    pub table: &'a [u8],
    /// The record, secret, key or setting.
    pub record: &'a [u8],
    /// The column of a cell; empty for everything else.
    pub column: &'a [u8],
    /// The version of a secret, or the generation of an encrypted column.
    pub version: u64,
    /// The role of this ciphertext beside others of the same record.
    pub purpose: Purpose,
    /// Which form the plaintext has, as its owner counts forms.
    pub schema: u32,
}

impl<'a> Context<'a> {
    /// The same place in another role.
    pub fn with_purpose(self, purpose: Purpose) -> Context<'a> {
        Context { purpose, ..self }
    }

    /// The bytes that are bound: no two contexts have the same.
    ///
    /// The parts of a fixed size come first, at fixed places; then table, record and column, each after its length in
    /// eight bytes. All numbers are big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let parts = [self.table, self.record, self.column];
        let mut bytes = Vec::with_capacity(54 + parts.iter().map(|part| part.len()).sum::<usize>());
        bytes.extend_from_slice(&self.vault);
        bytes.push(self.kind as u8);
        bytes.push(self.purpose as u8);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&self.schema.to_be_bytes());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PLACE: Context<'static> = Context {
        vault: [1; 16],
        kind: Kind::Cell,
        table: b"people",
        record: b"r1",
        column: b"iban",
        version: 3,
        purpose: Purpose::Value,
        schema: 1,
    };

    #[test]
    fn bytes_moved_from_one_part_to_the_next_make_another_context() {
        let moved = [
            (&b""[..], &b"abc"[..], &b""[..]),
            (b"a", b"bc", b""),
            (b"ab", b"c", b""),
            (b"a", b"b", b"c"),
            (b"", b"", b"abc"),
        ];
        let encoded: HashSet<Vec<u8>> = moved
            .iter()
            .map(|&(table, record, column)| {
                Context {
                    table,
                    record,
                    column,
                    ..PLACE
                }
                .encode()
            })
            .collect();
        assert_eq!(encoded.len(), moved.len());
    }

    #[test]
    fn the_codes_of_kinds_and_purposes_are_fixed() {
        assert_eq!(Kind::ALL.map(|kind| kind as u8), [1, 2, 3, 4]);
        assert_eq!(Purpose::ALL.map(|purpose| purpose as u8), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_encoding_is_the_one_described() {
        let mut expected = vec![1; 16];
        expected.extend_from_slice(&[2, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
        for part in [&b"people"[..], b"r1", b"iban"] {
            expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, part.len() as u8]);
            expected.extend_from_slice(part);
        }
        assert_eq!(PLACE.encode(), expected);
    }
}
