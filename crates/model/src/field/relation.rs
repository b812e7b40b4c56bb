//! `relation`: records of a table, or the records of it that name this one. Whether they are there is decided where records are.
//!
//! A column with `reverseOf` is the other side of a relation column there: it keeps nothing, and shows who names the record.

use super::links::{Holds, Links};
use super::{Category, FieldType};
use crate::column::{Column, OnDelete};
use crate::{Code, Issue, Json, JsonMap};

/// The id of the type.
pub const ID: &str = "relation";

/// How many records stand on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// Each names one, and several may name the same.
    ManyToOne,
    /// Each names one, and no two the same.
    OneToOne,
    /// Each names several, and several may name the same.
    ManyToMany,
    /// The other side of [`RelationKind::ManyToOne`].
    OneToMany,
}

const KINDS: [(&str, RelationKind); 4] = [
    ("manyToOne", RelationKind::ManyToOne),
    ("oneToOne", RelationKind::OneToOne),
    ("manyToMany", RelationKind::ManyToMany),
    ("oneToMany", RelationKind::OneToMany),
];

impl RelationKind {
    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }

    /// What it is from the other side.
    #[must_use]
    pub fn reversed(self) -> RelationKind {
        match self {
            RelationKind::ManyToOne => RelationKind::OneToMany,
            RelationKind::OneToMany => RelationKind::ManyToOne,
            same => same,
        }
    }
}

const fn relation(holds: Holds) -> Links {
    Links {
        id: ID,
        name: "Relation",
        category: Category::Relation,
        icon: "link",
        description: "Records of a table",
        holds,
        takes_default: true,
        config_schema,
        check_config,
        example_config,
    }
}

/// A relation that names one record; what the list of types has.
pub const RELATION: Links = relation(Holds::One);
static ONE: Links = RELATION;
static SEVERAL: Links = relation(Holds::Several);
static FOUND: Links = relation(Holds::Found);

/// The form that a relation column has by its settings.
pub(crate) fn form(column: &Column) -> &'static dyn FieldType {
    match (column.config_str("reverseOf"), kind(column)) {
        (Some(_), _) => &FOUND,
        (None, RelationKind::ManyToMany) => &SEVERAL,
        (None, _) => &ONE,
    }
}

/// How many records stand on each side of a relation column.
pub fn kind(column: &Column) -> RelationKind {
    let named = column.config_str("relationType");
    let fallback = match column.config_str("reverseOf") {
        Some(_) => RelationKind::OneToMany,
        None => RelationKind::ManyToOne,
    };
    let found = KINDS.iter().find(|(name, _)| Some(*name) == named);
    found.map_or(fallback, |(_, kind)| *kind)
}

/// What deleting a record does to those that name it: unless it is said, they do not name it any more.
pub(crate) fn on_delete(column: &Column) -> OnDelete {
    match column.config_str("onDelete") {
        Some("restrict") => OnDelete::Restrict,
        Some("cascade") => OnDelete::Cascade,
        _ => OnDelete::SetNull,
    }
}

fn config_schema() -> Json {
    serde_json::json!({
        "type": "object",
        "properties": {
            "table": {"type": "string", "title": "Table", "description": "The slug of the table, in the same workspace"},
            "relationType": {
                "type": "string", "enum": KINDS.map(|(name, _)| name), "default": "manyToOne", "title": "Kind",
                "description": "How many records stand on each side; oneToMany is the other side of manyToOne and needs reverseOf"
            },
            "onDelete": {
                "type": "string", "enum": ["setNull", "restrict", "cascade"], "default": "setNull", "title": "When it is deleted",
                "description": "What deleting a record does to those that name it"
            },
            "reverseOf": {
                "type": "string", "title": "Other side of",
                "description": "The slug of the relation column there that names this table's records; then this one shows who does"
            }
        },
        "required": ["table"],
        "additionalProperties": false
    })
}

fn example_config() -> JsonMap {
    [("table".to_owned(), Json::from("examples"))]
        .into_iter()
        .collect()
}

fn check_config(column: &Column) -> Result<(), Issue> {
    let refuse = |setting: &str, message: &str| {
        Err(Issue::new(format!("config.{setting}"), Code::Definition, message))
    };
    let (kind, reverse) = (kind(column), column.config_str("reverseOf").is_some());
    match (kind, reverse) {
        (RelationKind::OneToMany, false) => refuse(
            "relationType",
            "oneToMany is the other side of a manyToOne relation: make that in the other table first, and give its slug here as \
             reverseOf",
        ),
        (RelationKind::ManyToOne, true) => refuse(
            "relationType",
            "The other side of a relation is oneToMany, oneToOne or manyToMany",
        ),
        (_, true) if column.config.contains_key("onDelete") => {
            refuse("onDelete", "It is said on the side that keeps the relation")
        }
        (RelationKind::ManyToMany, false) if on_delete(column) == OnDelete::Cascade => refuse(
            "onDelete",
            "A record that names several is not deleted with one of them; use setNull or restrict",
        ),
        _ => Ok(()),
    }
}
