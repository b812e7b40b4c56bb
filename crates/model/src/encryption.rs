//! Encrypted columns: what they say of themselves, how their cells look, and what they show instead of their values. The ciphers
//! and keys are elsewhere, behind [`Cells`].
//!
//! A cell is text: what was sealed, and behind a blank what of it is shown to everybody, if that is more than nothing. So whoever
//! shows a record needs no key, and cannot show too much.

use serde::{Deserialize, Serialize};

use crate::column::Column;
use crate::filter::{FieldRef, Operator};
use crate::{Code, Issue, Key, Table, Value};

/// What stands in every mask, and so in no value.
pub const VEIL: &str = "••••";
/// How a cell begins that was sealed.
const SEALED: &str = "vs1.";
/// The mask that shows nothing.
const NOTHING: &str = "••••••••";
/// Fewest characters of a value of which a mask shows the last four.
const LAST4_CHARS_MIN: usize = 8;

/// How a column is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// What is shown instead of a value.
    #[serde(default)]
    pub mask: Mask,
    /// Whether equal values have equal cells, so that they are found, matched and kept unique. It tells whoever has the
    /// database which records have the same value, and nothing else.
    #[serde(default)]
    pub indexed: bool,
    /// The number of the vault's data key that its cells are sealed with. The store sets it.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub kid: u32,
}

fn is_unset(kid: &u32) -> bool {
    *kid == 0
}

/// What is shown of an encrypted value to those who may not reveal it. It is kept beside the ciphertext, readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mask {
    /// Nothing: `••••••••`, always as long.
    #[default]
    Full,
    /// The last four characters of values of eight or more: `••••4242`.
    Last4,
    /// The host of an e-mail address: `••••@example.com`.
    Email,
}

impl Encryption {
    /// As a definition asks for it, without what the store has set.
    #[must_use]
    pub fn asked(&self) -> Encryption {
        Encryption {
            kid: 0,
            ..self.clone()
        }
    }
}

impl Mask {
    /// All of them.
    pub const ALL: [Mask; 3] = [Mask::Full, Mask::Last4, Mask::Email];

    /// The name in definitions.
    pub fn as_str(self) -> &'static str {
        match self {
            Mask::Full => "full",
            Mask::Last4 => "last4",
            Mask::Email => "email",
        }
    }

    /// What is shown of a value, as it stands in a cell of a file; none if that is nothing.
    ///
    /// ```
    /// use chancery_model::encryption::Mask;
    /// assert_eq!(Mask::Last4.of("4242424242424242").as_deref(), Some("••••4242"));
    /// assert_eq!(Mask::Last4.of("1234"), None);
    /// assert_eq!(Mask::Email.of("ann@example.com").as_deref(), Some("••••@example.com"));
    /// assert_eq!(Mask::Full.of("anything"), None);
    /// ```
    pub fn of(self, value: &str) -> Option<String> {
        match self {
            Mask::Full => None,
            Mask::Last4 => {
                let count = value.chars().count();
                let last = value.chars().skip(count.saturating_sub(4));
                (count >= LAST4_CHARS_MIN).then(|| VEIL.chars().chain(last).collect())
            }
            Mask::Email => {
                let (_, host) = value.rsplit_once('@')?;
                Some(format!("{VEIL}@{host}"))
            }
        }
    }
}

/// A cell of an encrypted column, from what was sealed and the mask.
pub fn cell(sealed: String, mask: Option<&str>) -> Value {
    Value::Text(match mask {
        Some(mask) => format!("{sealed} {mask}"),
        None => sealed,
    })
}

/// The two parts of a cell: what was sealed, and what is shown.
pub fn parts(cell: &str) -> (&str, &str) {
    match cell.split_once(' ') {
        Some((sealed, mask)) => (sealed, mask),
        None => (cell, NOTHING),
    }
}

/// What is shown of an encrypted value.
pub fn shown(value: &Value) -> &str {
    match value {
        // Nothing is shown of what was not sealed.
        Value::Text(cell) if cell.starts_with(SEALED) => parts(cell).1,
        _ => NOTHING,
    }
}

/// Seals the cells of encrypted columns: the vault's part. It never opens one for an answer.
pub trait Cells: Send + Sync {
    /// The data key that the cells of a new column are sealed with; none while the vault is sealed.
    fn newest_kid(&self) -> Option<u32>;

    /// The cell of a value. One that is not indexed belongs to the record of the key, and opens nowhere else.
    ///
    /// # Errors
    /// [`Unsealable`].
    fn seal(
        &self,
        table: &Table,
        column: &Column,
        key: Option<&Key>,
        value: &Value,
    ) -> Result<Value, Unsealable>;

    /// A cell of one record for another record of the same table.
    ///
    /// # Errors
    /// [`Unsealable`].
    fn moved(
        &self,
        table: &Table,
        column: &Column,
        keys: (&Key, &Key),
        cell: &str,
    ) -> Result<Value, Unsealable>;

    /// The value of one column as that of another of the same field type which takes its place: sealed, opened, or sealed anew. It
    /// stays in the record.
    ///
    /// # Errors
    /// [`Unsealable`].
    fn converted(
        &self,
        table: &Table,
        columns: (&Column, &Column),
        key: &Key,
        value: &Value,
    ) -> Result<Value, Unsealable>;

    /// Whether a cell holds this value.
    fn holds(&self, table: &Table, column: &Column, key: &Key, cell: &str, value: &Value) -> bool;
}

/// Why a value was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsealable {
    /// The vault is sealed, or there is none.
    Sealed,
    /// The data key is not among those that were read.
    UnknownKey,
    /// It is over what can be sealed.
    TooLong,
    /// A cell that is there does not open: it was altered, or put there from elsewhere.
    Damaged,
}

impl Unsealable {
    /// The issue of a column.
    pub fn issue(self, slug: &str) -> Issue {
        match self {
            Unsealable::Sealed => sealed(slug),
            Unsealable::UnknownKey => Issue::new(
                slug,
                Code::Sealed,
                "The data key of this column is not known here yet; try again",
            ),
            Unsealable::Damaged => Issue::new(
                slug,
                Code::Encrypted,
                "What the record has does not open: it was altered, or is from elsewhere",
            ),
            Unsealable::TooLong => Issue::new(slug, Code::Limit, "The value is too long to be encrypted"),
        }
    }
}

/// The issue of a column whose values cannot be sealed.
pub fn sealed(slug: &str) -> Issue {
    Issue::new(
        slug,
        Code::Sealed,
        "This column is encrypted, and the vault is sealed: open it with its root key first",
    )
}

/// Seals a decided value for a column, if that is encrypted; null stays null.
///
/// # Errors
/// The issue of a value that cannot be sealed.
pub fn sealed_value(
    cells: Option<&dyn Cells>,
    (table, column): (&Table, &Column),
    key: Option<&Key>,
    value: Value,
) -> Result<Value, Issue> {
    if column.encrypted.is_none() || value.is_null() {
        return Ok(value);
    }
    let cells = cells.ok_or_else(|| sealed(&column.slug))?;
    cells
        .seal(table, column, key, &value)
        .map_err(|why| why.issue(&column.slug))
}

/// A value of one column for the column that takes its place; null stays null.
///
/// # Errors
/// The issue of a value that cannot be there.
pub fn converted(
    cells: Option<&dyn Cells>,
    table: &Table,
    (from, to): (&Column, &Column),
    key: &Key,
    value: &Value,
) -> Result<Value, Issue> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let cells = cells.ok_or_else(|| sealed(&to.slug))?;
    cells
        .converted(table, (from, to), key, value)
        .map_err(|why| why.issue(&to.slug))
}

/// The issue of a field that cannot be put in an order or into figures, as its values are encrypted or worked out when a record is
/// read; none for others.
pub fn blind(table: &Table, field: &FieldRef, what: &str) -> Option<Issue> {
    let FieldRef::Column(ordinal) = field else {
        return None;
    };
    let column = table.at(*ordinal);
    if let Some(issue) = worked_out(column, what) {
        return Some(issue);
    }
    column.encrypted.as_ref()?;
    Some(refusal(column, what, "use another column"))
}

/// The issue of asking the store to find or order by values that are worked out when a record is read.
pub fn worked_out(column: &Column, what: &str) -> Option<Issue> {
    let message = format!(
        "The values of a {} column are worked out when a record is read, and cannot be {what}; use a column that keeps its values",
        column.field_type
    );
    let related = column.kind().flags().related;
    related.then(|| Issue::new(&column.slug, Code::Operator, message))
}

/// Whether an operator can judge the values of a column as they are kept.
pub(crate) fn check_operator(column: &Column, operator: Operator) -> Result<(), Issue> {
    if let Some(issue) = worked_out(column, "filtered") {
        return Err(issue);
    }
    let Some(encryption) = &column.encrypted else {
        return Ok(());
    };
    let presence = matches!(operator, Operator::IsEmpty | Operator::IsNotEmpty);
    if presence || (encryption.indexed && Operator::ENCRYPTED.contains(&operator)) {
        return Ok(());
    }
    let instead = match encryption.indexed {
        true => "use eq, neq, in, notIn, isEmpty or isNotEmpty",
        false => "use isEmpty or isNotEmpty; equal values are found in columns with encrypted.indexed",
    };
    let what = format!("compared by {}", operator.as_str());
    Err(refusal(column, &what, instead))
}

/// The issue of a column that no search looks into.
pub(crate) fn unsearchable(column: &Column) -> Issue {
    if column.encrypted.is_some() {
        return refusal(column, "searched", "find equal values by a filter");
    }
    let message = format!(
        "A {} column cannot be searched; filter it instead",
        column.field_type
    );
    Issue::new(&column.slug, Code::Operator, message)
}

/// The issue of a column that records cannot be found again by.
pub fn unmatchable(column: &Column) -> Issue {
    refusal(
        column,
        "matched",
        "match by another column, or set encrypted.indexed",
    )
}

fn refusal(column: &Column, what: &str, instead: &str) -> Issue {
    let message = format!("Values of this column are encrypted and cannot be {what}; {instead}");
    Issue::new(&column.slug, Code::Encrypted, message)
}

/// The issue of a mask where a value is expected.
pub(crate) fn is_mask(column: &Column, text: &str) -> Option<Issue> {
    text.contains(VEIL).then(|| {
        let message =
            "This is the mask of an encrypted value, not a value: leave the column out to keep what it has";
        Issue::new(&column.slug, Code::Format, message)
    })
}

/// What a table with encrypted columns must not ask for: a cell that is not indexed belongs to its record's key, which is not known
/// when it is sealed if the store counts the keys.
pub(crate) fn check_table(table: &Table, issues: &mut Vec<Issue>) {
    if !table.draws_key() {
        return;
    }
    for column in table.live() {
        check_beside_key(table, column, issues);
    }
}

/// As [`check_table`], of one column.
pub(crate) fn check_beside_key(table: &Table, column: &Column, issues: &mut Vec<Issue>) {
    if table.draws_key()
        && column
            .encrypted
            .as_ref()
            .is_some_and(|encryption| !encryption.indexed)
    {
        let message = "An encrypted column needs keys that are known before a record is stored, not ones the store counts: \
                       use another key, or set encrypted.indexed";
        issues.push(Issue::new("encrypted", Code::Definition, message));
    }
}

/// What a definition of an encrypted column must not ask for.
pub(crate) fn check(column: &Column, issues: &mut Vec<Issue>) {
    let Some(encryption) = &column.encrypted else {
        return;
    };
    let kind = column.field();
    let mut report = |field: &str, message: String| issues.push(Issue::new(field, Code::Definition, message));
    let flags = kind.flags();
    if flags.computed || flags.needs_options || flags.reference || column.field_type == "autoNumber" {
        let message = format!("A {} column cannot be encrypted", kind.id());
        report("encrypted", message);
        return;
    }
    let few = matches!(column.field_type.as_str(), "boolean" | "rating" | "json");
    if encryption.indexed && few {
        let message = format!(
            "A {} column has few different values, or none that are alike, so its cells cannot be indexed",
            kind.id()
        );
        report("encrypted.indexed", message);
    }
    let constraints = &column.constraints;
    if constraints.unique && !encryption.indexed {
        report(
            "unique",
            "An encrypted column is unique only if its cells are indexed: set encrypted.indexed".into(),
        );
    }
    if column.indexed && !encryption.indexed {
        report(
            "indexed",
            "An index over cells that are all different finds nothing: set encrypted.indexed".into(),
        );
    }
    if column.default.is_some() {
        report(
            "defaultValue",
            "An encrypted column has no default: it would stand in the definition, readable".into(),
        );
    }
    if constraints.generated.is_some() {
        report(
            "generated",
            "Values of an encrypted column are not generated".into(),
        );
    }
    if constraints.reference.is_some() {
        report("ref", "An encrypted column cannot refer to records".into());
    }
    if column.primary {
        report(
            "isPrimary",
            "An encrypted column cannot name records to people".into(),
        );
    }
}
