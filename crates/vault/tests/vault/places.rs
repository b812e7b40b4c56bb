//! Places to seal for: one of a secret, one of a cell, and all that differ from one in a coordinate. Seals nothing.

use chancery_vault::context::{Context, Kind, Purpose};

/// The value of a secret.
pub(crate) const SECRET: Context<'static> = Context {
    vault: [7; 16],
    kind: Kind::Secret,
    table: b"",
    record: &[1; 16],
    column: b"",
    version: 1,
    purpose: Purpose::Value,
    schema: 1,
};

/// A cell.
pub(crate) const CELL: Context<'static> = Context {
    vault: [7; 16],
    kind: Kind::Cell,
    table: b"people",
    record: b"r1",
    column: b"iban",
    version: 2,
    purpose: Purpose::Value,
    schema: 1,
};

/// Every place that differs from `from` in one coordinate, and some that differ by a byte moved to the next one.
pub(crate) fn moved(from: Context<'static>) -> Vec<Context<'static>> {
    let mut vault = from.vault;
    vault[15] ^= 1;
    let mut places = vec![
        Context { vault, ..from },
        Context {
            table: b"peopl",
            ..from
        },
        Context {
            record: b"r2",
            ..from
        },
        Context { record: b"", ..from },
        Context {
            column: b"iban2",
            ..from
        },
        Context {
            version: from.version + 1,
            ..from
        },
        Context { version: 0, ..from },
        Context {
            version: u64::MAX,
            ..from
        },
        Context {
            schema: from.schema + 1,
            ..from
        },
        Context {
            table: b"peopler",
            record: b"1",
            ..from
        },
        Context {
            record: b"r",
            column: b"1iban",
            ..from
        },
        Context {
            table: from.column,
            column: from.table,
            record: b"r3",
            ..from
        },
    ];
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != from.kind);
    places.extend(kinds.map(|kind| Context { kind, ..from }));
    let purposes = Purpose::ALL
        .into_iter()
        .filter(|purpose| *purpose != from.purpose);
    places.extend(purposes.map(|purpose| Context { purpose, ..from }));
    places
}
