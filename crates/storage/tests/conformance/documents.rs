//! Documents: versions, second names, order, and their place in a commit.

use chancery_storage::{Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use serde_json::json;

use crate::bed::{Bed, NOW, all, everywhere, insert, people, person};

fn document(id: &str, lookup: Option<&str>) -> Document {
    let body = json!({"id": id, "n": 1.50, "list": [null, "é"]});
    Document {
        kind: "user".into(),
        id: id.into(),
        lookup: lookup.map(str::to_owned),
        body,
        version: 0,
    }
}

fn put(document: Document, expected: Option<u64>) -> DocumentWrite {
    DocumentWrite::Put { document, expected }
}

async fn write(bed: &Bed, documents: Vec<DocumentWrite>) -> Result<u64, String> {
    let batch = Batch {
        at: NOW,
        documents,
        ..Batch::default()
    };
    match bed.backend.commit(batch).await {
        Ok(committed) => Ok(committed.revision),
        Err(StorageError::DocumentConflict { kind, id }) => Err(format!("{kind} {id}")),
        Err(other) => panic!("{other}"),
    }
}

async fn ids(bed: &Bed, query: DocumentQuery) -> Vec<String> {
    let documents = bed.backend.documents(query).await.expect("documents are read");
    documents
        .iter()
        .map(|document| format!("{}@{}", document.id, document.version))
        .collect()
}

fn of_kind(kind: &str) -> DocumentQuery {
    DocumentQuery::Kind(kind.into())
}

fn by_lookup(lookup: &str) -> DocumentQuery {
    DocumentQuery::Lookup {
        kind: "user".into(),
        lookup: lookup.into(),
    }
}

#[tokio::test]
async fn a_document_is_read_back_by_id_by_lookup_and_by_kind() {
    everywhere(async |bed| {
        let kept = document("b", Some("b@x"));
        write(
            &bed,
            vec![put(kept.clone(), None), put(document("a", None), None)],
        )
        .await
        .expect("new");
        let query = DocumentQuery::Id {
            kind: "user".into(),
            id: "b".into(),
        };
        let found = bed.backend.documents(query).await.expect("documents are read");
        assert_eq!(found, [Document { version: 1, ..kept }]);
        assert_eq!(ids(&bed, by_lookup("b@x")).await, ["b@1"]);
        assert_eq!(ids(&bed, by_lookup("a")).await, [""; 0]);
        assert_eq!(ids(&bed, of_kind("user")).await, ["a@1", "b@1"]);
        assert_eq!(ids(&bed, of_kind("session")).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_put_needs_the_version_it_expects() {
    everywhere(async |bed| {
        write(&bed, vec![put(document("a", None), Some(0))])
            .await
            .expect("it is new");
        assert_eq!(
            write(&bed, vec![put(document("a", None), Some(0))]).await,
            Err("user a".into())
        );
        write(&bed, vec![put(document("a", None), Some(1))])
            .await
            .expect("it is at 1");
        assert_eq!(
            write(&bed, vec![put(document("a", None), Some(1))]).await,
            Err("user a".into())
        );
        write(&bed, vec![put(document("a", None), None)])
            .await
            .expect("whatever it is at");
        assert_eq!(
            write(&bed, vec![put(document("b", None), Some(3))]).await,
            Err("user b".into())
        );
        assert_eq!(ids(&bed, of_kind("user")).await, ["a@3"]);
        let delete = || DocumentWrite::Delete {
            kind: "user".into(),
            id: "a".into(),
        };
        write(&bed, vec![delete(), put(document("a", None), Some(0))])
            .await
            .expect("gone, then new");
        write(&bed, vec![delete()]).await.expect("it is there");
        write(&bed, vec![delete()])
            .await
            .expect("nothing to remove is no error");
        assert_eq!(ids(&bed, of_kind("user")).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_second_name_is_unique_among_its_kind() {
    everywhere(async |bed| {
        write(&bed, vec![put(document("a", Some("x")), None)])
            .await
            .expect("new");
        assert_eq!(
            write(&bed, vec![put(document("b", Some("x")), None)]).await,
            Err("user b".into())
        );
        let other = Document {
            kind: "session".into(),
            ..document("b", Some("x"))
        };
        write(&bed, vec![put(other, None)]).await.expect("another kind");
        write(
            &bed,
            vec![
                put(document("a", Some("y")), None),
                put(document("b", Some("x")), None),
            ],
        )
        .await
        .expect("given up, then taken");
        assert_eq!(ids(&bed, by_lookup("x")).await, ["b@1"]);
        assert_eq!(ids(&bed, by_lookup("y")).await, ["a@2"]);
        let delete = DocumentWrite::Delete {
            kind: "user".into(),
            id: "a".into(),
        };
        write(&bed, vec![delete]).await.expect("removed");
        write(&bed, vec![put(document("b", Some("y")), None)])
            .await
            .expect("free again");
        assert_eq!(ids(&bed, by_lookup("x")).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn documents_and_records_are_written_together_or_not_at_all() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        write(&bed, vec![put(document("a", None), None)])
            .await
            .expect("new");
        let revision = bed.revision().await;
        let batch = |number: i64, expected: u64| Batch {
            at: NOW,
            writes: vec![insert(&table, person(number, &format!("{number}@x"), "", 1))],
            documents: vec![
                put(document("new", None), None),
                put(document("a", None), Some(expected)),
            ],
            ..Batch::default()
        };
        let conflict = bed.backend.commit(batch(1, 9)).await;
        assert!(
            matches!(conflict, Err(StorageError::DocumentConflict { .. })),
            "{conflict:?}"
        );
        assert_eq!(
            (bed.count(&all(&table)).await, bed.revision().await),
            (0, revision)
        );
        assert_eq!(ids(&bed, of_kind("user")).await, ["a@1"]);
        assert!(bed.log().await.is_empty());
        let committed = bed.backend.commit(batch(1, 1)).await.expect("both");
        assert_eq!(committed.revision, revision + 1);
        assert_eq!(ids(&bed, of_kind("user")).await, ["a@2", "new@1"]);
        let refused = bed.backend.commit(batch(1, 2)).await;
        assert!(matches!(refused, Err(StorageError::Rejected(_))), "{refused:?}");
        assert_eq!(ids(&bed, of_kind("user")).await, ["a@2", "new@1"]);
    })
    .await;
}

#[tokio::test]
async fn a_commit_of_documents_alone_has_a_revision_and_no_changes() {
    everywhere(async |bed| {
        assert_eq!(write(&bed, vec![put(document("a", None), None)]).await, Ok(1));
        assert_eq!(write(&bed, vec![put(document("b", None), None)]).await, Ok(2));
        assert_eq!((bed.revision().await, bed.log().await), (2, Vec::new()));
    })
    .await;
}
