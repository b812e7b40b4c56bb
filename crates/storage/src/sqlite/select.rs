//! Plans as SELECT statements: conditions, order and window. It runs nothing.

use chancery_model::filter::{FieldRef, Filter};
use chancery_model::query::fuzzy::Near;
use chancery_model::query::plan::{Boundary, Plan, Scope, Search, Window};
use chancery_model::{Table, Value};
use rusqlite::types::{ToSqlOutput, Value as SqlValue};

use super::filter::{condition, uuid_bytes};
use super::relation::{Relation, column_name, relation_name};
use super::rows::{Shape, encode, encode_key, order_bytes};
use super::search::{alternatives, has_words, texts, words_name};
use super::statement::Statement;

/// A plan as statements whose rows, one after another, are its records.
#[derive(Debug)]
pub(super) struct Selection {
    /// The statements; if there is a limit, each ends with `LIMIT ` and its number is to be appended and bound.
    pub(super) parts: Vec<Statement>,
    /// Most records.
    pub(super) limit: Option<u64>,
    /// Records skipped; only with one part.
    pub(super) offset: u64,
    /// Whether the rows come last first.
    pub(super) reverse: bool,
}

/// The records of a plan.
pub(super) fn selection(plan: &Plan, relation: &Relation) -> Selection {
    let what = &relation.select_list;
    match &plan.window {
        Window::All => {
            let steps = steps(plan, relation, None, false);
            Selection {
                parts: vec![whole(what, plan, relation, &steps)],
                limit: None,
                offset: 0,
                reverse: false,
            }
        }
        Window::Offset { offset, limit } => {
            let steps = steps(plan, relation, None, false);
            let parts = vec![whole(what, plan, relation, &steps)];
            Selection {
                parts,
                limit: Some(*limit),
                offset: *offset,
                reverse: false,
            }
        }
        Window::After { boundary, limit } => keyset(plan, relation, boundary, *limit, false),
        Window::Before { boundary, limit } => keyset(plan, relation, boundary, *limit, true),
    }
}

/// Appends the conditions of a plan, from `WHERE` on; its order and window aside.
pub(super) fn conditions(plan: &Plan, relation: &Relation, out: &mut Statement) {
    out.push(" WHERE ");
    match plan.scope {
        Scope::Live => {
            out.push("deleted_at IS NULL AND ");
        }
        Scope::Trash => {
            out.push("deleted_at IS NOT NULL AND ");
        }
        Scope::All => {}
    }
    out.push("(expires_at IS NULL OR expires_at > ")
        .bind(plan.now)
        .push(")");
    if !matches!(plan.filter, Filter::All) {
        out.push(" AND ");
        condition(&plan.filter, relation, out);
    }
    if let Some(search) = &plan.search {
        out.push(" AND ");
        search_condition(search, &relation.table, out);
    }
}

/// The unquoted name of a table's full-text index.
pub(super) fn search_name(table: &Table) -> String {
    format!("{}_search", relation_name(table.number))
}

fn search_condition(search: &Search, table: &Table, out: &mut Statement) {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let columns = search
        .columns
        .iter()
        .filter(|ordinal| has_words(table, **ordinal));
    let columns: Vec<String> = columns
        .map(|ordinal| quote(&column_name(table.at(*ordinal))))
        .collect();
    if search.words.is_empty() || columns.is_empty() {
        out.push(if search.words.is_empty() { "1" } else { "0" });
        return;
    }
    let name = search_name(table);
    out.push(&format!(
        "seq IN (SELECT rowid FROM \"{name}\" WHERE \"{name}\" MATCH "
    ));
    let columns = columns.join(" ");
    if search.fuzzy {
        out.bind(format!("{{{columns}}} : (")).push(" || ");
        near(search, table, out);
        out.push(" || ')') AND ");
        misfit(search, table, out);
        out.push(" IS NOT NULL");
        return;
    }
    let words = alternatives(search.words.iter().map(|word| (word.as_str(), &[][..])));
    out.bind(format!("{{{columns}}} : ({words})")).push(")");
}

/// What the full-text index is asked for a fuzzy search: the words of the table that are like those searched for.
fn near(search: &Search, table: &Table, out: &mut Statement) {
    let name = words_name(table);
    out.push("(SELECT search_near(").bind(words_text(search));
    // The empty word is like none, and there when no other is.
    out.push(&format!(
        ", word) FROM (SELECT '' AS word UNION ALL SELECT word FROM \"{name}\" WHERE marked = 1"
    ));
    if let Some((from, to)) = Near::new(search.words.clone()).chars() {
        out.push(&format!(
            " UNION ALL SELECT word FROM \"{name}\" WHERE marked = 0 AND chars BETWEEN "
        ));
        out.bind(from as i64).push(" AND ").bind(to as i64);
    }
    out.push("))");
}

/// How badly a record fits a fuzzy search; null if it does not.
fn misfit(search: &Search, table: &Table, out: &mut Statement) {
    let columns: Vec<u16> = search
        .columns
        .iter()
        .copied()
        .filter(|ordinal| has_words(table, *ordinal))
        .collect();
    out.push("search_misfit(").bind(words_text(search));
    if !columns.is_empty() {
        out.push(", ").push(&texts(table, &columns, ""));
    }
    out.push(")");
}

fn words_text(search: &Search) -> String {
    serde_json::to_string(&search.words).expect("texts are always JSON")
}

/// One key of the order, the record's key being the last.
struct Step<'a> {
    expression: &'a str,
    shape: Shape,
    descending: bool,
    nulls_first: bool,
    nullable: bool,
    /// The search that it ranks by, and its table.
    ranks: Option<(&'a Search, &'a Table)>,
    /// Its value at the boundary, if there is one; null is null.
    value: Option<SqlValue>,
}

/// The order of a plan, turned round if `reverse`.
fn steps<'a>(
    plan: &'a Plan,
    relation: &'a Relation,
    boundary: Option<&Boundary>,
    reverse: bool,
) -> Vec<Step<'a>> {
    let mut steps = Vec::with_capacity(plan.sort.len() + 1);
    for (index, key) in plan.order().iter().enumerate() {
        let (expression, mut shape) = relation.field(&key.field);
        let ranks = match (&key.field, &plan.search) {
            (FieldRef::Rank, Some(search)) => {
                shape = Shape::Int;
                Some((search, &*relation.table))
            }
            _ => None,
        };
        if shape == Shape::Absent {
            continue;
        }
        let nullable = !matches!(
            key.field,
            FieldRef::Key | FieldRef::Version | FieldRef::CreatedAt | FieldRef::UpdatedAt | FieldRef::Rank
        );
        let value = boundary
            .and_then(|boundary| boundary.values.get(index))
            .map_or(SqlValue::Null, |value| boundary_value(&shape, value));
        steps.push(Step {
            expression,
            descending: key.descending != reverse,
            nulls_first: key.nulls_first != reverse,
            nullable,
            ranks,
            value: boundary.map(|_| value),
            shape,
        });
    }
    steps.push(Step {
        expression: "id",
        shape: relation.key_shape(),
        descending: reverse,
        nulls_first: false,
        nullable: false,
        ranks: None,
        value: boundary.map(|boundary| owned(encode_key(&boundary.key))),
    });
    steps
}

/// A value of a boundary in the form that the step's expression has.
fn boundary_value(shape: &Shape, value: &Value) -> SqlValue {
    match (shape, value) {
        (_, Value::Null) => SqlValue::Null,
        (Shape::List | Shape::Extra(_), value) => order_bytes(value).map_or(SqlValue::Null, SqlValue::Blob),
        (Shape::Uuid, Value::Text(text)) => uuid_bytes(text).unwrap_or_else(|| text.clone().into()),
        (Shape::Decimal(scale), value) => {
            let exact = match value {
                Value::Int(int) => Value::Decimal((*int).into()),
                other => other.clone(),
            };
            let fallback = || value.as_f64().unwrap_or_default() * 10_f64.powi(*scale as i32);
            encode(shape, &exact).map_or_else(|_| fallback().into(), owned)
        }
        (shape, value) => encode(shape, value).map_or(SqlValue::Null, owned),
    }
}

fn owned(output: ToSqlOutput<'_>) -> SqlValue {
    match output {
        ToSqlOutput::Owned(value) => value,
        ToSqlOutput::Borrowed(value) => SqlValue::try_from(value).unwrap_or(SqlValue::Null),
        _ => SqlValue::Null,
    }
}

impl Step<'_> {
    fn write(&self, out: &mut Statement) {
        if let Some((search, table)) = self.ranks {
            return misfit(search, table, out);
        }
        match &self.shape {
            Shape::List => {
                out.push("list_order(").push(self.expression).push(")");
            }
            Shape::Extra(name) => {
                out.push("extra_order(")
                    .push(self.expression)
                    .push(", ")
                    .bind(name.clone())
                    .push(")");
            }
            _ => {
                out.push(self.expression);
            }
        }
    }

    /// It is equal to the boundary.
    fn tie(&self, out: &mut Statement) {
        self.write(out);
        match &self.value {
            Some(value) if *value != SqlValue::Null => {
                out.push(" = ").bind(value.clone());
            }
            _ => {
                out.push(" IS NULL");
            }
        }
    }

    /// The ways to be beyond the boundary, in the order in which they come.
    fn ways(&self) -> &'static [Way] {
        let null = matches!(self.value, None | Some(SqlValue::Null));
        match (null, self.nulls_first || !self.nullable) {
            (true, true) => &[Way::NotNull],
            (true, false) => &[],
            (false, true) => &[Way::Value],
            (false, false) => &[Way::Value, Way::Null],
        }
    }

    fn way(&self, way: Way, out: &mut Statement) {
        self.write(out);
        match (way, &self.value) {
            (Way::Value, Some(value)) => {
                out.push(if self.descending { " < " } else { " > " })
                    .bind(value.clone());
            }
            (Way::Null, _) => {
                out.push(" IS NULL");
            }
            _ => {
                out.push(" IS NOT NULL");
            }
        }
    }
}

/// A way to be beyond a boundary.
#[derive(Clone, Copy)]
enum Way {
    /// By value.
    Value,
    /// By not being null.
    NotNull,
    /// By being null.
    Null,
}

/// Appends the order. The first `fixed` steps are known to hold no nulls, or nothing else.
fn order(steps: &[Step<'_>], fixed: usize, out: &mut Statement) {
    out.push(" ORDER BY ");
    for (index, step) in steps.iter().enumerate() {
        out.push(if index == 0 { "" } else { ", " });
        step.write(out);
        out.push(if step.descending { " DESC" } else { "" });
        // SQLite has nulls first going up and last going down, and uses an index most simply as it is.
        if step.nullable && index >= fixed && step.nulls_first == step.descending {
            out.push(if step.nulls_first {
                " NULLS FIRST"
            } else {
                " NULLS LAST"
            });
        }
    }
}

fn start(what: &str, plan: &Plan, relation: &Relation) -> Statement {
    let mut out = Statement::default();
    out.push("SELECT ").push(what).push(" FROM ").push(&relation.name);
    conditions(plan, relation, &mut out);
    out
}

fn whole(what: &str, plan: &Plan, relation: &Relation, steps: &[Step<'_>]) -> Statement {
    let mut out = start(what, plan, relation);
    order(steps, 0, &mut out);
    out
}

/// The records beyond a boundary. Where an index has the order, one statement for each way to be beyond it: each is a
/// range of that index, so that a far page costs what the first does. Otherwise one statement, for one scan.
fn keyset(plan: &Plan, relation: &Relation, boundary: &Boundary, limit: u64, reverse: bool) -> Selection {
    let steps = steps(plan, relation, Some(boundary), reverse);
    // What a fuzzy search may mean is found out once for each statement.
    let fuzzy = plan.search.as_ref().is_some_and(|search| search.fuzzy);
    let ranged = !fuzzy && plan.sort.first().is_none_or(|key| relation.has_index(&key.field));
    let parts = if ranged {
        ranges(plan, relation, &steps)
    } else {
        let mut out = start(&relation.select_list, plan, relation);
        out.push(" AND ");
        beyond(&steps, &mut out);
        order(&steps, 0, &mut out);
        vec![out]
    };
    Selection {
        parts,
        limit: Some(limit),
        offset: 0,
        reverse,
    }
}

fn ranges(plan: &Plan, relation: &Relation, steps: &[Step<'_>]) -> Vec<Statement> {
    let mut parts = Vec::new();
    for last in (0..steps.len()).rev() {
        for way in steps[last].ways() {
            let mut out = start(&relation.select_list, plan, relation);
            for step in &steps[..last] {
                out.push(" AND ");
                step.tie(&mut out);
            }
            out.push(" AND ");
            steps[last].way(*way, &mut out);
            order(steps, last + 1, &mut out);
            parts.push(out);
        }
    }
    parts
}

/// Appends the condition of being beyond the boundary.
fn beyond(steps: &[Step<'_>], out: &mut Statement) {
    let [step, rest @ ..] = steps else { return };
    out.push("(");
    for way in step.ways() {
        step.way(*way, out);
        out.push(" OR ");
    }
    if rest.is_empty() {
        out.push("0)");
        return;
    }
    step.tie(out);
    out.push(" AND ");
    beyond(rest, out);
    out.push(")");
}
