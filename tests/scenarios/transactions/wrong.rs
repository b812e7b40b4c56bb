//! All that is wrong with a step of a transaction is told at once: with its values, with what it names, and with what others have.

use chancery::model::admit::Protected;
use chancery::{
    Action, Code, ColumnInput, Error, Issue, Json, MergeChoice, MergeOptions, Step, Store, TableHandle,
    TableInput, TransactionOptions, json,
};
use chancery_scenarios::on_every_backend;

const NOBODY: &str = "0190a2b4-0000-7000-8000-000000000001";

/// Clients, and orders that name them and have two values of which no two orders may have the same.
async fn tables(store: &Store) -> (TableHandle, TableHandle) {
    let clients = TableInput::new("clients").column(ColumnInput::new("name", "text"));
    let clients = store.create_table(clients).await.expect("made");
    let mut client = ColumnInput::new("client", "relation");
    client.config = json!({"table": "clients"})
        .as_object()
        .cloned()
        .expect("an object");
    let orders = TableInput::new("orders")
        .column(ColumnInput::new("title", "text").required())
        .column(ColumnInput::new("email", "email").unique())
        .column(ColumnInput::new("code", "text").unique())
        .column(ColumnInput::new("amount", "number").range(0, 100))
        .column(client);
    (clients, store.create_table(orders).await.expect("made"))
}

async fn with_one(store: &Store) -> (TableHandle, TableHandle, String) {
    let (clients, orders) = tables(store).await;
    let data = json!({"title": "First", "email": "a@example.org", "code": "A"});
    let id = orders.insert(data).await.expect("inserted").id();
    (clients, orders, id)
}

fn create(table: &TableHandle, data: Json) -> Step {
    Step {
        table: table.clone(),
        action: Action::Create(data),
        version: None,
    }
}

fn pairs(issues: &[Issue]) -> Vec<(&str, Code)> {
    let mut pairs: Vec<_> = issues
        .iter()
        .map(|issue| (issue.field.as_str(), issue.code))
        .collect();
    pairs.sort_by_key(|(field, code)| (field.to_string(), code.as_str()));
    pairs
}

/// What is wrong with each bad step.
async fn bad(store: &Store, steps: &[Step]) -> Vec<(usize, Vec<Issue>)> {
    let done = store
        .steps(steps, Protected::Refuse, TransactionOptions::default())
        .await;
    match done {
        Err(Error::Bulk(bad)) => bad,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was written"),
    }
}

const CLASHES: [(&str, Code); 3] = [
    ("client", Code::Reference),
    ("code", Code::Unique),
    ("email", Code::Unique),
];

#[test]
fn a_step_is_told_all_that_others_have_against_it() {
    on_every_backend(|store| async move {
        let (_, orders, holder) = with_one(&store).await;
        let all = json!({"title": "b", "email": "a@example.org", "code": "A", "client": NOBODY});
        let steps = [
            create(&orders, json!({"title": "good", "code": "C"})),
            create(&orders, all.clone()),
        ];
        let found = bad(&store, &steps).await;
        assert_eq!(found.len(), 1);
        let (at, issues) = &found[0];
        assert_eq!((*at, pairs(issues)), (1, CLASHES.to_vec()));
        let code = issues.iter().find(|issue| issue.field == "code").expect("told");
        assert_eq!(code.message, "Another record has the value \"A\"");
        assert_eq!(code.params["recordId"], json!(holder));

        let change = Step {
            table: orders.clone(),
            action: Action::Update(
                orders.insert(json!({"title": "c"})).await.expect("inserted").id(),
                all,
            ),
            version: None,
        };
        assert_eq!(pairs(&bad(&store, &[change]).await[0].1), CLASHES);
        assert_eq!(orders.all().await.expect("read").len(), 2);
    });
}

#[test]
fn what_is_wrong_with_the_values_of_a_step_is_told_with_what_others_have() {
    on_every_backend(|store| async move {
        let (clients, orders, id) = with_one(&store).await;
        let data = json!({"email": "a@example.org", "code": "new", "amount": 200, "client": NOBODY});
        let steps = [
            create(&clients, json!({"name": "Ann"})),
            create(&orders, json!({"title": "before", "code": "new"})),
            create(&orders, data),
            create(
                &orders,
                json!({"title": "last", "email": "a@example.org", "code": "A"}),
            ),
        ];
        let found = bad(&store, &steps).await;
        let told: Vec<_> = found.iter().map(|(at, issues)| (*at, pairs(issues))).collect();
        let third = vec![
            ("amount", Code::Max),
            ("client", Code::Reference),
            // Of a step before it.
            ("code", Code::Unique),
            ("email", Code::Unique),
            ("title", Code::Required),
        ];
        let fourth = vec![("code", Code::Unique), ("email", Code::Unique)];
        assert_eq!(told, [(2, third), (3, fourth)]);

        // What it has itself stands in nobody's way.
        let own = Step {
            table: orders.clone(),
            action: Action::Replace(id, json!({"title": 5, "email": "a@example.org", "code": "A"})),
            version: None,
        };
        assert_eq!(pairs(&bad(&store, &[own]).await[0].1), [("title", Code::Type)]);
    });
}

#[test]
fn what_a_transaction_makes_itself_is_not_missing() {
    on_every_backend(|store| async move {
        let (clients, orders, _) = with_one(&store).await;
        let refused = store
            .transaction(async |tx| {
                let ann = tx.on(&clients).insert(json!({"name": "Ann"})).await?;
                let data = json!({"title": "b", "email": "a@example.org", "code": "A", "client": ann.id()});
                tx.on(&orders).insert(data).await
            })
            .await;
        let Err(Error::Unique { issues, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(pairs(&issues), [("code", Code::Unique), ("email", Code::Unique)]);
    });
}

#[test]
fn a_merge_is_told_all_that_stands_in_its_way() {
    on_every_backend(|store| async move {
        let input = TableInput::new("people")
            .column(ColumnInput::new("code", "text").unique())
            .column(ColumnInput::new("nick", "text").unique());
        let people = store.create_table(input).await.expect("made");
        let mut ids = Vec::new();
        for (code, nick) in [("A", "a"), ("B", "b"), ("A; B", "a; b")] {
            let made = people.insert(json!({"code": code, "nick": nick})).await;
            ids.push(made.expect("inserted"));
        }
        let both = ["code", "nick"].map(|slug| (slug.to_owned(), MergeChoice::Concat));
        let options = MergeOptions {
            choices: both.into_iter().collect(),
            ..MergeOptions::default()
        };
        let merged = people.merge(ids[0].key(), &[ids[1].key().clone()], options).await;
        let Err(Error::Unique { issues, .. }) = merged else {
            panic!("{merged:?}")
        };
        assert_eq!(pairs(&issues), [("code", Code::Unique), ("nick", Code::Unique)]);
        assert_eq!(people.all().await.expect("read").len(), 3);
    });
}
