//! Plans as SELECT statements: conditions, order and window. It runs nothing.

use chancery_model::filter::{FieldRef, Filter};
use chancery_model::query::plan::{Boundary, Plan, Scope, Search, Window};
use chancery_model::{Table, Value};

use super::filter::condition;
use super::numeric;
use super::operand::uuid;
use super::relation::{Relation, lead, lead_text};
use super::rows::{Shape, encode, encode_key};
use super::search::{has_words, index_name};
use super::statement::{Param, Statement};
use super::text::escape;

/// A plan as statements whose rows, one after another, are its records.
#[derive(Debug)]
pub(super) struct Selection {
    /// The statements, without limit and offset.
    pub(super) parts: Vec<Statement>,
    /// Most records.
    pub(super) limit: Option<u64>,
    /// Records skipped; only with one part.
    pub(super) offset: u64,
    /// Whether the rows come last first.
    pub(super) reverse: bool,
    /// Whether the rows come in no order: SQL cannot say it.
    pub(super) unordered: bool,
}

impl Selection {
    /// Whether rows have to be tested or sorted before they are counted.
    pub(super) fn is_raw(&self) -> bool {
        self.unordered || self.parts.iter().any(|part| part.recheck)
    }
}

/// The records of a plan.
pub(super) fn selection(plan: &Plan, relation: &Relation, searched: Option<&str>) -> Selection {
    let asked = Asked {
        plan,
        relation,
        searched,
    };
    let (limit, offset) = match &plan.window {
        Window::All => (None, 0),
        Window::Offset { offset, limit } => (Some(*limit), *offset),
        Window::After { limit, .. } | Window::Before { limit, .. } => (Some(*limit), 0),
    };
    let unsaid = |field: &FieldRef| matches!(field, FieldRef::Extra(_) | FieldRef::Rank);
    if plan.sort.iter().any(|key| unsaid(&key.field)) {
        return Selection {
            parts: vec![asked.start()],
            limit,
            offset,
            reverse: false,
            unordered: true,
        };
    }
    let (parts, reverse) = match &plan.window {
        Window::After { boundary, .. } => (asked.keyset(boundary, false), false),
        Window::Before { boundary, .. } => (asked.keyset(boundary, true), true),
        _ => (asked.whole(limit.is_some() && offset == 0), false),
    };
    Selection {
        parts,
        limit,
        offset,
        reverse,
        unordered: false,
    }
}

/// Appends the conditions of a plan, from `WHERE` on; its order and window aside. `searched` is what the full-text
/// index that the plan needs is asked, if it is there.
pub(super) fn conditions(plan: &Plan, relation: &Relation, searched: Option<&str>, out: &mut Statement) {
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
        search_condition(search, &relation.table, searched, out);
    }
}

fn search_condition(search: &Search, table: &Table, searched: Option<&str>, out: &mut Statement) {
    if search.words.is_empty() {
        out.push("true");
        return;
    }
    if !search.columns.iter().any(|ordinal| has_words(table, *ordinal)) {
        out.push("false");
        return;
    }
    out.recheck = true;
    if let Some(text) = searched {
        out.push(&index_name(table)).push(" @@ ");
        out.bind(text).push("::text::tsquery");
    } else {
        out.push("true");
    }
}

/// Where a boundary is to the values of a column.
#[derive(Clone, Debug, PartialEq)]
enum Bound {
    /// At null.
    Null,
    /// At this value.
    At(Param),
    /// Above every value.
    Above,
    /// Below every value.
    Below,
}

/// One key of the order, the record's key being the last.
struct Step<'a> {
    expression: &'a str,
    /// Whether an index holds the beginnings of its texts.
    lead: bool,
    descending: bool,
    nulls_first: bool,
    nullable: bool,
    /// Its value at the boundary, if there is one.
    bound: Option<Bound>,
}

/// A plan on its relation.
struct Asked<'a> {
    plan: &'a Plan,
    relation: &'a Relation,
    searched: Option<&'a str>,
}

/// A value of a boundary in the form that the column has.
fn bound(shape: &Shape, value: &Value) -> Bound {
    let digits = |value: &Value| Bound::At(Param::Numeric(numeric::digits(value).unwrap_or_default()));
    let sample = match shape {
        Shape::Bool => Value::Bool(false),
        Shape::Int | Shape::Number | Shape::Decimal(_) => Value::Int(0),
        Shape::List => Value::List(Vec::new()),
        Shape::Json => Value::Json(Box::new(serde_json::json!({}))),
        _ => Value::text(""),
    };
    match (shape, value) {
        (_, Value::Null) => Bound::Null,
        (_, value) if !sample.comparable(value) => match sample < *value {
            true => Bound::Above,
            false => Bound::Below,
        },
        (Shape::Uuid, Value::Text(text)) => uuid(text).map_or(Bound::Above, Bound::At),
        (Shape::Int, Value::Float(_) | Value::Decimal(_)) => {
            Bound::At(Param::Int(value.as_f64().unwrap_or_default().floor() as i64))
        }
        (Shape::Number | Shape::Decimal(_), value) => digits(value),
        (shape, value) => encode(shape, value).map_or(Bound::Above, Bound::At),
    }
}

impl Step<'_> {
    fn write(&self, out: &mut Statement) {
        out.push(self.expression);
    }

    /// It is equal to the boundary.
    fn tie(&self, out: &mut Statement) {
        match &self.bound {
            Some(Bound::At(value)) => {
                if let (true, Param::Text(text)) = (self.lead, value) {
                    let beginning = Param::Stored(lead_text(&escape(text)).to_owned());
                    out.push(&lead(self.expression))
                        .push(" = ")
                        .bind(beginning)
                        .push(" AND ");
                }
                self.write(out);
                out.push(" = ").bind(value.clone());
            }
            Some(Bound::Above | Bound::Below) => {
                out.push("false");
            }
            _ => {
                self.write(out);
                out.push(" IS NULL");
            }
        }
    }

    /// The ways to be beyond the boundary, in the order in which they come.
    fn ways(&self) -> &'static [Way] {
        let nulls_last = self.nullable && !self.nulls_first;
        match (&self.bound, nulls_last) {
            (None | Some(Bound::Null), true) => &[],
            (None | Some(Bound::Null), false) => &[Way::NotNull],
            (Some(Bound::At(_)), true) => &[Way::Value, Way::Null],
            (Some(Bound::At(_)), false) => &[Way::Value],
            (Some(Bound::Below), _) if self.descending => self.after_values(nulls_last),
            (Some(Bound::Above), _) if !self.descending => self.after_values(nulls_last),
            (Some(Bound::Below | Bound::Above), true) => &[Way::NotNull, Way::Null],
            (Some(Bound::Below | Bound::Above), false) => &[Way::NotNull],
        }
    }

    fn after_values(&self, nulls_last: bool) -> &'static [Way] {
        if nulls_last { &[Way::Null] } else { &[] }
    }

    fn way(&self, way: Way, out: &mut Statement) {
        match (way, &self.bound) {
            (Way::Value, Some(Bound::At(value))) => {
                if let (true, Param::Text(text)) = (self.lead, value) {
                    let beginning = Param::Stored(lead_text(&escape(text)).to_owned());
                    out.push(&lead(self.expression))
                        .push(if self.descending { " <= " } else { " >= " })
                        .bind(beginning)
                        .push(" AND ");
                }
                self.write(out);
                out.push(if self.descending { " < " } else { " > " })
                    .bind(value.clone());
            }
            (Way::Null, _) => {
                self.write(out);
                out.push(" IS NULL");
            }
            _ => {
                self.write(out);
                out.push(" IS NOT NULL");
            }
        }
    }

    /// Appends it to an order; `known` says that all its values are null or none is.
    fn sort(&self, known: bool, out: &mut Statement) {
        let mut direction = if self.descending { " DESC" } else { "" }.to_owned();
        // PostgreSQL has nulls last going up and first going down, and uses an index most simply as it is.
        if self.nullable && !known && self.nulls_first != self.descending {
            direction.push_str(if self.nulls_first {
                " NULLS FIRST"
            } else {
                " NULLS LAST"
            });
        }
        if self.lead {
            out.push(&lead(self.expression)).push(&direction).push(", ");
        }
        self.write(out);
        out.push(&direction);
    }
}

/// A way to be beyond a boundary.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// By value.
    Value,
    /// By not being null.
    NotNull,
    /// By being null.
    Null,
}

/// Appends the order. The first `known` steps hold no nulls, or nothing else.
fn order(steps: &[Step<'_>], known: usize, out: &mut Statement) {
    out.push(" ORDER BY ");
    for (index, step) in steps.iter().enumerate() {
        out.push(if index == 0 { "" } else { ", " });
        step.sort(index < known, out);
    }
}

impl Asked<'_> {
    fn start(&self) -> Statement {
        let mut out = Statement::new("SELECT ");
        out.push(&self.relation.select_list)
            .push(" FROM ")
            .push(&self.relation.name);
        conditions(self.plan, self.relation, self.searched, &mut out);
        out
    }

    /// The order of the plan, turned round if `reverse`.
    fn steps(&self, boundary: Option<&Boundary>, reverse: bool) -> Vec<Step<'_>> {
        let (plan, relation) = (self.plan, self.relation);
        let mut steps = Vec::with_capacity(plan.sort.len() + 1);
        for (index, key) in plan.order().iter().enumerate() {
            let (expression, shape) = relation.field(&key.field);
            if shape == Shape::Absent {
                continue;
            }
            let nullable = !matches!(
                key.field,
                FieldRef::Key | FieldRef::Version | FieldRef::CreatedAt | FieldRef::UpdatedAt
            );
            let value = |boundary: &Boundary| {
                let value = boundary.values.get(index);
                value.map_or(Bound::Null, |value| bound(&shape, value))
            };
            steps.push(Step {
                expression,
                lead: relation.has_lead(&key.field),
                descending: key.descending != reverse,
                nulls_first: key.nulls_first != reverse,
                nullable,
                bound: boundary.map(value),
            });
        }
        steps.push(Step {
            expression: "id",
            lead: false,
            descending: reverse,
            nulls_first: false,
            nullable: false,
            bound: boundary.map(|boundary| Bound::At(encode_key(&boundary.key))),
        });
        steps
    }

    /// All records in order. Where only a page is wanted and an index has the order but for where its nulls are, two
    /// statements: one for the values, one for the nulls.
    fn whole(&self, page: bool) -> Vec<Statement> {
        let steps = self.steps(None, false);
        let first = &steps[0];
        let indexed = self
            .plan
            .sort
            .first()
            .is_some_and(|key| self.relation.has_index(&key.field));
        if page && indexed && first.nullable && first.nulls_first != first.descending {
            let mut ways = [Way::NotNull, Way::Null];
            if first.nulls_first {
                ways.reverse();
            }
            let part = |way: &Way| {
                let mut out = self.start();
                out.push(" AND ");
                first.way(*way, &mut out);
                order(&steps, 1, &mut out);
                out
            };
            return ways.iter().map(part).collect();
        }
        let mut out = self.start();
        order(&steps, 0, &mut out);
        vec![out]
    }

    /// The records beyond a boundary. Where an index has the order, one statement for each way to be beyond it: each is
    /// a range of that index, so that a far page costs what the first does. Otherwise one statement, for one scan.
    fn keyset(&self, boundary: &Boundary, reverse: bool) -> Vec<Statement> {
        let steps = self.steps(Some(boundary), reverse);
        let first = self.plan.sort.first();
        if first.is_none_or(|key| self.relation.has_index(&key.field)) {
            return self.ranges(&steps);
        }
        let mut out = self.start();
        out.push(" AND ");
        beyond(&steps, &mut out);
        order(&steps, 0, &mut out);
        vec![out]
    }

    fn ranges(&self, steps: &[Step<'_>]) -> Vec<Statement> {
        let mut parts = Vec::new();
        for last in (0..steps.len()).rev() {
            for way in steps[last].ways() {
                let mut out = self.start();
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
        out.push("false)");
        return;
    }
    step.tie(out);
    out.push(" AND ");
    beyond(rest, out);
    out.push(")");
}
