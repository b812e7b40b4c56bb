//! Aggregates and counts: every function, groups and their order, exact decimals.

use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Function, Group, Measure};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::Plan;
use chancery_model::{Record, Table, Value};
use chancery_storage::CountMode;
use rust_decimal::Decimal;

use crate::bed::{Bed, NOW, all, column, everywhere, indexed, record, table, trash, with};

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().expect("a decimal"))
}

/// Sales: an indexed shop, an exact amount, a number, a text.
async fn sales(bed: &Bed) -> Arc<Table> {
    let columns = vec![
        indexed(column(0, "shop", "text")),
        column(1, "amount", "currency"),
        column(2, "weight", "number"),
        column(3, "note", "text"),
    ];
    let table = Arc::new(table(1, columns));
    bed.create(&table).await;
    let sale = |number: i64, shop: Option<&str>, amount: &str, weight: Value, note: &str| {
        let shop = shop.map_or(Value::Null, Value::text);
        let amount = if amount.is_empty() {
            Value::Null
        } else {
            decimal(amount)
        };
        record(number, vec![shop, amount, weight, Value::text(note)])
    };
    let sales = vec![
        sale(1, Some("b"), "0.10", Value::Int(2), "x"),
        sale(2, Some("a"), "0.20", Value::Float(0.5), "y"),
        sale(3, Some("b"), "", Value::Null, "x"),
        sale(4, None, "-7.00", Value::Int(i64::MAX), "z"),
        sale(5, Some("b"), "99999999999.99", Value::Int(1), "x"),
        sale(6, Some(""), "0.30", Value::Int(2), "É"),
    ];
    bed.insert(&table, sales).await;
    table
}

async fn ask(
    bed: &Bed,
    over: Plan,
    group_by: &[u16],
    measures: &[(Function, Option<u16>)],
    limit: u64,
) -> Vec<Group> {
    let plan = AggregatePlan {
        over,
        measures: measures
            .iter()
            .map(|(function, field)| Measure {
                function: *function,
                field: field.map(FieldRef::Column),
            })
            .collect(),
        group_by: group_by.iter().map(|column| FieldRef::Column(*column)).collect(),
        limit,
    };
    bed.backend.aggregate(&plan).await.expect("the figures are given")
}

#[tokio::test]
async fn every_function_over_every_kind_of_number() {
    everywhere(async |bed| {
        let table = sales(&bed).await;
        let functions = |column: u16| -> Vec<(Function, Option<u16>)> {
            Function::ALL
                .iter()
                .map(|function| (*function, Some(column)))
                .collect()
        };
        let amounts = ask(&bed, all(&table), &[], &functions(1), 10).await;
        let sum = "99999999993.59";
        let avg = Value::Decimal((sum.parse::<Decimal>().expect("a sum") / Decimal::from(5)).normalize());
        let expected = [
            Value::Int(5),
            Value::Int(5),
            decimal(sum),
            avg,
            decimal("-7.00"),
            decimal("99999999999.99"),
        ];
        assert_eq!(amounts[0].figures, expected);
        let light = Plan {
            filter: Filter::Field(FieldRef::Column(2), Test::Lt(Value::Int(100))),
            ..all(&table)
        };
        let weights = ask(&bed, light, &[], &functions(2), 10).await;
        let expected = [
            Value::Int(4),
            Value::Int(3),
            Value::Float(5.5),
            Value::Float(1.375),
            Value::Float(0.5),
            Value::Int(2),
        ];
        assert_eq!(weights[0].figures, expected);
        let texts = ask(&bed, all(&table), &[], &functions(3), 10).await;
        let expected = [
            Value::Int(6),
            Value::Int(4),
            Value::Int(0),
            Value::Null,
            Value::text("x"),
            Value::text("É"),
        ];
        assert_eq!(texts[0].figures, expected);
    })
    .await;
}

#[tokio::test]
async fn figures_of_nothing() {
    everywhere(async |bed| {
        let table = sales(&bed).await;
        let nothing = || with(&table, 0, Test::Eq(Value::text("none")));
        let measures: Vec<(Function, Option<u16>)> = Function::ALL
            .iter()
            .map(|function| (*function, Some(1)))
            .chain([(Function::Count, None)])
            .collect();
        let groups = ask(&bed, nothing(), &[], &measures, 10).await;
        let (zero, null) = (Value::Int(0), Value::Null);
        let expected = [
            zero.clone(),
            zero.clone(),
            zero.clone(),
            null.clone(),
            null.clone(),
            null,
            zero,
        ];
        assert_eq!(
            groups,
            [Group {
                keys: Vec::new(),
                figures: expected.to_vec()
            }]
        );
        assert_eq!(ask(&bed, nothing(), &[0], &measures, 10).await, []);
    })
    .await;
}

#[tokio::test]
async fn groups_come_in_the_order_of_their_values_nulls_last() {
    everywhere(async |bed| {
        let table = sales(&bed).await;
        let group = |keys: Vec<Value>, count: i64| Group {
            keys,
            figures: vec![Value::Int(count)],
        };
        let count = [(Function::Count, None)];
        let groups = ask(&bed, all(&table), &[0], &count, 10).await;
        let expected = [
            group(vec![Value::text("")], 1),
            group(vec![Value::text("a")], 1),
            group(vec![Value::text("b")], 3),
            group(vec![Value::Null], 1),
        ];
        assert_eq!(groups, expected);
        assert_eq!(ask(&bed, all(&table), &[0], &count, 2).await, expected[..2]);
        let groups = ask(
            &bed,
            with(&table, 0, Test::Eq(Value::text("b"))),
            &[3, 2],
            &count,
            10,
        )
        .await;
        let expected = [
            group(vec![Value::text("x"), Value::Int(1)], 1),
            group(vec![Value::text("x"), Value::Int(2)], 1),
            group(vec![Value::text("x"), Value::Null], 1),
        ];
        assert_eq!(groups, expected);
    })
    .await;
}

#[tokio::test]
async fn figures_see_only_what_the_plan_sees() {
    everywhere(async |bed| {
        let table = sales(&bed).await;
        let first = bed.get(&table, &crate::bed::key(1)).await.expect("it");
        bed.write(vec![trash(&table, &first)]).await;
        let expiring = Record {
            expires_at: Some(NOW),
            ..record(9, vec![Value::text("b"), decimal("5.00")])
        };
        bed.insert(&table, vec![expiring]).await;
        let groups = ask(
            &bed,
            with(&table, 0, Test::Eq(Value::text("b"))),
            &[0],
            &[(Function::Sum, Some(1))],
            10,
        );
        assert_eq!(groups.await[0].figures, [decimal("99999999999.99")]);
        assert_eq!(bed.count(&with(&table, 0, Test::Eq(Value::text("b")))).await, 2);
        let before = Plan {
            now: NOW - 1,
            ..with(&table, 0, Test::Eq(Value::text("b")))
        };
        assert_eq!(bed.count(&before).await, 3);
    })
    .await;
}

#[tokio::test]
async fn counts_are_exact_or_near() {
    everywhere(async |bed| {
        let table = Arc::new(table(
            1,
            vec![indexed(column(0, "a", "number")), column(1, "b", "number")],
        ));
        bed.create(&table).await;
        let rows = (0..5_000)
            .map(|n| record(n, vec![Value::Int(n % 10), Value::Int(n % 4)]))
            .collect();
        bed.insert(&table, rows).await;
        let plans = [
            (all(&table), 5_000),
            (with(&table, 0, Test::Eq(Value::Int(3))), 500),
            (
                with(
                    &table,
                    0,
                    Test::In(vec![Value::Int(3), Value::Int(4), Value::Int(3), Value::Int(99)]),
                ),
                1_000,
            ),
            (
                with(&table, 0, Test::Between(Value::Int(2), Value::Int(5))),
                2_000,
            ),
            (with(&table, 1, Test::Eq(Value::Int(1))), 1_250),
            (with(&table, 1, Test::Eq(Value::Int(7))), 0),
        ];
        for (plan, expected) in plans {
            let paged = Plan {
                window: crate::bed::page(10, 5),
                ..plan
            };
            assert_eq!(bed.count(&paged).await, expected, "{:?}", paged.filter);
            let near = bed
                .backend
                .count(&paged, CountMode::Estimated)
                .await
                .expect("an estimate");
            assert!(
                near.abs_diff(expected) <= expected / 2 + 50,
                "{near} for {expected}: {:?}",
                paged.filter
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_whole_number_and_the_float_of_it_are_one_value() {
    everywhere(async |bed| {
        let table = Arc::new(table(1, vec![column(0, "size", "number")]));
        bed.create(&table).await;
        let big = 9_007_199_254_740_992;
        let sizes = [
            Value::Int(big),
            Value::Float(big as f64),
            Value::Int(big + 1),
            Value::Float(1e19),
        ];
        let records = sizes.into_iter().zip(1..);
        bed.insert(
            &table,
            records.map(|(size, key)| record(key, vec![size])).collect(),
        )
        .await;
        let of_size = |function| (function, Some(0));
        let measures = [Function::CountDistinct, Function::Min, Function::Max].map(of_size);
        let figures = ask(&bed, all(&table), &[], &measures, 10).await;
        assert_eq!(
            figures[0].figures,
            [Value::Int(3), Value::Int(big), Value::Float(1e19)]
        );
        let groups = ask(&bed, all(&table), &[0], &[(Function::Count, None)], 10).await;
        let counts: Vec<(Value, Value)> = groups
            .into_iter()
            .map(|mut group| (group.keys.remove(0), group.figures.remove(0)))
            .collect();
        let expected = [
            (Value::Int(big), Value::Int(2)),
            (Value::Int(big + 1), Value::Int(1)),
            (Value::Float(1e19), Value::Int(1)),
        ];
        assert_eq!(counts, expected);
    })
    .await;
}
