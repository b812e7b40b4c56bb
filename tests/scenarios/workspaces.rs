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
