//! Starting the binary over a folder of its own. Asserts nothing by itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A folder with a data directory that goes away afterwards.
pub(crate) struct Here {
    dir: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Here {
    pub(crate) fn new() -> Here {
        Here {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The binary in this folder, with nothing of the environment that it reads.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chancery"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        for name in [
            "CHANCERY_SERVER",
            "CHANCERY_KEY",
            "CHANCERY_LOG",
            "CHANCERY_VAULT_KEY",
            "NO_COLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args))
    }

    /// Runs with something on stdin.
    pub(crate) fn run_with(&self, input: &str, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must work and answers its stdout.
    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// As [`Here::done`], the answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> serde_json::Value {
        let out = self.done(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    /// A table of tasks.
    pub(crate) fn with_tasks() -> Here {
        let here = Here::new();
        here.done(&[
            "table",
            "create",
            "Tasks",
            "--column",
            "title:text:required",
            "--column",
            "status:select:options=todo|doing|done",
            "--column",
            "priority:number:min=1:max=5",
            "--column",
            "due:date",
            "--column",
            "code:text",
        ]);
        here
    }
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A server that runs; stopped when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) ready: String,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// Starts a server on a database of its own; with the arguments that lead a command to it, as an administrator.
    pub(crate) fn served(here: &Here) -> (Server, [String; 4]) {
        let server = Server::start(here, &["--data", "served"]);
        let made = here.json(&[
            "key", "create", "--name", "k", "--scope", "admin", "--data", "served",
        ]);
        let key = made["key"].as_str().unwrap();
        let there = ["--server", server.url(), "--key", key].map(str::to_owned);
        (server, there)
    }

    /// Starts a server and waits for its line.
    pub(crate) fn start(here: &Here, args: &[&str]) -> Server {
        let mut command = here.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        let log = std::fs::File::create(here.path("server.log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        Server {
            child,
            ready: ready.trim_end().to_owned(),
            stdout,
        }
    }

    /// The address it answers at.
    pub(crate) fn url(&self) -> &str {
        self.ready
            .strip_prefix("ready ")
            .unwrap_or_else(|| panic!("{}", self.ready))
    }

    /// Ends it as Ctrl-C does and answers its status and what else it wrote to stdout.
    pub(crate) fn interrupt(mut self) -> (i32, String) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if started.elapsed() > Duration::from_secs(20) => panic!("it does not stop"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status.code().expect("no signal"), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of a folder, without their paths.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
