//! A struct of the caller's goes in and comes out. Definitions from structs are not tested here.

use chancery::{ColumnInput, TableInput, json};
use chancery_scenarios::on_every_backend;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Book {
    id: Option<String>,
    title: String,
    price: Option<f64>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(rename = "_version")]
    version: Option<u64>,
}

#[test]
fn a_struct_goes_in_and_comes_out() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Books")
            .column(ColumnInput::new("title", "text").required())
            .column(ColumnInput::new("price", "number").default_value(9.5))
            .column(ColumnInput::new("tags", "json").config("kind", "array"));
        let books = store.create_table(input).await.expect("defined").typed::<Book>();
        let draft = Book {
            id: None,
            title: "Ulysses".into(),
            price: None,
            tags: vec!["long".into()],
            version: None,
        };
        let made = books.insert(&draft).await.expect("inserted");
        assert_eq!((made.price, made.version), (Some(9.5), Some(1)));
        let id = made.id.clone().expect("an id");
        assert_eq!(books.get(&id).await.expect("read"), Some(made));
        let updated = books.update(&id, json!({"price": 1.25})).await.expect("updated");
        assert_eq!((updated.price, updated.version), (Some(1.25), Some(2)));
        let replaced = books
            .replace(
                &id,
                &Book {
                    title: "Emma".into(),
                    tags: vec![],
                    ..updated
                },
            )
            .await
            .expect("replaced");
        assert_eq!((replaced.title.as_str(), replaced.version), ("Emma", Some(3)));
        assert_eq!(
            books.filter(json!({"title": "Emma"})).await.expect("read").len(),
            1
        );
        assert_eq!(books.all().await.expect("read").len(), 1);
    });
}
