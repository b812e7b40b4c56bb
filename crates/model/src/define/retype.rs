//! What a column is like once its field type has changed: what stays of its definition, and which types it can have at all. Looks at
//! no record.

use super::check_replacement;
use crate::column::{Column, Constraints, DefaultValue, MadeFrom, OnLoss};
use crate::convert::converted;
use crate::field::{FIELD_TYPES, FieldType, Storage, TextFormat, field_type};
use crate::issue::unknown_name;
use crate::{Code, Issue, JsonMap, Table};

/// Field types that no other can become, with what to do instead.
const UNREACHABLE: [(&str, &str); 5] = [
    ("autoNumber", "the store counts its values: add a new column"),
    (
        "secret",
        "its values are always encrypted: encrypt the column instead",
    ),
    ("button", "it keeps nothing: add a new column"),
    (
        "relation",
        "its values name records: add a new column, and import it with the names",
    ),
    ("json", "only text becomes JSON"),
];

/// Another field type for a column.
#[derive(Clone, Debug, Default)]
pub struct Retype {
    /// Its id.
    pub field_type: String,
    /// Settings of it; those of the earlier column if it goes back, otherwise the usual ones.
    pub config: Option<JsonMap>,
    /// What becomes of values that it cannot hold.
    pub on_loss: OnLoss,
    /// How texts are read.
    pub format: TextFormat,
}

/// What a column loses of its definition, or gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// What it is about: `unique`, `defaultValue` …
    pub about: String,
    /// What becomes of it.
    pub message: String,
}

/// Why a column cannot be of another field type at all; none if it can.
fn check_retype(table: &Table, column: &Column, kind: &dyn FieldType) -> Option<String> {
    if let Some(message) = bound(table, column) {
        return Some(message);
    }
    if kind.flags().computed || kind.flags().related {
        return Some(format!(
            "The store works out the values of a {} column",
            kind.id()
        ));
    }
    let text = ["text", "longText"].contains(&&*column.field_type);
    let unreachable = UNREACHABLE
        .iter()
        .find(|(id, _)| *id == kind.id() && column.field_type != *id);
    if let Some((id, instead)) = unreachable.filter(|(id, _)| *id != "json" || !text) {
        return Some(format!("No column becomes one of type {id}: {instead}"));
    }
    if kind.id() == "relation" || kind.id() == "autoNumber" {
        return Some("Its settings say what the values are, and stay".into());
    }
    let files = |kind: &str| ["file", "files"].contains(&kind);
    if files(kind.id()) && !files(&column.field_type) {
        return Some(format!(
            "The values of a {} column name files, and those of this one do not",
            kind.id()
        ));
    }
    let users = |kind: &str| ["user", "users"].contains(&kind);
    (users(kind.id()) && !users(&column.field_type)).then(|| {
        format!(
            "The values of a {} column name users, and those of this one do not",
            kind.id()
        )
    })
}

/// Why the field type of a column stays, whatever it is to become.
fn bound(table: &Table, column: &Column) -> Option<String> {
    let flags = column.field().flags();
    Some(match () {
        () if table.key_column == Some(column.ordinal) => "The key column stays as it is".into(),
        () if column.encrypted.is_some() => "Its values are encrypted: make them readable first".into(),
        () if flags.related || (flags.computed && column.field_type != "autoNumber") => {
            format!(
                "The values of a {} column are worked out, and nothing is kept",
                column.field_type
            )
        }
        () => return None,
    })
}

/// The field types that a column can have, each with why not, if it cannot.
pub fn retypes<'a>(
    table: &'a Table,
    column: &'a Column,
) -> impl Iterator<Item = (&'static dyn FieldType, Option<String>)> + 'a {
    let others = FIELD_TYPES.iter().filter(|kind| kind.id() != column.field_type);
    others.map(|kind| (*kind, check_retype(table, column, *kind)))
}

/// The column that it was made from, if that was of this type.
fn earlier<'a>(table: &'a Table, column: &Column, retype: &Retype) -> Option<&'a Column> {
    let earlier = table.at(column.made_from.as_ref()?.ordinal);
    let same = retype
        .config
        .as_ref()
        .is_none_or(|config| *config == earlier.config);
    (earlier.field_type == retype.field_type && same).then_some(earlier)
}

/// Gives a column another field type; `column` is a copy of the one that it is made from, `from`.
///
/// # Errors
/// Everything that makes no sense.
pub fn retype(
    table: &Table,
    from: &Column,
    column: &mut Column,
    asked: &Retype,
) -> Result<Vec<Aside>, Vec<Issue>> {
    let refused = |message: String| vec![Issue::new("fieldType", Code::Definition, message)];
    let kind = field_type(&asked.field_type).ok_or_else(|| {
        let names = FIELD_TYPES.iter().map(|kind| kind.id());
        refused(unknown_name("field type", &asked.field_type, names))
    })?;
    if let Some(message) = check_retype(table, from, kind) {
        return Err(refused(message));
    }
    let earlier = earlier(table, from, asked);
    let config = asked.config.clone();
    column.config = config
        .or_else(|| earlier.map(|earlier| earlier.config.clone()))
        .unwrap_or_default();
    if kind.id() == from.field_type && column.config == from.config {
        return Err(refused(format!(
            "It is a {} column with these settings already",
            kind.id()
        )));
    }
    kind.id().clone_into(&mut column.field_type);
    column.made_from = Some(MadeFrom {
        ordinal: from.ordinal,
        back: earlier.map(|earlier| earlier.ordinal),
        format: asked.format,
        on_loss: asked.on_loss,
    });
    let mut asides = Vec::new();
    let mut aside = |about: &str, message: &str| {
        asides.push(Aside {
            about: about.to_owned(),
            message: message.to_owned(),
        });
    };
    column.options = match (kind.flags().needs_options, earlier) {
        (false, _) => Vec::new(),
        (true, _) if from.field().flags().needs_options => from.options.clone(),
        (true, earlier) => earlier.map(|earlier| earlier.options.clone()).unwrap_or_default(),
    };
    column.constraints = constraints(from, kind, earlier, &mut aside);
    if column.indexed && kind.storage() == Storage::List {
        column.indexed = false;
        aside("indexed", "Columns that hold several values have no index");
    }
    column.settle();
    column.refresh();
    column.default = default(from, column);
    if column.default.is_none() && from.default.is_some() {
        aside(
            "defaultValue",
            "The default cannot be one of the new type, and goes",
        );
    }
    let mut issues = check_replacement(table, (from, column));
    if table.indexes.iter().any(|index| index.contains(&from.ordinal)) && kind.storage() == Storage::List {
        let message =
            "An index over several columns has this one, and cannot have one that holds several values";
        issues.push(Issue::new("fieldType", Code::Definition, message));
    }
    if issues.is_empty() {
        Ok(asides)
    } else {
        Err(issues)
    }
}

/// What values must satisfy afterwards.
fn constraints(
    from: &Column,
    kind: &dyn FieldType,
    earlier: Option<&Column>,
    aside: &mut impl FnMut(&str, &str),
) -> Constraints {
    let had = &from.constraints;
    let mut kept = match earlier {
        Some(earlier) => earlier.constraints.clone(),
        None => Constraints::default(),
    };
    kept.required = had.required;
    kept.unique = had.unique && kind.flags().supports_unique;
    kept.custom_error_message.clone_from(&had.custom_error_message);
    if had.unique && !kept.unique {
        aside(
            "unique",
            "A column of this type cannot be unique: the constraint goes",
        );
    }
    let numeric = |storage| matches!(storage, Storage::Int | Storage::Number | Storage::Decimal);
    let storage = (from.field().storage(), kind.storage());
    if numeric(storage.0) && numeric(storage.1) {
        kept.min.clone_from(&had.min);
        kept.max.clone_from(&had.max);
    } else if earlier.is_none() && (had.min.is_some() || had.max.is_some()) {
        aside("range", "min and max are of numbers, and go");
    }
    let plain = |kind: &dyn FieldType| kind.storage() == Storage::Text && !kind.flags().needs_options;
    if plain(from.field()) && plain(kind) {
        kept.min_length = had.min_length;
        kept.max_length = had.max_length;
        kept.pattern.clone_from(&had.pattern);
        kept.format = had.format;
        kept.allowed.clone_from(&had.allowed);
    } else if earlier.is_none() {
        let gone = [
            ("length", had.min_length.is_some() || had.max_length.is_some()),
            ("pattern", had.pattern.is_some()),
            ("format", had.format.is_some()),
            ("enum", !had.allowed.is_empty()),
        ];
        for (about, _) in gone.into_iter().filter(|(_, had)| *had) {
            aside(about, "This constraint does not fit the new type, and goes");
        }
    }
    let gone = [
        (
            "generated",
            had.generated.is_some() || from.field_type == "autoNumber",
            "New values are not made by the store any more",
        ),
        (
            "ref",
            had.reference.is_some() || from.is_relation(),
            "Its values are text from now on, and need no record",
        ),
        ("nested", had.nested.is_some(), "The rules of what is inside go"),
    ];
    for (about, _, message) in gone.into_iter().filter(|(_, had, _)| *had) {
        aside(about, message);
    }
    Constraints {
        generated: None,
        reference: None,
        on_delete: None,
        ..kept
    }
}

/// The default as one of the new type.
fn default(from: &Column, column: &Column) -> Option<DefaultValue> {
    if !column.field().flags().supports_default {
        return None;
    }
    match from.default.as_ref()? {
        DefaultValue::Function(function) => {
            let days = ["date", "dateTime"];
            let both = days.contains(&&*from.field_type) && days.contains(&&*column.field_type);
            both.then_some(DefaultValue::Function(*function))
        }
        DefaultValue::Value(json) => {
            let value = from.field().parse(json, from).ok()?;
            let value = converted((from, column), &value, &TextFormat::default()).ok()?;
            (!value.is_null()).then(|| DefaultValue::Value(column.field().to_json(&value, column)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::define::{ColumnInput, TableInput, check_table};
    use crate::{TableId, admit::Context};

    fn made(column: ColumnInput) -> Table {
        let mut fresh = uuid::Uuid::nil;
        let mut context = Context {
            now: 0,
            actor: None,
            fresh: &mut fresh,
            cells: None,
            kept_cells: None,
        };
        check_table(
            &TableInput::new("t").column(column),
            TableId(1),
            "default",
            &mut context,
        )
        .expect("it makes sense")
    }

    fn to(table: &Table, kind: &str) -> Result<(Column, Vec<String>), String> {
        let from = table.at(0);
        let mut column = from.clone();
        let asked = Retype {
            field_type: kind.into(),
            ..Retype::default()
        };
        let asides = retype(table, from, &mut column, &asked).map_err(|issues| issues[0].message.clone())?;
        Ok((column, asides.into_iter().map(|aside| aside.about).collect()))
    }

    #[test]
    fn what_fits_stays_and_what_does_not_is_told() {
        let table = made(
            ColumnInput::new("n", "number")
                .required()
                .unique()
                .range(1, 5)
                .default_value(3),
        );
        let (column, told) = to(&table, "rating").expect("a rating");
        assert!(column.constraints.required && column.constraints.max.is_some());
        assert_eq!(told, ["unique"]);
        let (column, told) = to(&table, "text").expect("a text");
        assert!(column.constraints.unique && column.constraints.max.is_none());
        assert_eq!(column.default, Some(DefaultValue::Value("3".into())));
        assert_eq!(told, ["range"]);
    }

    #[test]
    fn types_that_a_column_cannot_have_are_refused_with_what_to_do() {
        let table = made(ColumnInput::new("n", "number"));
        for (kind, says) in [
            ("relation", "import it with the names"),
            ("secret", "encrypt the column"),
            ("json", "only text"),
            ("lookup", "works out"),
            ("user", "name users"),
            ("number", "already"),
            ("numbr", "Did you mean"),
        ] {
            let message = to(&table, kind).expect_err("refused");
            assert!(
                message.to_lowercase().contains(&says.to_lowercase()),
                "{kind}: {message}"
            );
        }
        let shown = made(ColumnInput::new("n", "createdTime"));
        assert!(retypes(&shown, shown.at(0)).all(|(_, why)| why.is_some()));
    }
}
