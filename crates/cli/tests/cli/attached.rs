//! Files of records: attached, listed, fetched, detached; on a database of this machine and on a server alike.

use crate::harness::{Here, Server, files};

#[test]
fn files_are_attached_listed_fetched_and_detached() {
    let here = Here::new();
    let (_server, there) = Server::served(&here);
    let there = there.each_ref().map(String::as_str);
    // More than any part of it on its way has.
    let large: Vec<u8> = (0..3 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    here.write("large.bin", &large);
    here.write("a note.txt", "Bring milk.");
    here.write("other.txt", "And bread.");
    for place in [&[][..], &there[..]] {
        let run = |args: &[&str]| here.run(&[args, place].concat());
        let done = |args: &[&str]| here.done(&[args, place].concat());
        done(&[
            "table",
            "create",
            "Pets",
            "-c",
            "name:text",
            "-c",
            "photo:file",
            "-c",
            "papers:files",
        ]);
        let id = done(&["record", "create", "pets", "name=Tom"]);
        let id = id.trim();
        let which = run(&["file", "attach", "pets", id, "a note.txt"]);
        assert!(
            which.code != 0 && which.err.contains("papers") && which.err.contains("photo"),
            "{which:?}"
        );
        done(&["file", "attach", "pets", id, "large.bin", "--column", "photo"]);
        done(&[
            "file",
            "attach",
            "pets",
            id,
            "a note.txt",
            "other.txt",
            "--column",
            "papers",
        ]);
        let listed = here.json(&[&["file", "list", "pets", id], place].concat());
        let names: Vec<_> = (0..3).map(|at| listed[at]["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["large.bin", "a note.txt", "other.txt"], "{listed}");

        done(&["file", "get", "pets", id, "--column", "photo", "-o", "back.bin"]);
        assert!(std::fs::read(here.path("back.bin")).unwrap() == large);
        assert_eq!(done(&["file", "get", "pets", id, "a note.txt"]), "Bring milk.");
        std::fs::create_dir_all(here.path("folder")).unwrap();
        let note = listed[1]["id"].as_str().unwrap();
        let into = ["file", "get", "pets", id, note, "-o", "folder"];
        done(&[&into[..], &["--force"]].concat());
        assert_eq!(files(&here.path("folder")), ["a note.txt"]);
        let again = run(&into);
        assert!(again.code == 2 && again.err.contains("--force"), "{again:?}");

        for (args, code, told) in [
            (&["get", "pets", id][..], 2, "several files"),
            (&["get", "pets", id, "none.txt"], 1, "other.txt"),
            (&["list", "pets", id, "--column", "name"], 2, "photo, papers"),
            (&["attach", "pets", id, "none.txt"], 2, "there is no file"),
            (&["attach", "pets", id, "folder"], 2, "is a folder"),
            (&["list", "pets", "nobody"], 1, "nobody"),
            (&["detach", "pets", id, "none.txt"], 1, "no file"),
        ] {
            let wrong = run(&[&["file"], args].concat());
            assert!(
                wrong.code == code && wrong.err.contains(told),
                "{args:?}: {wrong:?}"
            );
        }

        done(&["file", "detach", "pets", id, "other.txt"]);
        done(&["file", "detach", "pets", id, "large.bin", "--permanent"]);
        let left = here.json(&[&["file", "list", "pets", id], place].concat());
        assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
        let gone = format!("/api/files/{}", listed[0]["id"].as_str().unwrap());
        assert_ne!(run(&["api", "GET", &gone]).code, 0);
        let kept = format!("/api/files/{}", listed[2]["id"].as_str().unwrap());
        done(&["api", "GET", &kept]);
    }
}
