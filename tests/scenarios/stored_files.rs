//! Files that are kept with the records, on every backend: named, shown, refused, let go and brought back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chancery::backup::{InTheWay, restore};
use chancery::{
    ColumnInput, Error, File, FilesOptions, FilesPlace, JsonMap, OpenOptions, RevertOptions, Store,
    TableHandle, TableInput, WorkspaceInput, json,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A picture of one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";

async fn kept(store: &Store, name: &str, content: &[u8]) -> File {
    let mut upload = store.begin_file(name).expect("begun");
    for piece in content.chunks(7) {
        upload.write(piece).await.expect("written");
    }
    upload.finish().await.expect("kept")
}

async fn people(store: &Store) -> TableHandle {
    let table = TableInput::new("People")
        .column(ColumnInput::new("Name", "text"))
        .column(
            ColumnInput::new("Photo", "file")
                .config("accept", "image/*")
                .config("maxSize", 1_000),
        )
        .column(ColumnInput::new("Papers", "files").config("maxFiles", 2));
    store.create_table(table).await.expect("made")
}

async fn content(store: &Store, file: &File) -> Vec<u8> {
    let mut stream = store.file_content(file, None).await.expect("there");
    let mut all = Vec::new();
    while let Some(piece) = next(&mut stream).await {
        all.extend_from_slice(&piece);
    }
    all
}

async fn next(stream: &mut chancery::ContentStream) -> Option<Vec<u8>> {
    let piece = std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await;
    piece.map(|piece| piece.expect("read").to_vec())
}

async fn is_there(store: &Store, file: &File) -> bool {
    store.file(&file.id).await.is_ok()
}

fn code(error: &Error) -> Vec<&'static str> {
    error.issues().iter().map(|issue| issue.code.as_str()).collect()
}

#[test]
fn a_file_is_what_its_bytes_are_and_a_record_shows_it() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let photo = kept(&store, "../me.png", PIXEL).await;
        assert_eq!((&*photo.name, &*photo.media_type), ("me.png", "image/png"));
        assert_eq!(
            (photo.dimensions, photo.thumbnail.is_some()),
            (Some((1, 1)), true)
        );
        assert_eq!(photo.size, PIXEL.len() as u64);
        assert_eq!(content(&store, &photo).await, PIXEL);
        let paper = kept(&store, "cv.txt", b"I was born.").await;
        let ann = json!({"name": "Ann", "photo": photo.id, "papers": [paper.id, photo.id]});
        let ann = people.insert(ann).await.expect("inserted");
        assert_eq!(ann.get("papers"), json!([paper.id, photo.id]));
        assert_eq!(ann.display()["papers"], json!("cv.txt, me.png"));
        let table = people.definition().expect("there");
        let shown = &ann
            .shown(table.column("photo").expect("a column"))
            .expect("shown")
            .files;
        assert_eq!(shown, &[Arc::new(photo.clone())]);
        store.count_download(&photo);
        store.count_download(&photo);
        assert_eq!(store.file(&photo.id).await.expect("there").downloads, 2);
        store.keep_downloads().await.expect("written");
        store.count_download(&photo);
        assert_eq!(store.file(&photo.id).await.expect("there").downloads, 3);
        let all = store.files(None, 10).await.expect("listed");
        assert_eq!(all.files.len(), 2);
        let found = people.filter(json!({"photo": photo.id})).await.expect("found");
        assert_eq!(found.len(), 1);
    });
}

#[test]
fn what_does_not_fit_is_refused_and_says_why() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let before = people
            .insert(json!({"photo": "0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f"}))
            .await;
        assert_eq!(code(&before.expect_err("before any file")), ["reference"]);
        let photo = kept(&store, "me.png", PIXEL).await;
        let text = kept(&store, "me.png", b"not a picture").await;
        let large = kept(&store, "large.png", &[PIXEL, &[0; 2_000]].concat()).await;
        assert_eq!(
            (&*text.media_type, &*large.media_type),
            ("text/plain", "image/png")
        );
        for (data, expected) in [
            (json!({"photo": "nobody"}), "reference"),
            (json!({"photo": text.id}), "format"),
            (json!({"photo": large.id}), "limit"),
            (json!({"papers": [text.id, large.id, photo.id]}), "limit"),
            (json!({"papers": [text.id, text.id]}), "enum"),
            (json!({"papers": [text.id, "nobody"]}), "reference"),
        ] {
            let refused = people.insert(data.clone()).await.expect_err("refused");
            assert_eq!(code(&refused), [expected], "{data}");
        }
        let other = WorkspaceInput {
            name: "Other".into(),
            ..WorkspaceInput::default()
        };
        let other = store.create_workspace(other).await.expect("made");
        let theirs = kept(&store.in_workspace(&other.id).expect("there"), "x.png", PIXEL).await;
        let refused = people
            .insert(json!({"photo": theirs.id}))
            .await
            .expect_err("of others");
        assert_eq!(code(&refused), ["reference"]);
        assert_eq!(people.count(&chancery::Query::new()).await.expect("counted"), 0);
        // What was taken when less was asked stays where it is.
        let ann = people
            .insert(json!({"papers": [text.id]}))
            .await
            .expect("inserted");
        let mut config = JsonMap::new();
        config.insert("accept".into(), json!("image/*"));
        let patch = chancery::ColumnPatch {
            config: Some(config),
            ..chancery::ColumnPatch::default()
        };
        people.update_column("papers", patch).await.expect("changed");
        let id = ann.id();
        let both = json!({"papers": [text.id, photo.id]});
        people.update(&*id, both).await.expect("the old one stays");
        let refused = people
            .insert(json!({"papers": [text.id]}))
            .await
            .expect_err("a new one");
        assert_eq!(code(&refused), ["format"]);
    });
}

#[test]
fn a_file_that_records_name_stays() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let photo = kept(&store, "me.png", PIXEL).await;
        let ann = people
            .insert(json!({"photo": photo.id, "papers": [photo.id]}))
            .await
            .expect("inserted");
        let refused = store.delete_file(&photo.id).await.expect_err("in use");
        let Error::FileInUse { places, .. } = &refused else {
            panic!("{refused}");
        };
        let columns: Vec<&str> = places.iter().map(|place| place.column.as_str()).collect();
        assert_eq!(columns, ["photo", "papers"]);
        assert!(refused.to_string().contains(&ann.id()), "{refused}");
        people.delete(&*ann.id()).await.expect("to the trash");
        let refused = store.delete_file(&photo.id).await.expect_err("in the trash");
        assert!(refused.to_string().contains("in the trash"), "{refused}");
        people.purge(&*ann.id()).await.expect("for good");
        store.delete_file(&photo.id).await.expect("nobody names it");
        assert!(matches!(store.file(&photo.id).await, Err(Error::NotFound { .. })));
        assert!(matches!(
            store.delete_file(&photo.id).await,
            Err(Error::NotFound { .. })
        ));
    });
}

#[test]
fn what_an_undo_brings_back_has_its_file() {
    on_every_backend_by_hand(|store, hands| async move {
        let people = people(&store).await;
        let (one, two) = (
            kept(&store, "1.png", PIXEL).await,
            kept(&store, "2.png", PIXEL).await,
        );
        let ann = people.insert(json!({"photo": one.id})).await.expect("inserted");
        people
            .update(&*ann.id(), json!({"photo": two.id}))
            .await
            .expect("changed");
        hands.pass(2 * DAY_MS);
        for _ in 0..3 {
            assert_eq!(store.sweep_files().await.expect("swept").files, 0);
        }
        let done = store
            .operations(chancery::OperationQuery::default())
            .await
            .expect("told");
        let newest = &done.operations[0];
        let report = store
            .revert(&newest.id, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!(report.skipped_total, 0);
        let ann = people.get(&*ann.id()).await.expect("read").expect("there");
        assert_eq!(ann.get("photo"), json!(one.id));
        assert_eq!(content(&store, &one).await, PIXEL);
    });
}

#[test]
fn a_file_that_nobody_names_goes_after_a_day() {
    on_every_backend_by_hand(|store, hands| async move {
        let people = people(&store).await;
        let files: [&str; 5] = ["alone", "named", "trashed", "replaced", "purged"];
        let mut all = Vec::new();
        for name in files {
            all.push(kept(&store, name, PIXEL).await);
        }
        let [alone, named, trashed, replaced, purged] = &all[..] else {
            panic!()
        };
        let put = async |file: &File| {
            people
                .insert(json!({"papers": [file.id]}))
                .await
                .expect("inserted")
                .id()
        };
        put(named).await;
        people.delete(&*put(trashed).await).await.expect("to the trash");
        people
            .update(&*put(replaced).await, json!({"papers": []}))
            .await
            .expect("emptied");
        people.purge(&*put(purged).await).await.expect("purged");
        assert_eq!(
            store.sweep_files().await.expect("swept").files,
            0,
            "the day is not over"
        );
        hands.pass(DAY_MS + 1);
        assert_eq!(store.sweep_files().await.expect("swept").files, 1);
        assert!(!is_there(&store, alone).await);
        // As long as the log speaks of the others, they can be brought back.
        store.sweep_files().await.expect("swept");
        people
            .insert(json!({"name": "the newest commit"}))
            .await
            .expect("inserted");
        hands.pass(DAY_MS);
        people
            .insert(json!({"name": "the newest commit"}))
            .await
            .expect("inserted");
        store
            .forget_changes(Duration::from_secs(3_600))
            .await
            .expect("forgotten");
        assert_eq!(store.sweep_files().await.expect("swept").files, 2);
        for (file, expected) in [(named, true), (trashed, true), (replaced, false), (purged, false)] {
            assert_eq!(is_there(&store, file).await, expected, "{}", file.name);
        }
    });
}

#[test]
fn no_record_ever_names_a_file_that_was_deleted_at_the_same_moment() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        for round in 0..12 {
            let file = kept(&store, "x.png", PIXEL).await;
            let (put, gone) = tokio::join!(
                people.insert(json!({"photo": file.id})),
                store.delete_file(&file.id)
            );
            assert_ne!(put.is_ok(), gone.is_ok(), "{round}: {put:?} {gone:?}");
            assert_eq!(is_there(&store, &file).await, put.is_ok());
        }
        for round in 0..12 {
            let file = kept(&store, "again.png", PIXEL).await;
            let before = people
                .insert(json!({"photo": file.id}))
                .await
                .expect("named before");
            people.purge(&*before.id()).await.expect("purged");
            let (put, gone) = tokio::join!(
                people.insert(json!({"photo": file.id})),
                store.delete_file(&file.id)
            );
            assert_ne!(put.is_ok(), gone.is_ok(), "{round}: {put:?} {gone:?}");
            assert_eq!(is_there(&store, &file).await, put.is_ok());
        }
    });
}

#[test]
fn a_file_is_deleted_however_much_is_written_into_the_tables_that_named_it() {
    on_every_backend(|store| async move {
        let people = people(&store).await;
        let others = kept(&store, "others.png", PIXEL).await;
        let busy = AtomicBool::new(true);
        let write = async || {
            let mut written = 0;
            while busy.load(Ordering::Relaxed) {
                people
                    .insert(json!({"photo": others.id}))
                    .await
                    .expect("inserted");
                written += 1;
            }
            written
        };
        let delete = async || {
            for _ in 0..8 {
                let file = kept(&store, "mine.png", PIXEL).await;
                let named = people.insert(json!({"photo": file.id})).await.expect("named");
                store.delete_file(&file.id).await.expect_err("in use");
                people.purge(&*named.id()).await.expect("purged");
                store.delete_file(&file.id).await.expect("deleted");
                assert!(!is_there(&store, &file).await);
            }
            busy.store(false, Ordering::Relaxed);
        };
        let (a, b, c, d, ()) = tokio::join!(write(), write(), write(), write(), delete());
        assert!(a + b + c + d > 32, "the others wrote all the while");
    });
}

#[test]
fn a_file_may_be_as_large_as_the_store_says_and_all_together_too() {
    let options = OpenOptions {
        files: FilesOptions {
            file_bytes_max: 20,
            bytes_max: Some(30),
            ..FilesOptions::default()
        },
        ..OpenOptions::default()
    };
    run(async move {
        let store = Store::open_with("memory:", options).await.expect("open");
        let mut upload = store.begin_file("a").expect("begun");
        upload.write(&[b'a'; 20]).await.expect("fits");
        assert!(matches!(
            upload.write(b"a").await,
            Err(Error::Limit { max: 20, got: 21, .. })
        ));
        drop(upload);
        kept(&store, "a", &[b'a'; 20]).await;
        let mut upload = store.begin_file("b").expect("begun");
        upload.write(&[b'a'; 11]).await.expect("fits");
        let refused = upload.finish().await.expect_err("too much");
        assert!(
            matches!(refused, Error::Limit { max: 30, got: 31, .. }),
            "{refused}"
        );
        assert_eq!(store.files(None, 10).await.expect("listed").files.len(), 1);
    });
}

#[test]
fn a_content_without_a_row_is_let_go_and_no_row_is_without_its_content() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        let store = Store::open(&url).await.expect("open");
        let file = kept(&store, "a.png", PIXEL).await;
        // As a program leaves them that is killed between the content and its row, and while one comes in.
        let old = "0188a2b4-7c1e-7cc3-98c4-dc0c0c07398f";
        let shard = folder.path().join("a.db.files").join("8f");
        std::fs::create_dir_all(&shard).expect("made");
        std::fs::write(shard.join(old), b"stray").expect("written");
        std::fs::write(shard.join("notes.txt"), b"somebody's own").expect("written");
        drop(store.begin_file("b.png").expect("begun"));
        let swept = store.sweep_files().await.expect("swept");
        assert_eq!((swept.files, swept.contents), (0, 1));
        assert!(!shard.join(old).exists() && shard.join("notes.txt").exists());
        assert_eq!(content(&store, &file).await, PIXEL);
        let incoming = std::fs::read_dir(folder.path().join("a.db.files/incoming")).expect("there");
        assert_eq!(incoming.count(), 0, "nothing of what was given up stays");
        store.close().await.expect("closed");
    });
}

#[test]
fn a_backup_has_the_files_and_a_restore_puts_them_back() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let url = |path: &Path| format!("sqlite:{}", path.display());
        let store = Store::open(&url(&at("a.db"))).await.expect("open");
        let people = people(&store).await;
        let file = kept(&store, "a.png", PIXEL).await;
        people.insert(json!({"photo": file.id})).await.expect("inserted");
        let report = store
            .backup(&at("b.db"), InTheWay::Refuse, &|_| {})
            .await
            .expect("written");
        let copied = report.files.expect("copied");
        assert_eq!((copied.contents, copied.bytes > 0), (2, true));
        let again = store
            .backup(&at("b.db"), InTheWay::Replace, &|_| {})
            .await
            .expect("written");
        assert_eq!(
            again.files.expect("copied").bytes,
            0,
            "what is there is not copied again"
        );
        store.close().await.expect("closed");

        let back = Store::open(&url(&at("b.db")))
            .await
            .expect("a backup is a database with its files");
        assert_eq!(content(&back, &file).await, PIXEL);
        back.close().await.expect("closed");
        let restored = restore(&at("b.db"), &url(&at("c.db")), None, InTheWay::Refuse, &|_| {}).await;
        assert_eq!(restored.expect("restored").files.expect("put back").contents, 2);
        let place = FilesPlace::Folder(at("elsewhere"));
        let restored = restore(
            &at("b.db"),
            &url(&at("c.db")),
            Some(&place),
            InTheWay::Replace,
            &|_| {},
        )
        .await;
        assert_eq!(restored.expect("restored").files.expect("put back").contents, 2);
        let options = OpenOptions {
            files: FilesOptions {
                place: Some(place),
                ..FilesOptions::default()
            },
            ..OpenOptions::default()
        };
        let back = Store::open_with(&url(&at("c.db")), options).await.expect("open");
        assert_eq!(content(&back, &file).await, PIXEL);
        assert_eq!(back.file_uses(&file.id, 10).await.expect("looked").len(), 1);
        back.close().await.expect("closed");
    });
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
}
