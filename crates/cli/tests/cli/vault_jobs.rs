//! Long work on all secrets from the command line: on a database and on a server, interrupted, resumed, after a crash.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Here, Ran, Server};

const OLD: &str = "canary-4711 the old one";
const NEW: &str = "canary-4711 the new one";

/// A folder with a vault of so many secrets, each with the old password; the files of the passwords, and of a token.
fn filled(count: usize) -> Here {
    let here = Here::new();
    here.write("old.txt", format!("{OLD}\n"));
    here.write("new.txt", format!("{NEW}\n"));
    for index in 0..count {
        let made = here.run_with("v", &["vault", "create", "--password-file", "old.txt"]);
        assert_eq!(made.code, 0, "{made:?}");
        if index == 0 {
            here.write("token.txt", made.out);
        }
    }
    here
}

fn reads(here: &Here, password: &str) -> bool {
    let args = [
        "vault",
        "read",
        "--token-file",
        "token.txt",
        "--password-file",
        password,
    ];
    here.run(&args).code == 0
}

#[track_caller]
fn silent(ran: &Ran) {
    assert!(
        !ran.out.contains("canary-4711") && !ran.err.contains("canary-4711"),
        "{ran:?}"
    );
}

/// The job that a command told of as JSON.
#[track_caller]
fn job(ran: &Ran) -> Value {
    silent(ran);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn every_kind_of_job_is_done_and_listed() {
    let here = filled(2);
    let all = ["vault", "passwd", "--all", "--json"];
    let files = ["--password-file", "old.txt", "--new-password-file", "new.txt"];
    let dry = job(&here.run(&[&all[..], &files, &["--dry-run"]].concat()));
    assert_eq!((&dry["done"], &dry["dryRun"]), (&2.into(), &true.into()));
    assert!(reads(&here, "old.txt"));
    let done = job(&here.run_with(&format!("{OLD}\n{NEW}\n"), &all));
    assert_eq!((&done["state"], &done["done"]), (&"done".into(), &2.into()));
    assert!(reads(&here, "new.txt") && !reads(&here, "old.txt"));
    let nothing = here.run(&[&["vault", "passwd", "--all"][..], &files].concat());
    assert_eq!(nothing.code, 0);
    assert!(
        nothing.err.contains("opens none") && nothing.out.contains("done"),
        "{nothing:?}"
    );

    assert_eq!(job(&here.run(&["vault", "rotate-key", "--json"]))["done"], 2);
    let keys = here.json(&["vault", "key", "list"]);
    assert_eq!(
        (&keys[0]["state"], &keys[1]["versions"]),
        (&"retired".into(), &2.into())
    );
    assert_eq!(
        job(&here.run(&["vault", "verify", "--secrets", "--json"]))["done"],
        2
    );
    here.done(&[&["vault", "delete", "--token-file", "token.txt"][..], &files[..0]].concat());
    let purge = ["vault", "purge", "--json", "--deleted-before"];
    assert_eq!(job(&here.run(&[&purge[..], &["1h"]].concat()))["done"], 0);
    let done = job(&here.run(&[&purge[..], &["9999-01-01T00:00:00Z"]].concat()));
    assert_eq!(done["done"], 1);

    let listed = here.done(&["vault", "jobs"]);
    for kind in ["changePassword", "rotateKey", "verify", "purge"] {
        assert!(listed.contains(kind), "{listed}");
    }
    let purges = here.json(&["vault", "jobs", "--kind", "purge", "--limit", "1"]);
    assert_eq!(purges.as_array().unwrap().len(), 1);
    assert_eq!(purges[0]["id"], done["id"]);
    let one = here.done(&["vault", "job", done["id"].as_str().unwrap()]);
    assert!(one.contains("purge") && one.contains("9999-01-01"), "{one}");
}

#[test]
fn what_is_wrong_is_said() {
    let here = filled(1);
    for (args, told) in [
        (
            &["rotate-key", "--no-wait"][..],
            "only as long as this command runs",
        ),
        (&["rotate-key", "--batch", "0"], "batch"),
        (&["purge"], "--deleted-before"),
        (&["purge", "--deleted-before", "soon"], "soon"),
        (&["verify", "--dry-run"], "--secrets"),
        (&["passwd", "--token-file", "token.txt", "--dry-run"], "--all"),
        (&["passwd", "--all", "--token-file", "token.txt"], "--token-file"),
        (&["passwd", "--all"], "old password"),
        (&["passwd", "--all", "canary-4711"], "--all"),
        (&["job", "nobody"], "no job"),
        (&["job", "nobody", "--pause", "--resume"], "--resume"),
        (&["job", "nobody", "--no-wait"], "--resume"),
        (&["jobs", "--kind", "reindex"], "reindex"),
    ] {
        let ran = here.run(&[&["vault"][..], args].concat());
        assert_ne!(ran.code, 0, "{args:?}");
        assert!(ran.err.contains(told), "{args:?}: {ran:?}");
        silent(&ran);
    }
    assert_eq!(here.json(&["vault", "jobs"]).as_array().unwrap().len(), 0);
}

/// Interrupts a command as Ctrl-C does once it works on a job.
#[cfg(unix)]
fn interrupted(here: &Here, args: &[&str]) -> (i32, String) {
    let mut child = here
        .command(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    (
        child.wait().unwrap().code().expect("it ends by itself"),
        told.join("\n"),
    )
}

#[cfg(unix)]
#[test]
fn ctrl_c_pauses_a_job_and_says_how_to_go_on() {
    let here = filled(5);
    let files = ["--password-file", "old.txt", "--new-password-file", "new.txt"];
    let slow = ["vault", "passwd", "--all", "--rows-per-second", "1"];
    let (code, told) = interrupted(&here, &[&slow[..], &files].concat());
    assert_eq!(code, 2, "{told}");
    let id = here.json(&["vault", "jobs"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        told.contains("paused") && told.contains(&format!("vault job {id} --resume")),
        "{told}"
    );
    assert!(!told.contains("canary-4711"), "{told}");
    let missing = here.run(&["vault", "job", &id, "--resume", "--password-file", "old.txt"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    let resume = ["vault", "job", &id, "--resume", "--json"];
    let done = job(&here.run(&[&resume[..], &files].concat()));
    assert_eq!((&done["state"], &done["seen"]), (&"done".into(), &5.into()));
    assert!(reads(&here, "new.txt"));
    let again = here.run(&[&resume[..], &files].concat());
    assert!(again.code == 1 && again.err.contains("over"), "{again:?}");
}

#[test]
fn a_server_goes_on_after_a_crash_and_is_watched_from_afar() {
    let here = filled(6);
    let key: Value = here.json(&["key", "create", "--name", "ops", "--scope", "admin"]);
    let key = key["key"].as_str().unwrap().to_owned();
    let server = Server::start(&here, &[]);
    let ask = |server: &Server, args: &[&str]| -> Ran {
        let at = ["--server", server.url(), "--key", &key];
        here.run(&[&["vault"][..], args, &at].concat())
    };
    let slow = ["rotate-key", "--rows-per-second", "1", "--no-wait", "--json"];
    let begun = job(&ask(&server, &slow));
    assert_eq!(begun["state"], "running");
    let id = begun["id"].as_str().unwrap().to_owned();
    let paused = job(&ask(&server, &["job", &id, "--pause", "--json"]));
    assert_eq!(paused["state"], "paused");
    assert_eq!(
        job(&ask(&server, &["job", &id, "--resume", "--no-wait", "--json"]))["state"],
        "running"
    );
    let passwords = ["--password-file", "old.txt", "--new-password-file", "new.txt"];
    let slow = ["passwd", "--all", "--rows-per-second", "1", "--no-wait", "--json"];
    let change = job(&ask(&server, &[&slow[..], &passwords].concat()));
    let change = change["id"].as_str().unwrap().to_owned();
    std::thread::sleep(Duration::from_millis(1_500));
    // It is killed, not stopped.
    drop(server);

    let server = Server::start(&here, &[]);
    let began = Instant::now();
    let rotated = loop {
        let job = job(&ask(&server, &["job", &id, "--json"]));
        match job["state"].as_str() {
            Some("running") if began.elapsed() < Duration::from_secs(20) => {
                std::thread::sleep(Duration::from_millis(200));
            }
            _ => break job,
        }
    };
    assert_eq!((&rotated["state"], &rotated["seen"]), (&"done".into(), &6.into()));
    assert_eq!(
        job(&ask(&server, &["job", &change, "--json"]))["state"],
        "waiting"
    );
    let resume = ["job", &change, "--resume"];
    let done = ask(&server, &[&resume[..], &passwords].concat());
    silent(&done);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("6 of 6"), "{done:?}");
    let refused = ask(&server, &["job", &change, "--cancel"]);
    assert!(refused.code == 1 && refused.err.contains("over"), "{refused:?}");
    drop(server);
    assert!(reads(&here, "new.txt"));
    assert!(!here.read("server.log").contains("canary-4711"));
}
