//! A named set of records under one schema. Holds definitions only, never records.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::column::{Column, Replaces};
use crate::filter::FieldRef;
use crate::key::KeyKind;
use crate::{Generated, JsonMap, Record};

/// The internal number of a table: names its relation, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableId(pub u32);

/// The public id of a workspace: a UUID as text, or `default`.
pub type WorkspaceId = String;

/// The definition of one table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The internal number.
    pub number: TableId,
    /// The public id: a UUID as text.
    pub id: String,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Unique in the workspace; never changed.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Help text for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// An icon name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// A palette name or `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Settings as given (`recordNameTemplate`, `enableForm` …).
    #[serde(default)]
    pub settings: JsonMap,
    /// What its keys are.
    pub key_kind: KeyKind,
    /// The ordinal of the column that is the key, if the key is a column; otherwise the key is `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_column: Option<u16>,
    /// All columns, deleted ones too, at the index that is their ordinal.
    pub columns: Vec<Column>,
    /// Indexes over several columns, as ordinals, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<u16>>,
    /// Whether fields that no column declares are refused; otherwise they are kept as they are.
    pub strict: bool,
    /// Whether delete moves to the trash instead of removing.
    pub soft_delete: bool,
    /// How long records live, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<i64>,
    /// Most records; the oldest are evicted beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Whether a store that nobody shares forgets the records when it is opened anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transient: bool,
    /// Whether the change log keeps nothing of what its records held: who changed which and when stays, what it was does not. What
    /// such a table destroys is destroyed; it has no history, and nothing of it is undone. Only tables of the store itself are so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgetful: bool,
    /// Rises with every change of the definition; a write decided under an older one is refused and decided again.
    pub schema_version: u64,
    /// When it was made, in ms.
    pub created_at: i64,
    /// When its definition last changed, in ms.
    pub updated_at: i64,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// When it went to the trash, in ms; there it is out of everybody's sight, with all that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<i64>,
    /// What was computed from the columns; start with the default.
    #[serde(skip)]
    pub computed: Computed,
}

/// What a table computes once from its columns.
#[derive(Clone, Debug, Default)]
pub struct Computed {
    by_slug: OnceLock<HashMap<String, u16>>,
    related: OnceLock<bool>,
}

impl Table {
    /// The live column with this slug.
    pub fn column(&self, slug: &str) -> Option<&Column> {
        let by_slug = self.computed.by_slug.get_or_init(|| {
            self.live()
                .map(|column| (column.slug.clone(), column.ordinal))
                .collect()
        });
        by_slug
            .get(slug)
            .map(|ordinal| &self.columns[usize::from(*ordinal)])
    }

    /// The column at an ordinal; ordinals come from this table.
    pub fn at(&self, ordinal: u16) -> &Column {
        &self.columns[usize::from(ordinal)]
    }

    /// The live columns by ordinal.
    pub fn live(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.live())
    }

    /// The columns that take the place of others just now, with how they do.
    pub fn replacing(&self) -> impl Iterator<Item = (&Column, &Replaces)> {
        let kept = self.columns.iter().filter(|column| column.deleted_at.is_none());
        kept.filter_map(|column| Some((column, column.replaces.as_ref()?)))
    }

    /// The live columns in the order people see.
    pub fn ordered(&self) -> Vec<&Column> {
        let mut columns: Vec<&Column> = self.live().collect();
        columns.sort_by_key(|column| (column.order_index, column.ordinal));
        columns
    }

    /// The slugs of the live columns.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.live().map(|column| column.slug.as_str())
    }

    /// The column that names a record to people: the primary one, else the first text column, else the first.
    pub fn primary(&self) -> Option<&Column> {
        let ordered = self.ordered();
        let text = |column: &&&Column| column.field_type == "text" && column.encrypted.is_none();
        ordered
            .iter()
            .find(|column| column.primary)
            .or_else(|| ordered.iter().find(text))
            .or_else(|| ordered.iter().find(|column| column.encrypted.is_none()))
            .copied()
    }

    /// The key column, if the key is a column.
    pub fn key_column(&self) -> Option<&Column> {
        self.key_column.map(|ordinal| self.at(ordinal))
    }

    /// The name of the key in flat records: the key column's slug, or `id`.
    pub fn key_name(&self) -> &str {
        self.key_column().map_or("id", |column| column.slug.as_str())
    }

    /// Whether the store draws keys from a counter.
    pub fn draws_key(&self) -> bool {
        self.key_column()
            .is_some_and(|column| column.constraints.generated == Some(Generated::Autoincrement))
    }

    /// What a slug or system name addresses; `None` if the table has no such column and does not keep undeclared fields.
    ///
    /// A column named like a system column wins.
    pub fn field(&self, name: &str) -> Option<FieldRef> {
        if let Some(column) = self.column(name) {
            if self.key_column == Some(column.ordinal) {
                return Some(FieldRef::Key);
            }
            return Some(column.kind().system().unwrap_or(FieldRef::Column(column.ordinal)));
        }
        let system = match name {
            "id" => FieldRef::Key,
            "version" | "_version" => FieldRef::Version,
            "createdAt" | "_createdAt" => FieldRef::CreatedAt,
            "updatedAt" | "_updatedAt" => FieldRef::UpdatedAt,
            "createdBy" => FieldRef::CreatedBy,
            "updatedBy" => FieldRef::UpdatedBy,
            "expiresAt" | "_expiresAt" => FieldRef::ExpiresAt,
            "deletedAt" => FieldRef::DeletedAt,
            "externalId" => FieldRef::ExternalId,
            "_source" => FieldRef::Source,
            "_importId" => FieldRef::ImportId,
            "_importRow" => FieldRef::ImportRow,
            "_duplicateOf" => FieldRef::DuplicateOf,
            // An open table may hold undeclared fields of these names.
            "source" if self.strict => FieldRef::Source,
            "importId" if self.strict => FieldRef::ImportId,
            "importRow" if self.strict => FieldRef::ImportRow,
            "duplicateOf" if self.strict => FieldRef::DuplicateOf,
            _ if !self.strict => FieldRef::Extra(name.to_owned()),
            _ => return None,
        };
        Some(system)
    }

    /// Every name that [`Table::field`] knows, for did-you-mean.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.slugs().chain([
            "id",
            "version",
            "createdAt",
            "updatedAt",
            "createdBy",
            "updatedBy",
            "expiresAt",
            "externalId",
            "source",
            "importId",
            "importRow",
            "duplicateOf",
        ])
    }

    /// The live columns that refer to records of another table or of this one, with the slug of that table.
    pub fn references(&self) -> impl Iterator<Item = (&Column, &str)> {
        self.live()
            .filter_map(|column| Some((column, column.refers_to()?)))
    }

    /// Whether a record of it shows what stands in other records, or who users are.
    pub fn is_related(&self) -> bool {
        let related = |column: &Column| {
            let flags = column.kind().flags();
            flags.reference || flags.related
        };
        *self.computed.related.get_or_init(|| self.live().any(related))
    }

    /// What a column's value is found and read by: the key has no slot of its own.
    pub fn field_of(&self, ordinal: u16) -> FieldRef {
        if self.key_column == Some(ordinal) {
            FieldRef::Key
        } else {
            FieldRef::Column(ordinal)
        }
    }

    /// The time at which its records' expiry is judged: only those of a table with a time to live ever expire.
    pub fn judged_at(&self, now: i64) -> i64 {
        if self.ttl_ms.is_some() { now } else { i64::MIN }
    }

    /// Whether a record of it has expired: then nobody sees it any more, whether it is removed yet or not.
    pub fn expired(&self, record: &Record, now: i64) -> bool {
        record.expires_at.is_some_and(|at| at <= self.judged_at(now))
    }

    /// Drops what was computed from the columns; call after changing them.
    pub fn refresh(&mut self) {
        self.computed = Computed::default();
    }
}
