//! The SQL of typical plans, word for word: a change of it is seen in review, and so is a change of what an index serves.

use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Function, Measure};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::plan::{Plan, Scope, Search, SortKey, Window};
use chancery_model::{Column, KeyKind, Table, Value};

use super::relation::Relation;
use super::statement::Param;
use super::tests::{column, table};
use super::{aggregate, ddl, select};

fn relation() -> Relation {
    Relation::new(table())
}

fn plan(filter: Filter) -> Plan {
    Plan {
        filter,
        ..Plan::all(table(), 5)
    }
}

fn is(ordinal: u16, test: Test) -> Filter {
    Filter::Field(FieldRef::Column(ordinal), test)
}

fn by(ordinal: u16, descending: bool, nulls_first: bool) -> SortKey {
    SortKey {
        field: FieldRef::Column(ordinal),
        descending,
        nulls_first,
    }
}

/// The conditions and order of a plan, without what all plans have in common.
fn sql(plan: &Plan) -> String {
    let relation = Relation::new(plan.table.clone());
    let parts = select::selection(plan, &relation).parts.into_iter().map(|part| {
        let start = format!("SELECT {} FROM {} WHERE ", relation.select_list, relation.name);
        let bound: Vec<String> = part.params.iter().skip(1).map(said).collect();
        let text = part
            .sql
            .strip_prefix(&start)
            .expect("every selection starts like this");
        let text = text.replace("(expires_at IS NULL OR expires_at > ?)", "<unexpired>");
        format!("{text}  -- {}", bound.join(", "))
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn said(param: &Param) -> String {
    use rusqlite::types::Value as SqlValue;
    match param {
        Param::One(SqlValue::Integer(int)) => int.to_string(),
        Param::One(SqlValue::Text(text)) => format!("{text:?}"),
        Param::One(other) => format!("{other:?}"),
        Param::Many(values) => format!("{} values", values.len()),
    }
}

#[test]
fn relations_and_their_indexes() {
    let relation = relation();
    insta::assert_snapshot!(ddl::create(&relation));
    let indexes: Vec<String> = ddl::indexes(&relation)
        .into_values()
        .map(|index| index.create)
        .collect();
    insta::assert_snapshot!(indexes.join("\n"));
}

#[test]
fn names_from_hostile_slugs_are_plain() {
    let hostile = Column {
        indexed: true,
        ..column(0, "a\"; DROP TABLE t1; --é", "text")
    };
    let table = Table {
        columns: vec![hostile],
        key_kind: KeyKind::Text,
        ..Table::default()
    };
    let relation = Relation::new(Arc::new(table));
    insta::assert_snapshot!(ddl::create(&relation));
}

#[test]
fn tests_of_texts() {
    let text = |test| sql(&plan(is(0, test)));
    let all = [
        text(Test::Eq(Value::text("a"))),
        text(Test::Eq(Value::Null)),
        text(Test::Eq(Value::Int(1))),
        text(Test::Ne(Value::text("a"))),
        text(Test::In(vec![Value::text("a"), Value::Null])),
        text(Test::NotIn(vec![Value::text("a"), Value::text("b")])),
        text(Test::In((0..20).map(|n| Value::text(n.to_string())).collect())),
        text(Test::Contains("Äb".into())),
        text(Test::NotContains("b".into())),
        text(Test::StartsWith("ab".into())),
        text(Test::EndsWith("ab".into())),
        text(Test::Between(Value::text("a"), Value::text("b"))),
        text(Test::Blank),
        text(Test::Present),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn tests_of_numbers() {
    let number = |test| sql(&plan(is(2, test)));
    let all = [
        number(Test::Gt(Value::Float(2.5))),
        number(Test::Eq(Value::Int(1 << 53))),
        number(Test::Lt(Value::text("a"))),
        number(Test::Blank),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn groups_of_tests() {
    let tests = Filter::And(vec![
        is(2, Test::Ge(Value::Int(1))),
        Filter::Or(vec![
            is(0, Test::Present),
            Filter::Field(FieldRef::Version, Test::Eq(Value::Int(2))),
        ]),
        Filter::Or(Vec::new()),
    ]);
    insta::assert_snapshot!(sql(&Plan {
        scope: Scope::All,
        ..plan(tests)
    }));
}

#[test]
fn first_pages() {
    let page = |sort| {
        sql(&Plan {
            sort,
            window: Window::Offset { offset: 0, limit: 50 },
            ..plan(Filter::All)
        })
    };
    let all = [
        page(Vec::new()),
        page(vec![by(2, false, false)]),
        page(vec![by(2, true, false)]),
        page(vec![by(2, false, true), by(0, true, true)]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn pages_after_and_before_a_boundary() {
    let boundary = |values: Vec<Value>| chancery_model::query::Boundary {
        values,
        key: 7.into(),
    };
    let after = |sort, values| {
        let window = Window::After {
            boundary: boundary(values),
            limit: 50,
        };
        sql(&Plan {
            sort,
            window,
            ..plan(Filter::All)
        })
    };
    let before = |sort, values| {
        let window = Window::Before {
            boundary: boundary(values),
            limit: 50,
        };
        sql(&Plan {
            sort,
            window,
            ..plan(Filter::All)
        })
    };
    let all = [
        after(Vec::new(), Vec::new()),
        String::from("-- indexed"),
        after(vec![by(2, false, false)], vec![Value::Int(5)]),
        String::from("-- indexed, null"),
        after(vec![by(2, true, false)], vec![Value::Null]),
        String::from("-- not indexed"),
        after(
            vec![by(0, false, false), by(2, true, true)],
            vec![Value::text("a"), Value::Null],
        ),
        String::from("-- before"),
        before(vec![by(2, false, false)], vec![Value::Int(5)]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn searches() {
    let search = Search {
        words: vec!["gro".into(), "äpf".into()],
        columns: vec![0, 1],
        fuzzy: false,
    };
    insta::assert_snapshot!(sql(&Plan {
        search: Some(search),
        ..plan(Filter::All)
    }));
}

#[test]
fn figures() {
    let measure = |function, ordinal| Measure {
        function,
        field: Some(FieldRef::Column(ordinal)),
    };
    let asked = AggregatePlan {
        over: plan(is(2, Test::Gt(Value::Int(0)))),
        measures: vec![
            Measure {
                function: Function::Count,
                field: None,
            },
            measure(Function::Avg, 2),
            measure(Function::Max, 0),
            measure(Function::Sum, 0),
        ],
        group_by: vec![FieldRef::Column(0)],
        limit: 10,
    };
    let (statement, _) = aggregate::grouped(&relation(), &asked).expect("SQL can do this");
    insta::assert_snapshot!(statement.sql);
}
