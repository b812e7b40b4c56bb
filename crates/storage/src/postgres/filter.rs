//! Filters as SQL conditions. What a test means is said by `Test::passes`; a condition here equals it, or lets more through
//! and says so ([`Statement::recheck`]): then the records themselves are tested.

use chancery_model::Value;
use chancery_model::filter::{FieldRef, Filter, Test, fold};

use super::fold::Folding;
use super::operand::{Operand, Order, equality, order};
use super::relation::{Relation, lead, lead_text};
use super::rows::Shape;
use super::statement::{Param, Statement};
use super::text::{escape, is_plain};

/// Appends a filter as a condition.
pub(super) fn condition(filter: &Filter, relation: &Relation, out: &mut Statement) {
    match filter {
        Filter::All => {
            out.push("true");
        }
        Filter::And(parts) => join(parts, " AND ", "true", relation, out),
        Filter::Or(parts) => join(parts, " OR ", "false", relation, out),
        Filter::Field(field, test) => leaf(field, test, relation, out),
    }
}

fn join(parts: &[Filter], word: &str, empty: &str, relation: &Relation, out: &mut Statement) {
    if parts.is_empty() {
        out.push(empty);
        return;
    }
    out.push("(");
    for (index, part) in parts.iter().enumerate() {
        out.push(if index == 0 { "" } else { word });
        condition(part, relation, out);
    }
    out.push(")");
}

fn leaf(field: &FieldRef, test: &Test, relation: &Relation, out: &mut Statement) {
    let (expression, shape) = relation.field(field);
    match &shape {
        Shape::Absent => {
            out.push(truth(test.passes(&Value::Null)));
        }
        Shape::Extra(name) => undeclared(expression, name, test, out),
        _ => Leaf {
            expression,
            lead: relation.has_lead(field),
            shape,
            test,
            out,
        }
        .write(),
    }
}

fn truth(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
}

/// A test of an undeclared field. The object is JSON as this program wrote it, so that a member's name, or its name and
/// its text, stand in it in one known form; they may stand deeper too, so the record is tested again.
fn undeclared(expression: &str, name: &str, test: &Test, out: &mut Statement) {
    out.recheck = true;
    if test.passes(&Value::Null) {
        out.push("true");
        return;
    }
    let quoted = |text: &str| serde_json::to_string(text).expect("a text is always JSON");
    let value = match test {
        Test::Eq(Value::Text(text)) => quoted(text),
        _ => String::new(),
    };
    out.push("strpos(").push(expression).push(", ");
    out.bind(format!("{}:{value}", quoted(name))).push(") > 0");
}

/// One test of one column.
struct Leaf<'a> {
    expression: &'a str,
    /// Whether an index holds the beginnings of its texts.
    lead: bool,
    shape: Shape,
    test: &'a Test,
    out: &'a mut Statement,
}

impl Leaf<'_> {
    fn write(mut self) {
        match self.test {
            Test::Eq(value) => self.equal(value),
            Test::Ne(value) => self.unequal(value),
            Test::Lt(bound) => self.compare("<", bound),
            Test::Le(bound) => self.compare("<=", bound),
            Test::Gt(bound) => self.compare(">", bound),
            Test::Ge(bound) => self.compare(">=", bound),
            Test::Between(low, high) => {
                self.out.push("(");
                self.compare(">=", low);
                self.out.push(" AND ");
                self.compare("<=", high);
                self.out.push(")");
            }
            Test::In(values) => self.is_in(values),
            Test::NotIn(values) => self.is_not_in(values),
            Test::Contains(needle) => self.contains(needle, false),
            Test::NotContains(needle) => self.contains(needle, true),
            Test::StartsWith(start) => self.starts_with(start),
            Test::EndsWith(end) => self.ends_with(end),
            Test::Regex(_) if matches!(self.shape, Shape::Text | Shape::Uuid) => self.recheck(false),
            Test::Regex(_) => self.constant(false),
            Test::ListAll(items) => self.list(items, " @> ", true),
            Test::ListAny(items) => self.list(items, " && ", false),
            Test::Blank => self.blank(),
            Test::Present => self.present(),
        }
    }

    fn say(&mut self, sql: &str) -> &mut Statement {
        self.out.push(self.expression).push(sql)
    }

    fn constant(&mut self, holds: bool) {
        self.out.push(truth(holds));
    }

    /// Leaves the test to the records: all of them, or those that have a value.
    fn recheck(&mut self, nulls: bool) {
        self.out.recheck = true;
        match nulls {
            true => self.constant(true),
            false => {
                self.say(" IS NOT NULL");
            }
        }
    }

    /// The column as text.
    fn text(&self) -> String {
        match self.shape {
            Shape::Uuid => format!("({}::text COLLATE \"C\")", self.expression),
            _ => self.expression.to_owned(),
        }
    }

    fn equal(&mut self, value: &Value) {
        match equality(&self.shape, value) {
            Operand::Null => {
                self.say(" IS NULL");
            }
            Operand::Bind(bound) => self.same(bound),
            Operand::Typed(bound, float) => {
                self.out.push("(");
                self.same(bound);
                self.out.push(" AND scale(").push(self.expression);
                self.out.push(if float { ") > 0)" } else { ") = 0)" });
            }
            Operand::Never => self.constant(false),
            Operand::Recheck => self.recheck(false),
        }
    }

    /// Is equal to something bound; by way of the index if that holds beginnings.
    fn same(&mut self, bound: Param) {
        let Param::Text(text) = &bound else {
            self.say(" = ").bind(bound);
            return;
        };
        if self.lead {
            let beginning = Param::Stored(lead_text(&escape(text)).to_owned());
            self.out
                .push("(")
                .push(&lead(self.expression))
                .push(" = ")
                .bind(beginning);
            self.out.push(" AND ");
            self.say(" = ").bind(bound).push(")");
        } else {
            self.say(" = ").bind(bound);
        }
    }

    fn unequal(&mut self, value: &Value) {
        match equality(&self.shape, value) {
            Operand::Null => {
                self.say(" IS NOT NULL");
            }
            Operand::Bind(bound) => {
                self.say(" IS DISTINCT FROM ").bind(bound);
            }
            Operand::Typed(..) => {
                self.out.push("(");
                self.equal(value);
                self.out.push(") IS NOT TRUE");
            }
            Operand::Recheck => self.recheck(true),
            Operand::Never => self.constant(true),
        }
    }

    fn compare(&mut self, operator: &str, bound: &Value) {
        match order(&self.shape, operator, bound) {
            Order::Bind(operator, value) => self.ranged(operator, value),
            Order::Split(whole, float) => {
                let scale = format!("scale({})", self.expression);
                self.out.push("(").push(&scale).push(" = 0 AND ");
                self.ranged(operator, whole);
                self.out.push(" OR ").push(&scale).push(" > 0 AND ");
                self.ranged(operator, float);
                self.out.push(")");
            }
            Order::AsText(text) => {
                let expression = self.text();
                self.out
                    .push(&expression)
                    .push(" ")
                    .push(operator)
                    .push(" ")
                    .bind(text);
            }
            Order::Always => {
                self.say(" IS NOT NULL");
            }
            Order::Never => self.constant(false),
            Order::Recheck => self.recheck(false),
        }
    }

    /// Is in an order with something bound; the index gives the range if it holds beginnings.
    fn ranged(&mut self, operator: &str, bound: Param) {
        let range = match &bound {
            Param::Text(text) if self.lead => Some(lead_text(&escape(text)).to_owned()),
            _ => None,
        };
        let Some(beginning) = range else {
            self.say(" ").push(operator).push(" ").bind(bound);
            return;
        };
        let around = if operator.starts_with('<') { " <= " } else { " >= " };
        self.out.push("(").push(&lead(self.expression)).push(around);
        self.out.bind(Param::Stored(beginning)).push(" AND ");
        self.say(" ").push(operator).push(" ").bind(bound).push(")");
    }

    fn is_in(&mut self, values: &[Value]) {
        let Some((members, null)) = self.members(values) else {
            return self.recheck(values.contains(&Value::Null));
        };
        match (members.is_empty(), null) {
            (true, false) => self.constant(false),
            (true, true) => {
                self.say(" IS NULL");
            }
            (false, false) => self.one_of(members),
            (false, true) => {
                self.out.push("(");
                self.say(" IS NULL OR ");
                self.one_of(members);
                self.out.push(")");
            }
        }
    }

    fn is_not_in(&mut self, values: &[Value]) {
        let Some((members, null)) = self.members(values) else {
            return self.recheck(true);
        };
        match (members.is_empty(), null) {
            (true, false) => self.constant(true),
            (true, true) => {
                self.say(" IS NOT NULL");
            }
            (false, _) => {
                self.out.push("(");
                self.one_of(members);
                self.out.push(if null { ") IS FALSE" } else { ") IS NOT TRUE" });
            }
        }
    }

    /// The values that can be members, and whether null is one; none if SQL cannot tell.
    fn members(&self, values: &[Value]) -> Option<(Vec<Value>, bool)> {
        let mut members = Vec::with_capacity(values.len());
        let mut null = false;
        for value in values {
            match equality(&self.shape, value) {
                Operand::Null => null = true,
                Operand::Bind(_) | Operand::Typed(..) => members.push(value.clone()),
                Operand::Never => {}
                Operand::Recheck => return None,
            }
        }
        Some((members, null))
    }

    /// Is one of these, which all can be bound. Null if the column is null.
    fn one_of(&mut self, members: Vec<Value>) {
        let mut many = Many::default();
        let mut others = Vec::new();
        for value in members {
            match equality(&self.shape, &value) {
                Operand::Bind(bound) => others.extend(many.take(bound).is_some().then_some(value)),
                _ => others.push(value),
            }
        }
        let parts: Vec<Param> = many.params();
        self.out.push("(");
        let mut first = true;
        for part in parts {
            self.out.push(if first { "" } else { " OR " });
            first = false;
            if let (true, Param::Texts(texts)) = (self.lead, &part) {
                let leads = texts.iter().map(|text| lead_text(&escape(text)).to_owned());
                let leads = Param::StoredTexts(leads.collect());
                self.out
                    .push(&lead(self.expression))
                    .push(" = ANY(")
                    .bind(leads)
                    .push(") AND ");
            }
            self.say(" = ANY(").bind(part).push(")");
        }
        for value in others {
            self.out.push(if first { "" } else { " OR " });
            first = false;
            self.equal(&value);
        }
        self.out.push(")");
    }

    fn contains(&mut self, needle: &str, negated: bool) {
        let expression = self.text();
        match self.shape {
            Shape::List => {
                self.out.push("(");
                self.say(" @> ")
                    .bind(Param::Texts(vec![needle.to_owned()]))
                    .push(")");
            }
            // JSON text holds no such characters as they are.
            Shape::Json if !is_plain(needle) => return self.constant(negated),
            Shape::Text | Shape::Json | Shape::Uuid => {
                let folded = fold(needle);
                if !is_plain(&folded) {
                    return self.recheck(negated);
                }
                self.out.push("(");
                Folding::of(&folded).write(&expression, self.out);
                self.out.push(")");
            }
            _ => return self.constant(negated),
        }
        self.out.push(if negated { " IS NOT TRUE" } else { "" });
    }

    fn starts_with(&mut self, start: &str) {
        match self.shape {
            Shape::Text | Shape::Uuid if start.is_empty() => {
                self.say(" IS NOT NULL");
            }
            Shape::Text | Shape::Uuid => {
                let expression = self.text();
                self.out.push("(");
                if self.lead {
                    let stored = escape(start);
                    let beginning = lead_text(&stored);
                    let of = lead(&expression);
                    self.out
                        .push(&of)
                        .push(" >= ")
                        .bind(Param::Stored(beginning.to_owned()))
                        .push(" AND ");
                    if let Some(end) = after_prefix(beginning) {
                        self.out
                            .push(&of)
                            .push(" < ")
                            .bind(Param::Stored(end))
                            .push(" AND ");
                    }
                }
                self.out
                    .push("starts_with(")
                    .push(&expression)
                    .push(", ")
                    .bind(start)
                    .push("))");
            }
            _ => self.constant(false),
        }
    }

    fn ends_with(&mut self, end: &str) {
        match self.shape {
            Shape::Text | Shape::Uuid if end.is_empty() => {
                self.say(" IS NOT NULL");
            }
            Shape::Text | Shape::Uuid if !is_plain(end) => self.recheck(false),
            Shape::Text | Shape::Uuid => {
                let expression = self.text();
                let length = end.chars().count();
                self.out
                    .push(&format!("right({expression}, {length}) = "))
                    .bind(end);
            }
            _ => self.constant(false),
        }
    }

    fn list(&mut self, items: &[String], operator: &str, all: bool) {
        if self.shape != Shape::List {
            return self.constant(false);
        }
        match items {
            [] if all => {
                self.say(" IS NOT NULL");
            }
            [] => self.constant(false),
            items => {
                self.say(operator).bind(Param::Texts(items.to_vec()));
            }
        }
    }

    fn blank(&mut self) {
        let expression = self.expression;
        self.out.push("(").push(expression).push(" IS NULL");
        match self.shape {
            Shape::Text => self.out.push(" OR ").push(expression).push(" = ''"),
            Shape::List => self.out.push(" OR cardinality(").push(expression).push(") = 0"),
            _ => self.out,
        };
        self.out.push(")");
    }

    fn present(&mut self) {
        let expression = self.expression;
        match self.shape {
            Shape::Text => self.say(" <> ''"),
            Shape::List => self.out.push("cardinality(").push(expression).push(") > 0"),
            _ => self.say(" IS NOT NULL"),
        };
    }
}

/// Bound values gathered into arrays.
#[derive(Default)]
struct Many {
    ints: Vec<i64>,
    numerics: Vec<String>,
    texts: Vec<String>,
    uuids: Vec<uuid::Uuid>,
}

impl Many {
    /// Takes a value in; gives it back if there is no array for its kind.
    fn take(&mut self, param: Param) -> Option<Param> {
        match param {
            Param::Int(int) => self.ints.push(int),
            Param::Numeric(digits) => self.numerics.push(digits),
            Param::Text(text) => self.texts.push(text),
            Param::Uuid(uuid) => self.uuids.push(uuid),
            other => return Some(other),
        }
        None
    }

    fn params(self) -> Vec<Param> {
        let mut params = Vec::new();
        params.extend((!self.ints.is_empty()).then_some(Param::Ints(self.ints)));
        params.extend((!self.numerics.is_empty()).then_some(Param::Numerics(self.numerics)));
        params.extend((!self.texts.is_empty()).then_some(Param::Texts(self.texts)));
        params.extend((!self.uuids.is_empty()).then_some(Param::Uuids(self.uuids)));
        params
    }
}

/// The smallest text above every text that starts with `start`; none if there is none.
fn after_prefix(start: &str) -> Option<String> {
    let mut end = start.to_owned();
    while let Some(last) = end.pop() {
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            char::from_u32(last as u32 + 1)
        };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}
