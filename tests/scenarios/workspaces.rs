//! Workspaces: what belongs to one is never seen from another. Access rights are tested over HTTP.

use chancery::{ColumnInput, Error, TableInput, WorkspaceInput, WorkspacePatch, json};
use chancery_scenarios::on_every_backend;

#[test]
fn nothing_crosses_between_workspaces() {
    on_every_backend(|store| async move {
        let input = || TableInput::new("Tasks").column(ColumnInput::new("title", "text"));
        let here = store.create_table(input()).await.expect("defined");
        let record = here.insert(json!({"title": "mine"})).await.expect("inserted");

        let made = store
            .create_workspace(WorkspaceInput {
                name: "Second Team".into(),
                ..Default::default()
            })
            .await
            .expect("made");
        assert_eq!(made.slug, "second-team");
        let other = store.in_workspace("second-team").expect("found");
        let table_id = here.definition().expect("there").id.clone();
        assert!(matches!(other.table("tasks"), Err(Error::NotFound { .. })));
        assert!(
            matches!(other.table(&table_id), Err(Error::NotFound { .. })),
            "not by id either"
        );
        let there = other.create_table(input()).await.expect("the slug is free there");
        assert_eq!(there.get(record.key()).await.expect("read"), None);
        assert_eq!(there.all().await.expect("read").len(), 0);

        let patch = WorkspacePatch {
            name: Some("Team 2".into()),
            ..Default::default()
        };
        assert_eq!(
            store
                .update_workspace("second-team", patch)
                .await
                .expect("renamed")
                .name,
            "Team 2"
        );
        store.drop_workspace("second-team").await.expect("dropped");
        assert!(matches!(
            store.in_workspace("second-team"),
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(there.all().await, Err(Error::NotFound { .. })));
        assert_eq!(here.all().await.expect("read").len(), 1);
        assert!(matches!(
            store.drop_workspace("default").await,
            Err(Error::Definition(_))
        ));
    });
}

#[test]
fn named_stores_open_and_close_in_milliseconds_and_never_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = chancery::Store::open(&url).await.expect("opened");
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        for n in 0..100 {
            let shop = store.named(&format!("shop-{n}")).await.expect("made");
            if n % 10 == 0 {
                let items = shop.define_bucket("items", &definition).await.expect("defined");
                items
                    .insert(json!({"id": n.to_string()}))
                    .await
                    .expect("inserted");
            }
        }
        let started = std::time::Instant::now();
        for n in 0..100 {
            let shop = store.named(&format!("shop-{n}")).await.expect("opened");
            assert_eq!(shop.workspace().slug, format!("shop-{n}"));
            assert_eq!(shop.has_bucket("items"), n % 10 == 0);
            if n % 10 == 0 {
                let keys = shop.table("items").expect("there").all().await.expect("read");
                assert_eq!(
                    keys.iter().map(|item| item.id()).collect::<Vec<_>>(),
                    [n.to_string()]
                );
            }
        }
        assert!(
            started.elapsed() < std::time::Duration::from_secs(1),
            "{:?}",
            started.elapsed()
        );
        store.close().await.expect("closed");
    });
}
