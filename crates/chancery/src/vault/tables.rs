//! The tables that the vault is kept in, and their rows. They are in a workspace of their own that nobody reaches by name, and
//! forget what they held (see `docs/adr/0027-the-vault-is-kept-in-tables.md`). No row holds a value, a token or a password in clear.

use std::collections::BTreeMap;

use chancery_model::define::{ColumnInput, TableInput};
use chancery_model::{Json, JsonMap};
use chancery_vault::keys::{MacKeys, MacPurpose};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::Record;
use crate::store::Store;

/// The id of the workspace that the vault's tables are in. It is in no list, so no name leads there.
pub(crate) const VAULT_WORKSPACE: &str = "~vault";

pub(super) const SECRETS: &str = "secrets";
pub(super) const VERSIONS: &str = "versions";
pub(super) const AUDIT: &str = "audit";
pub(super) const SEGMENTS: &str = "segments";
pub(super) const ATTEMPTS: &str = "attempts";

/// What stands before the name of a metadata field where it is kept.
pub(super) const DATA_PREFIX: &str = "data:";

/// What a token stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretKind {
    /// A value that is kept.
    #[default]
    Secret,
    /// A value that is handed over, once.
    Wrap,
}

/// A row of the secrets: everything about one but its value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SecretRow {
    pub(super) id: String,
    pub(super) token_hash: String,
    pub(super) token_sealed: String,
    pub(super) kind: SecretKind,
    pub(super) custom: bool,
    /// The version that is read unless another is asked for.
    pub(super) version: u64,
    /// The number of the setting that the password was set under; none without password.
    pub(super) setting: Option<u32>,
    pub(super) password_hash: Option<String>,
    pub(super) expires_at: Option<i64>,
    pub(super) soft_deleted_at: Option<i64>,
    pub(super) reads_max: Option<u64>,
    pub(super) reads_left: Option<u64>,
    /// When a wrapped secret was taken.
    pub(super) taken_at: Option<i64>,
    /// The secret that a wrapped value was copied from.
    pub(super) origin: Option<String>,
    /// The versions that are kept, each with the row version of the secret that wrote its row last.
    #[serde(with = "numbered")]
    pub(super) versions: BTreeMap<u64, u64>,
    /// Rises with each change.
    pub(super) row_version: u64,
    /// The code of everything above.
    pub(super) mac: String,
    #[serde(skip)]
    pub(super) data: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) created_at: i64,
    #[serde(skip)]
    pub(super) updated_at: i64,
    #[serde(skip)]
    pub(super) created_by: Option<String>,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VersionState {
    /// It can be read.
    #[default]
    Live,
    /// Its key is gone, and with it its value.
    Destroyed,
}

/// A row of the versions: a value under its own key, which the vault's two locks hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct VersionRow {
    /// [`VersionRow::key`].
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) number: u64,
    pub(super) state: VersionState,
    /// The data key of the outer lock.
    pub(super) kid: u32,
    /// As in [`SecretRow`]; a version keeps the password it was set under.
    pub(super) setting: Option<u32>,
    pub(super) password_hash: Option<String>,
    pub(super) locked: Option<String>,
    pub(super) body: Option<String>,
    pub(super) encryptor: String,
    /// Bytes of the value.
    pub(super) bytes: u64,
    /// The row version that the secret got when this row was written last: the secret says it too.
    pub(super) row_version: u64,
    /// The code of everything above.
    pub(super) mac: String,
    #[serde(skip)]
    pub(super) created_at: i64,
}

/// A row of the audit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct AuditRow {
    pub(super) id: String,
    pub(super) segment: u64,
    pub(super) at: i64,
    pub(super) op: String,
    pub(super) outcome: String,
    pub(super) actor: Option<String>,
    pub(super) client: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) row_version: Option<u64>,
    /// What a batch of a job did it to, as [`Told`].
    pub(super) secrets: Option<String>,
    pub(super) mac: String,
}

/// A row of the segments that the audit is chained by; the one with the key [`HEAD`] tells which is open.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SegmentRow {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) rows: u64,
    pub(super) root: String,
    pub(super) previous: String,
    pub(super) at: i64,
    pub(super) mac: String,
}

/// The key of the row that tells which segment is open.
pub(super) const HEAD: &str = "head";

/// A row of the attempts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct AttemptRow {
    pub(super) id: String,
    pub(super) failures: u64,
    /// How many of them are still looked at.
    pub(super) pending: u64,
    pub(super) at: i64,
    pub(super) until: i64,
}

/// A row of one of the vault's tables.
pub(super) trait Row: Sized {
    /// Reads what is stored.
    fn of(record: &Record) -> Result<Self, Error>;

    /// It as the data of a record.
    fn to_json(&self) -> Json;
}

macro_rules! plain_rows {
    ($($row:ty),*) => {$(
        impl Row for $row {
            fn of(record: &Record) -> Result<Self, Error> {
                read(record.data())
            }

            fn to_json(&self) -> Json {
                written(self)
            }
        }
    )*};
}

plain_rows!(AuditRow, SegmentRow, AttemptRow);

impl SecretRow {
    /// Sets the code that tells whether anybody but the vault wrote the row.
    pub(super) fn sign(&mut self, keys: &MacKeys) {
        self.mac = hex(&self.code(keys));
    }

    /// Whether the vault wrote it.
    pub(super) fn is_genuine(&self, keys: &MacKeys) -> bool {
        // Both are public; what is compared is whether the row was changed.
        self.mac == hex(&self.code(keys))
    }

    fn code(&self, keys: &MacKeys) -> [u8; 32] {
        let kind: &[u8] = match self.kind {
            SecretKind::Secret => b"secret",
            SecretKind::Wrap => b"wrap",
        };
        let number = |number: u64| number.to_be_bytes();
        let custom = [u8::from(self.custom)];
        let (version, row_version) = (number(self.version), number(self.row_version));
        let numbers = [
            self.setting.map(i64::from),
            self.expires_at,
            self.soft_deleted_at,
            self.reads_max.map(|reads| reads as i64),
            self.reads_left.map(|reads| reads as i64),
            self.taken_at,
        ];
        let numbers = numbers.map(optional);
        let mut parts: Vec<&[u8]> = vec![
            b"secret row 2",
            self.id.as_bytes(),
            self.token_hash.as_bytes(),
            self.token_sealed.as_bytes(),
            kind,
            &custom,
            &version,
            &row_version,
            // An absent text and an empty one are no different things here: neither is ever empty.
            self.password_hash.as_deref().unwrap_or_default().as_bytes(),
            self.origin.as_deref().unwrap_or_default().as_bytes(),
        ];
        parts.extend(numbers.iter().map(given));
        let versions = self.versions_text();
        parts.push(versions.as_bytes());
        for (name, text) in &self.data {
            parts.extend([name.as_bytes(), text.as_bytes()]);
        }
        keys.mac(MacPurpose::Row, &parts)
    }

    /// Its versions as they are kept.
    pub(super) fn versions_text(&self) -> String {
        numbered::text(&self.versions)
    }

    /// Makes a row a version of this secret, which is changed with it: in the row version that the secret gets next.
    pub(super) fn claim(&mut self, version: &mut VersionRow, keys: &MacKeys) {
        version.row_version = self.row_version + 1;
        version.sign(keys);
        self.versions.insert(version.number, version.row_version);
    }

    /// Whether a row is a version of this secret: the vault wrote it, and nobody put an older one in its place.
    pub(super) fn owns(&self, version: &VersionRow, keys: &MacKeys) -> bool {
        version.id == VersionRow::key(&self.id, version.number)
            && version.secret == self.id
            && self.versions.get(&version.number) == Some(&version.row_version)
            && version.is_genuine(keys)
    }

    /// Whether rows are the versions of this secret: none was altered, put back, taken out or added.
    pub(super) fn owns_all(&self, versions: &[VersionRow], keys: &MacKeys) -> bool {
        versions.len() == self.versions.len()
            && self.versions.contains_key(&self.version)
            && versions.iter().all(|version| self.owns(version, keys))
    }
}

impl VersionRow {
    /// The key of a version.
    pub(super) fn key(secret: &str, number: u64) -> String {
        format!("{secret}.{number}")
    }

    /// Sets the code that tells whether anybody but the vault wrote the row.
    pub(super) fn sign(&mut self, keys: &MacKeys) {
        self.mac = hex(&self.code(keys));
    }

    fn is_genuine(&self, keys: &MacKeys) -> bool {
        // As of a secret: both are public.
        self.mac == hex(&self.code(keys))
    }

    fn code(&self, keys: &MacKeys) -> [u8; 32] {
        let state: &[u8] = match self.state {
            VersionState::Live => b"live",
            VersionState::Destroyed => b"destroyed",
        };
        let number = |number: u64| number.to_be_bytes();
        let setting = optional(self.setting.map(i64::from));
        // A text that is not there and an empty one are no different things here: an empty one opens nothing.
        keys.mac(
            MacPurpose::Row,
            &[
                b"version row 1",
                self.id.as_bytes(),
                self.secret.as_bytes(),
                &number(self.number),
                state,
                &number(u64::from(self.kid)),
                given(&setting),
                bytes(&self.password_hash),
                bytes(&self.locked),
                bytes(&self.body),
                self.encryptor.as_bytes(),
                &number(self.bytes),
                &number(self.row_version),
            ],
        )
    }
}

/// What one entry of the audit tells of several secrets: the row version of each. As text, `id:version,id:version`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told(pub(super) Vec<(String, u64)>);

impl Told {
    /// Reads what is kept; what makes no sense is left out.
    pub(super) fn of(text: &str) -> Told {
        let pairs = text.split(',').filter_map(|pair| pair.split_once(':'));
        Told(
            pairs
                .filter_map(|(id, version)| Some((id.to_owned(), version.parse().ok()?)))
                .collect(),
        )
    }

    pub(super) fn text(&self) -> String {
        let pairs: Vec<String> = self
            .0
            .iter()
            .map(|(id, version)| format!("{id}:{version}"))
            .collect();
        pairs.join(",")
    }
}

/// Pairs of numbers in a column of text: `1:1,2:5`.
pub(super) mod numbered {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn text(pairs: &BTreeMap<u64, u64>) -> String {
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(one, other)| format!("{one}:{other}"))
            .collect();
        pairs.join(",")
    }

    /// Reads what is kept; what makes no sense is left out: the code of the row tells that it was altered.
    pub(in crate::vault) fn of(text: &str) -> BTreeMap<u64, u64> {
        let pairs = text.split(',').filter_map(|pair| pair.split_once(':'));
        pairs
            .filter_map(|(one, other)| Some((one.parse().ok()?, other.parse().ok()?)))
            .collect()
    }

    pub(super) fn serialize<S: Serializer>(pairs: &BTreeMap<u64, u64>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(pairs))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<u64, u64>, D::Error> {
        Ok(of(&Option::<String>::deserialize(from)?.unwrap_or_default()))
    }
}

impl AuditRow {
    /// It with its code.
    pub(super) fn signed(mut self, keys: &MacKeys) -> AuditRow {
        self.mac = hex(&self.code(keys));
        self
    }

    pub(super) fn code(&self, keys: &MacKeys) -> [u8; 32] {
        let unsigned = AuditRow {
            mac: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsigned).unwrap_or_default();
        keys.mac(MacPurpose::Audit, &[b"row", &text])
    }
}

impl SegmentRow {
    pub(super) fn code(&self, keys: &MacKeys) -> [u8; 32] {
        let unsigned = SegmentRow {
            mac: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&unsigned).unwrap_or_default();
        keys.mac(MacPurpose::Audit, &[b"segment", &text])
    }
}

/// A text as a part of a code; none is no bytes.
fn bytes(text: &Option<String>) -> &[u8] {
    text.as_deref().unwrap_or_default().as_bytes()
}

/// A number as a part of a code.
fn optional(number: Option<i64>) -> Option<[u8; 8]> {
    number.map(i64::to_be_bytes)
}

/// What a part of a code is; none is no bytes.
fn given(part: &Option<[u8; 8]>) -> &[u8] {
    part.as_ref().map_or(&[], <[u8; 8]>::as_slice)
}

/// Makes the tables that are not there.
pub(super) async fn make(store: &Store) -> Result<(), Error> {
    for (slug, columns) in TABLES {
        if store.table(slug).is_ok() {
            continue;
        }
        match store.create_table(input(slug, columns)).await {
            // Another process was faster.
            Err(Error::Taken { .. }) => store.reload().await?,
            made => drop(made?),
        }
    }
    Ok(())
}

/// A column: slug, field type, and whether it is found by.
type ColumnOf = (&'static str, &'static str, Found);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Never,
    Indexed,
    Unique,
}

use Found::{Indexed, Never, Unique};

const TABLES: [(&str, &[ColumnOf]); 5] = [
    (
        SECRETS,
        &[
            ("token_hash", "text", Unique),
            ("token_sealed", "longText", Never),
            ("kind", "text", Never),
            ("custom", "boolean", Never),
            ("version", "number", Never),
            ("setting", "number", Indexed),
            ("password_hash", "text", Never),
            ("expires_at", "number", Indexed),
            ("soft_deleted_at", "number", Indexed),
            ("reads_max", "number", Never),
            ("reads_left", "number", Never),
            ("taken_at", "number", Never),
            ("origin", "text", Never),
            ("versions", "longText", Never),
            ("row_version", "number", Never),
            ("mac", "text", Never),
        ],
    ),
    (
        VERSIONS,
        &[
            ("secret", "text", Indexed),
            ("number", "number", Never),
            ("state", "text", Never),
            ("kid", "number", Indexed),
            ("setting", "number", Never),
            ("password_hash", "text", Never),
            ("locked", "longText", Never),
            ("body", "longText", Never),
            ("encryptor", "text", Never),
            ("bytes", "number", Never),
            ("row_version", "number", Never),
            ("mac", "text", Never),
        ],
    ),
    (
        AUDIT,
        &[
            ("segment", "number", Indexed),
            ("at", "number", Never),
            ("op", "text", Never),
            ("outcome", "text", Never),
            ("actor", "text", Never),
            ("client", "text", Never),
            ("secret", "text", Indexed),
            ("version", "number", Never),
            ("row_version", "number", Never),
            ("secrets", "longText", Never),
            ("mac", "text", Never),
        ],
    ),
    (
        SEGMENTS,
        &[
            ("number", "number", Never),
            ("rows", "number", Never),
            ("root", "text", Never),
            ("previous", "text", Never),
            ("at", "number", Never),
            ("mac", "text", Never),
        ],
    ),
    (
        ATTEMPTS,
        &[
            ("failures", "number", Never),
            ("pending", "number", Never),
            ("at", "number", Indexed),
            ("until", "number", Never),
        ],
    ),
];

fn input(slug: &str, columns: &[ColumnOf]) -> TableInput {
    let mut input = TableInput::new(slug);
    input.slug = Some(slug.to_owned());
    input.key = Some("id".to_owned());
    input.strict = slug != SECRETS;
    input.soft_delete = false;
    input.columns.push(ColumnInput::new("id", "text"));
    for (slug, field_type, found) in columns {
        let mut column = ColumnInput::new(*slug, *field_type);
        column.slug = Some((*slug).to_owned());
        column.indexed = *found == Indexed;
        column.constraints.unique = *found == Unique;
        input.columns.push(column);
    }
    input
}

fn read<T: serde::de::DeserializeOwned>(fields: JsonMap) -> Result<T, Error> {
    serde_json::from_value(Json::Object(fields))
        .map_err(|error| Error::Internal(format!("a row of the vault cannot be read: {error}")))
}

pub(super) fn written<T: Serialize>(row: &T) -> Json {
    serde_json::to_value(row).unwrap_or_default()
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}
