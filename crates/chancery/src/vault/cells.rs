//! Cells of encrypted columns: how the store has them sealed, and how those who may see them have them opened. Every column has a
//! key of its own, from the data key that its definition names.
//!
//! A cell belongs to its table, column and record, and opens nowhere else. Cells of an indexed column belong to table and column
//! only, since equal values have to have equal cells (ADR 0028).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chancery_model::encryption::{self, Cells, Unsealable, parts};
use chancery_model::{Column, Issue, Json, Key, Table, Value};
use chancery_vault::context::{Context, Kind, Purpose};
use chancery_vault::credentials::{Secret, SecretBytes};
use chancery_vault::sealing::{self, ColumnKey, IndexKey};

use super::audit::Event;
use super::error::VaultError;
use super::keyring::{Keyring, SCHEMA};
use super::{Vault, VaultOp, issue};
use crate::handle::TableHandle;
use crate::records::{IntoKey, no_record};

/// How the audit names a cell: this, and table, record and column.
pub(super) const CELL: &str = "cell:";
/// The generation of the keys of columns and indexes; a data key of its own does what another one would.
const GENERATION: u64 = 1;
/// The name of a column's only index.
const INDEX: &[u8] = b"equal";
/// A plaintext is as long as a multiple of this, so that its length tells little.
const PAD_BYTES: usize = 16;
/// Room for most values, so that nothing is left behind where a vector grows.
const PLAIN_BYTES: usize = 512;

/// Seals cells with the keys of a vault, while it is unsealed.
pub(crate) struct CellKeys(pub(super) Arc<ArcSwapOption<Keyring>>);

/// The keys of one column.
struct ColumnKeys {
    vault: [u8; 16],
    column: ColumnKey,
    /// If it is indexed.
    index: Option<IndexKey>,
}

impl Keyring {
    fn column(&self, table: &Table, column: &Column) -> Result<ColumnKeys, Unsealable> {
        let encryption = column.encrypted.as_ref().ok_or(Unsealable::UnknownKey)?;
        let key = self.key(encryption.kid).map_err(|_| Unsealable::UnknownKey)?;
        let (table, column) = (table.id.as_bytes(), column.id.as_bytes());
        Ok(ColumnKeys {
            vault: self.id,
            column: key.column_key(table, column, GENERATION),
            index: encryption
                .indexed
                .then(|| key.index_key(table, column, INDEX, GENERATION)),
        })
    }
}

impl ColumnKeys {
    fn seal(
        &self,
        (table, column): (&Table, &Column),
        key: Option<&Key>,
        value: &Value,
    ) -> Result<Value, Unsealable> {
        let plain = padded(column, value);
        let sealed = match (&self.index, key) {
            (Some(index), _) => {
                let place = self.place(table, column, "");
                self.column.seal_alike(&place, plain.expose(), index)
            }
            (None, Some(key)) => {
                let record = key.to_string();
                self.column
                    .seal(&self.place(table, column, &record), plain.expose())
            }
            (None, None) => return Err(Unsealable::UnknownKey),
        };
        let sealed = sealed.map_err(|_| Unsealable::TooLong)?;
        let encryption = column.encrypted.as_ref();
        let mask = encryption.and_then(|encryption| {
            let text = Secret::new(column.field().export(value, column));
            encryption.mask.of(text.expose())
        });
        Ok(encryption::cell(sealing::to_text(&sealed), mask.as_deref()))
    }

    /// What was sealed, padded; a cell whose mask was altered does not open.
    fn open(
        &self,
        (table, column): (&Table, &Column),
        key: &Key,
        cell: &str,
    ) -> Result<(Value, Json), Unsealable> {
        let sealed = sealing::from_text(parts(cell).0).map_err(|_| Unsealable::Damaged)?;
        let record = match self.index {
            Some(_) => String::new(),
            None => key.to_string(),
        };
        let opened = self.column.open(&self.place(table, column, &record), &sealed);
        let opened = opened.map_err(|_| Unsealable::Damaged)?;
        let json: Json = serde_json::from_slice(opened.expose()).map_err(|_| Unsealable::Damaged)?;
        let value = column
            .field()
            .parse(&json, column)
            .map_err(|_| Unsealable::Damaged)?;
        let mask = column
            .encrypted
            .as_ref()
            .and_then(|encryption| encryption.mask.of(&column.field().export(&value, column)));
        let told = cell.split_once(' ').map(|(_, mask)| mask);
        match told == mask.as_deref() {
            true => Ok((value, json)),
            false => Err(Unsealable::Damaged),
        }
    }

    fn place<'a>(&self, table: &'a Table, column: &'a Column, record: &'a str) -> Context<'a> {
        Context {
            vault: self.vault,
            kind: Kind::Cell,
            table: table.id.as_bytes(),
            record: record.as_bytes(),
            column: column.id.as_bytes(),
            version: GENERATION,
            purpose: Purpose::Value,
            schema: SCHEMA,
        }
    }
}

/// The one form of a value, with blanks behind it.
fn padded(column: &Column, value: &Value) -> SecretBytes {
    let mut plain = Vec::with_capacity(PLAIN_BYTES);
    column.field().write_json(value, column, &mut plain);
    let length = plain.len().next_multiple_of(PAD_BYTES);
    plain.resize(length, b' ');
    SecretBytes::new(plain)
}

impl Cells for CellKeys {
    fn newest_kid(&self) -> Option<u32> {
        let keyring = self.0.load();
        keyring
            .as_ref()
            .and_then(|keyring| Some(keyring.active().ok()?.kid()))
    }

    fn seal(
        &self,
        table: &Table,
        column: &Column,
        key: Option<&Key>,
        value: &Value,
    ) -> Result<Value, Unsealable> {
        let keyring = self.0.load();
        let keyring = keyring.as_ref().ok_or(Unsealable::Sealed)?;
        keyring.column(table, column)?.seal((table, column), key, value)
    }

    fn moved(
        &self,
        table: &Table,
        column: &Column,
        (from, to): (&Key, &Key),
        cell: &str,
    ) -> Result<Value, Unsealable> {
        let keyring = self.0.load();
        let keyring = keyring.as_ref().ok_or(Unsealable::Sealed)?;
        let keys = keyring.column(table, column)?;
        let (value, _) = keys.open((table, column), from, cell)?;
        keys.seal((table, column), Some(to), &value)
    }

    fn converted(
        &self,
        table: &Table,
        (from, to): (&Column, &Column),
        key: &Key,
        value: &Value,
    ) -> Result<Value, Unsealable> {
        let keyring = self.0.load();
        let keyring = keyring.as_ref().ok_or(Unsealable::Sealed)?;
        let plain = match (&from.encrypted, value) {
            (None, value) => value.clone(),
            (Some(_), Value::Text(cell)) => {
                let keys = keyring.column(table, from)?;
                keys.open((table, from), key, cell)?.0
            }
            (Some(_), _) => return Err(Unsealable::Damaged),
        };
        match &to.encrypted {
            None => Ok(plain),
            Some(_) => keyring.column(table, to)?.seal((table, to), Some(key), &plain),
        }
    }

    fn holds(&self, table: &Table, column: &Column, key: &Key, cell: &str, value: &Value) -> bool {
        let keyring = self.0.load();
        let keys = keyring
            .as_ref()
            .and_then(|keyring| keyring.column(table, column).ok());
        let opened = keys.and_then(|keys| keys.open((table, column), key, cell).ok());
        opened.is_some_and(|(held, _)| held == *value)
    }
}

impl Vault {
    /// The values of encrypted columns of a record, each as JSON after its slug, in the order asked for; null stays null. Every
    /// one of them is written down in the audit, under `cell:TABLE/RECORD/COLUMN`, before it is given.
    ///
    /// # Errors
    /// [`VaultError::Sealed`]; [`VaultError::Invalid`] for a column that is not there or not encrypted, and for none at all;
    /// [`VaultError::DecryptionFailed`] for a cell that was altered or put there from elsewhere; [`VaultError::Store`].
    pub async fn reveal_cells(
        &self,
        table: &TableHandle,
        key: impl IntoKey,
        columns: &[&str],
    ) -> Result<Vec<(String, Json)>, VaultError> {
        let definition = table.definition()?;
        check_columns(&definition, columns)?;
        let text = key.text();
        let key = key
            .to_key(&definition)
            .ok_or_else(|| no_record(&definition, &text))?;
        let record = table
            .get(&key)
            .await?
            .ok_or_else(|| no_record(&definition, &text))?;
        let definition = record.table().clone();
        let named = columns.iter().filter_map(|slug| definition.column(slug));
        let named: Vec<&Column> = named.collect();
        let keyring = self.refreshed().await?;
        let mut values = Vec::with_capacity(named.len());
        for column in &named {
            let value = match record.row().value(column.ordinal) {
                Value::Text(cell) => {
                    let keys = keyring.column(&definition, column);
                    keys.and_then(|keys| Ok(keys.open((&definition, column), &key, cell)?.1))
                }
                _ => Ok(Json::Null),
            };
            let error = VaultError::DecryptionFailed {
                what: "a cell of an encrypted column",
            };
            values.push((column.slug.clone(), value.map_err(|_| error)));
        }
        let outcome = match values.iter().find_map(|(_, value)| value.as_ref().err()) {
            None => "ok",
            Some(error) => error.code(),
        };
        self.operate(Event::new(VaultOp::Reveal), async |step| {
            for column in &named {
                let cell = format!("{CELL}{}/{key}/{}", definition.id, column.id);
                let event = Event {
                    secret: Some(cell),
                    ..Event::new(VaultOp::Reveal)
                };
                step.note(event, outcome).await?;
            }
            Ok(())
        })
        .await?;
        let given = values.into_iter().map(|(slug, value)| Ok((slug, value?)));
        given.collect()
    }
}

/// Whether columns can be revealed; all that cannot are named.
fn check_columns(table: &Table, columns: &[&str]) -> Result<(), VaultError> {
    let mut issues: Vec<Issue> = Vec::new();
    if columns.is_empty() {
        issues.push(issue("columns", "Name at least one encrypted column"));
    }
    for slug in columns {
        match table.column(slug) {
            Some(column) if column.encrypted.is_some() => {}
            Some(_) => issues.push(issue("columns", format!("Column \"{slug}\" is not encrypted"))),
            None => issues.push(chancery_model::query::unknown_column(table, slug)),
        }
    }
    match issues.is_empty() {
        true => Ok(()),
        false => Err(VaultError::Invalid(issues)),
    }
}
