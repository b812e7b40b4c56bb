//! Tables that structs say: made, extended, refused. How mistakes read while compiling is tested beside the macro.

use std::collections::BTreeMap;

use chancery::{AsRecord, Choices, Error, Meta, Query, Record, json};
use chancery_scenarios::on_every_backend;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Record, Serialize, Deserialize)]
#[record(table = "tasks", name = "Tasks", ttl = "30d", index(status, priority))]
#[serde(rename_all = "camelCase")]
struct Task {
    #[record(key, generated = "uuid")]
    id: Option<String>,
    /// One line.
    #[record(min_length = 1, max_length = 200, primary)]
    title: String,
    status: Status,
    #[record(min = 1, max = 5, default = 3, indexed)]
    priority: Option<u8>,
    #[record(unique, pattern = "^[A-Z]+-[0-9]+$", name = "Ticket")]
    ticket_number: Option<String>,
    #[record(format = "email")]
    owner: Option<String>,
    #[record(field_type = "longText", default = "none")]
    notes: Option<String>,
    due: Option<Date>,
    at: Option<Time>,
    #[record(default_to = "now")]
    noted: Option<Timestamp>,
    #[record(one_of(0.5, 1, 2))]
    weight: Option<f64>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    #[record(field_type = "json", config(kind = "object"))]
    place: Option<Place>,
    #[record(options("S", "M", "L"))]
    size: Option<String>,
    #[serde(rename = "kind")]
    r#type: Option<i64>,
    #[serde(skip)]
    seen: bool,
    #[serde(flatten)]
    meta: Meta,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    street: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Choices, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Status {
    #[record(color = "gray")]
    Todo,
    InProgress,
    #[record(name = "Finished")]
    Done,
}

fn task(title: &str) -> Task {
    Task {
        id: None,
        title: title.into(),
        status: Status::InProgress,
        priority: None,
        ticket_number: None,
        owner: Some("ann@example.com".into()),
        notes: None,
        due: Some("2026-03-01".parse().expect("a day")),
        at: Some("09:30:00".parse().expect("a time")),
        noted: None,
        weight: Some(0.5),
        done: true,
        tags: vec!["a".into()],
        links: BTreeMap::from([("home".into(), "/".into())]),
        place: Some(Place {
            street: "Main".into(),
        }),
        size: Some("M".into()),
        r#type: Some(-7),
        seen: true,
        meta: Meta::default(),
    }
}

#[test]
fn a_struct_says_its_columns() {
    let table = Task::table();
    let columns: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            (
                column.slug.as_deref().expect("a slug"),
                column.field_type.as_str(),
            )
        })
        .collect();
    let expected = [
        ("id", "text"),
        ("title", "text"),
        ("status", "select"),
        ("priority", "number"),
        ("ticketNumber", "text"),
        ("owner", "text"),
        ("notes", "longText"),
        ("due", "date"),
        ("at", "time"),
        ("noted", "dateTime"),
        ("weight", "number"),
        ("done", "boolean"),
        ("tags", "json"),
        ("links", "json"),
        ("place", "json"),
        ("size", "select"),
        ("kind", "number"),
    ];
    assert_eq!(columns, expected);
    let required: Vec<_> = table
        .columns
        .iter()
        .filter(|column| column.constraints.required)
        .filter_map(|column| column.slug.as_deref())
        .collect();
    assert_eq!(required, ["title", "status"]);
    assert_eq!(
        (table.key.as_deref(), table.ttl_ms),
        (Some("id"), Some(30 * 86_400_000))
    );
    assert_eq!(table.indexes, [["status", "priority"]]);
    assert_eq!(
        (table.description.as_str(), table.columns[1].description.as_str()),
        ("What has to be done.", "One line.")
    );
    assert_eq!(
        (table.columns[4].name.as_str(), table.columns[7].name.as_str()),
        ("Ticket", "Due")
    );
    let constraints = |place: usize| serde_json::to_value(&table.columns[place].constraints).expect("JSON");
    assert_eq!(
        constraints(1),
        json!({"required": true, "unique": false, "minLength": 1, "maxLength": 200})
    );
    assert_eq!(
        constraints(10),
        json!({"required": false, "unique": false, "enum": [0.5, 1, 2]})
    );
    let options: Vec<_> = table.columns[2]
        .options
        .iter()
        .map(|option| {
            (
                option.id.as_deref(),
                option.name.as_str(),
                option.color.as_deref(),
            )
        })
        .collect();
    let expected = [
        (Some("todo"), "Todo", Some("gray")),
        (Some("inProgress"), "In progress", None),
        (Some("done"), "Finished", None),
    ];
    assert_eq!(options, expected);
}

#[test]
fn a_struct_of_every_kind_of_field_comes_back_as_it_went_in() {
    on_every_backend(|store| async move {
        let tasks = store.define::<Task>().await.expect("defined");
        let made = tasks.insert(&task("Write")).await.expect("inserted");
        let expected = Task {
            id: made.id.clone(),
            priority: Some(3),
            notes: Some("none".into()),
            noted: made.noted,
            seen: false,
            meta: made.meta.clone(),
            ..task("Write")
        };
        assert_eq!(made, expected);
        assert!(made.noted.is_some());
        assert_eq!(
            (made.meta.version, made.meta.created_at),
            (1, made.meta.updated_at)
        );
        assert!(made.meta.expires_at.is_some_and(|at| at > made.meta.created_at));
        let id = made.id.clone().expect("a key");
        assert_eq!(tasks.get(&id).await.expect("read"), Some(made));

        let changed = tasks
            .update(&id, json!({"status": "done", "priority": 5}))
            .await
            .expect("updated");
        assert_eq!((changed.status, changed.meta.version), (Status::Done, 2));
        let found = tasks.find_one(json!({"status": "done"})).await.expect("read");
        assert_eq!(found.as_ref(), Some(&changed));
        let many = tasks
            .insert_many(&[task("Read"), task("Rest")])
            .await
            .expect("inserted");
        assert_eq!(many.len(), 2);
        assert_eq!(tasks.count(&Query::new()).await.expect("counted"), 3);
        let sorted = tasks
            .select(&Query::new().ascending("title"))
            .await
            .expect("read");
        let titles: Vec<_> = sorted.iter().map(|task| task.title.as_str()).collect();
        assert_eq!(titles, ["Read", "Rest", "Write"]);
        assert!(tasks.delete(&id).await.expect("deleted"));
        assert_eq!(tasks.get(&id).await.expect("read"), None);
    });
}

#[test]
fn what_a_struct_says_is_kept() {
    on_every_backend(|store| async move {
        let tasks = store.define::<Task>().await.expect("defined");
        let bad = Task {
            title: String::new(),
            priority: Some(9),
            ticket_number: Some("x".into()),
            owner: Some("nobody".into()),
            weight: Some(3.0),
            ..task("")
        };
        let Err(Error::Invalid { issues, .. }) = tasks.insert(&bad).await else {
            panic!("refused");
        };
        let fields: Vec<_> = issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["title", "priority", "ticketNumber", "owner", "weight"]);
        let numbered = Task {
            ticket_number: Some("AB-1".into()),
            ..task("One")
        };
        tasks.insert(&numbered).await.expect("inserted");
        let again = tasks.insert(&numbered).await;
        assert!(matches!(again, Err(Error::Unique { field, .. }) if field == "ticketNumber"));
    });
}

/// Structs of different days for one table.
mod days {
    use super::*;

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "people")]
    pub(super) struct First {
        pub(super) id: Option<String>,
        pub(super) name: String,
        pub(super) role: Role,
    }

    #[derive(Choices, Serialize, Deserialize)]
    pub(super) enum Role {
        Guest,
    }

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "people", index(name, age))]
    pub(super) struct Second {
        pub(super) id: Option<String>,
        #[record(indexed)]
        pub(super) name: String,
        pub(super) role: Roles,
        #[record(unique, primary)]
        pub(super) nick: Option<String>,
        pub(super) age: Option<u32>,
    }

    #[derive(Choices, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) enum Roles {
        Guest,
        Host,
    }

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "people", soft_delete, ttl = "1h")]
    pub(super) struct Other {
        #[record(key)]
        pub(super) id: String,
        pub(super) name: i64,
        pub(super) role: Role,
        pub(super) shoe: u8,
    }

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "people")]
    pub(super) struct Less {
        pub(super) id: Option<String>,
    }
}

#[test]
fn a_table_gets_what_it_lacks_and_keeps_its_records() {
    on_every_backend(|store| async move {
        let first = store.define::<days::First>().await.expect("defined");
        let ann = days::First {
            id: None,
            name: "Ann".into(),
            role: days::Role::Guest,
        };
        let made = first.insert(&ann).await.expect("inserted");
        let second = store.define::<days::Second>().await.expect("extended");
        let read = second
            .get(made.id.as_deref().expect("a key"))
            .await
            .expect("read")
            .expect("there");
        assert_eq!(
            (read.name.as_str(), read.role, read.age),
            ("Ann", days::Roles::Guest, None)
        );
        let table = second.table().definition().expect("there");
        assert!(table.column("name").expect("there").indexed);
        assert!(table.column("nick").expect("there").constraints.unique);
        let ordinals: Vec<u16> = ["name", "age"]
            .map(|slug| table.column(slug).expect("there").ordinal)
            .into();
        assert_eq!(table.indexes, [ordinals]);
        let bob = days::Second {
            id: None,
            name: "Bob".into(),
            role: days::Roles::Host,
            nick: Some("b".into()),
            age: Some(40),
        };
        second.insert(&bob).await.expect("a new option is taken");
        assert!(matches!(second.insert(&bob).await, Err(Error::Unique { .. })));
        let found = second
            .filter(json!({"name": "Bob", "age": 40}))
            .await
            .expect("read");
        assert_eq!(found.len(), 1);

        // The same once more changes nothing.
        let revision = store.revision().await.expect("read");
        store.define::<days::Second>().await.expect("there already");
        assert_eq!(store.revision().await.expect("read"), revision);
        assert_eq!(
            second.table().definition().expect("there").schema_version,
            table.schema_version
        );
    });
}

#[test]
fn a_struct_that_says_something_else_is_refused_with_every_difference() {
    on_every_backend(|store| async move {
        let people = store.define::<days::First>().await.expect("defined");
        let ann = days::First {
            id: None,
            name: "Ann".into(),
            role: days::Role::Guest,
        };
        people.insert(&ann).await.expect("inserted");
        let before = people.table().definition().expect("there");
        let messages = |error: Error| -> Vec<String> {
            match error {
                Error::Definition(issues) => issues.into_iter().map(|issue| issue.message).collect(),
                other => panic!("another error: {other}"),
            }
        };
        let error = store
            .define::<days::Less>()
            .await
            .map(|_| ())
            .expect_err("refused");
        assert_eq!(
            messages(error),
            [
                "column \"name\" is required in the store and missing in the struct",
                "column \"role\" is required in the store and missing in the struct",
            ]
        );
        let error = store
            .define::<days::Other>()
            .await
            .map(|_| ())
            .expect_err("refused");
        assert_eq!(
            messages(error),
            [
                "the table's softDelete is false in the store and true in the struct",
                "the table's ttl is not said in the store and 3600000 in the struct",
                "the key is made by the store, and a column in the struct: take `key` away from the field",
                "column \"name\": field type is \"text\" in the store and \"number\" in the struct",
                "column \"shoe\" is required, and the 1 record(s) that exist would have no value in it; make it optional, \
                 fill it, and require it then",
            ]
        );
        assert_eq!(
            people.table().definition().expect("there").schema_version,
            before.schema_version
        );
    });
}

/// A table that refers to another, and one that holds little.
mod related {
    use super::*;

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "owners")]
    pub(super) struct Owner {
        #[record(key)]
        pub(super) name: String,
    }

    #[derive(Record, Serialize, Deserialize)]
    #[record(table = "pets")]
    pub(super) struct Pet {
        #[record(key)]
        pub(super) name: String,
        #[record(references = "owners", on_delete = "cascade")]
        pub(super) owner: Option<String>,
    }

    #[derive(Debug, PartialEq, Record, Serialize, Deserialize)]
    #[record(table = "recent", max_size = 2)]
    pub(super) struct Recent {
        #[record(key)]
        pub(super) number: i64,
    }
}

#[test]
fn references_and_limits_are_said_by_structs_too() {
    on_every_backend(|store| async move {
        let early = store
            .define::<related::Pet>()
            .await
            .map(|_| ())
            .expect_err("no such table yet");
        assert!(early.to_string().contains("No table \"owners\""), "{early}");
        let owners = store.define::<related::Owner>().await.expect("defined");
        let pets = store.define::<related::Pet>().await.expect("defined");
        let pet = |owner: &str| related::Pet {
            name: "Rex".into(),
            owner: Some(owner.into()),
        };
        assert!(matches!(
            pets.insert(&pet("ann")).await,
            Err(Error::Invalid { .. })
        ));
        owners
            .insert(&related::Owner { name: "ann".into() })
            .await
            .expect("inserted");
        pets.insert(&pet("ann")).await.expect("inserted");
        assert!(owners.delete("ann").await.expect("deleted"));
        assert!(pets.get("Rex").await.expect("read").is_none());

        let recent = store.define::<related::Recent>().await.expect("defined");
        for number in 1..=3 {
            recent
                .insert(&related::Recent { number })
                .await
                .expect("inserted");
        }
        let kept = recent.all().await.expect("read");
        assert_eq!(kept, [2, 3].map(|number| related::Recent { number }));
        store.define::<related::Pet>().await.expect("there already");
    });
}
