//! What is seen: live, trash or both, and nothing that has expired.

use chancery_model::filter::{FieldRef, Test};
use chancery_model::query::{Plan, Scope};
use chancery_model::{Record, Value};

use crate::bed::{NOW, all, by, everywhere, page, people, person, trash, with};

#[tokio::test]
async fn expired_records_are_never_seen() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let expiring = |number: i64, expires_at: i64| Record {
            expires_at: Some(expires_at),
            ..person(number, &format!("{number}@x"), "red", number)
        };
        bed.insert(
            &table,
            vec![expiring(1, NOW), expiring(2, NOW + 1), person(3, "3@x", "red", 3)],
        )
        .await;
        let plans = [
            all(&table),
            with(&table, 1, Test::Eq(Value::text("red"))),
            Plan {
                sort: vec![by(FieldRef::Column(1), false)],
                window: page(0, 9),
                ..all(&table)
            },
            Plan {
                scope: Scope::All,
                ..all(&table)
            },
        ];
        for plan in plans {
            let at = |now| Plan { now, ..plan.clone() };
            assert_eq!(bed.keys(&at(NOW - 1)).await, ["1", "2", "3"]);
            assert_eq!(bed.keys(&at(NOW)).await, ["2", "3"]);
            assert_eq!(bed.keys(&at(NOW + 1)).await, ["3"]);
            assert_eq!(bed.count(&at(NOW)).await, 2);
        }
        assert!(
            bed.get(&table, &crate::bed::key(1)).await.is_some(),
            "by key the caller judges"
        );
        let found = bed
            .backend
            .find(&table, &[FieldRef::Column(1)], &[vec![Value::text("red")]], 9)
            .await;
        assert_eq!(
            found.expect("found")[0].len(),
            3,
            "found by value the caller judges"
        );
        let expired = Plan {
            filter: chancery_model::filter::Filter::Field(FieldRef::ExpiresAt, Test::Le(Value::Int(NOW))),
            now: NOW - 5,
            sort: vec![by(FieldRef::ExpiresAt, false)],
            ..all(&table)
        };
        assert_eq!(
            bed.keys(&expired).await,
            ["1"],
            "the sweep finds them by asking as of an earlier time"
        );
    })
    .await;
}

#[tokio::test]
async fn a_filter_sees_only_its_scope() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let rows = (1..=6)
            .map(|n| person(n, &format!("{n}@x"), if n % 2 == 0 { "even" } else { "odd" }, n))
            .collect();
        let rows = bed.insert(&table, rows).await;
        bed.write(vec![trash(&table, &rows[1]), trash(&table, &rows[2])])
            .await;
        let even = |scope| Plan {
            scope,
            ..with(&table, 1, Test::Eq(Value::text("even")))
        };
        assert_eq!(bed.keys(&even(Scope::Live)).await, ["4", "6"]);
        assert_eq!(bed.keys(&even(Scope::Trash)).await, ["2"]);
        assert_eq!(bed.keys(&even(Scope::All)).await, ["2", "4", "6"]);
        for (scope, count) in [(Scope::Live, 2), (Scope::Trash, 1), (Scope::All, 3)] {
            assert_eq!(bed.count(&even(scope)).await, count);
            assert_eq!(bed.count(&Plan { scope, ..all(&table) }).await, count * 2);
        }
        let by_key = |scope| Plan {
            scope,
            filter: chancery_model::filter::Filter::Field(FieldRef::Key, Test::Eq(Value::Int(2))),
            ..all(&table)
        };
        assert_eq!(bed.keys(&by_key(Scope::Live)).await, [""; 0]);
        assert_eq!(bed.keys(&by_key(Scope::Trash)).await, ["2"]);
        let deleted = Plan {
            sort: vec![by(FieldRef::DeletedAt, true)],
            scope: Scope::Trash,
            ..all(&table)
        };
        assert_eq!(bed.keys(&deleted).await, ["2", "3"]);
    })
    .await;
}
