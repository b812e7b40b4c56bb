//! `cargo xtask e2e`: drives every page in a real headless Chromium against a freshly started server.
//!
//! The scenarios themselves are in `web/e2e`.

use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};

use crate::provision::{self, Need};
use crate::repo::ServerBinary;
use crate::server::Server;
use crate::{process, repo, web};

/// How a file of scenarios ends.
const SCENARIOS: &str = ".test.mjs";
/// The file that makes the first admin: every server begins with it.
const SETUP: &str = "01-setup.test.mjs";
/// Files with bars of time in them: nothing runs beside these.
const ALONE: [&str; 1] = ["08-live.test.mjs"];
/// Files whose time is not what their size tells, and the size that would: one rests unless asked for, two go through every page.
const TAKEN_FOR: [(&str, u64); 3] = [
    ("06-big.test.mjs", 1),
    ("21-states.test.mjs", 35_000),
    ("23-keyboard.test.mjs", 26_000),
];
/// How many servers and browsers run at a time. A scenario waits for the page half of its time.
const LANES: usize = 2;

/// Options of `e2e`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    binary: ServerBinary,
    /// How many times slower than it is the browser is made: finds what rests on timing
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    slow: u32,
    /// Only these files of web/e2e (03-pages.test.mjs); all, if none is given. Other words are passed on to `node --test`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Options {
    /// Every scenario: the run that belongs to `cargo xtask test`.
    pub(crate) fn everything() -> Self {
        Self {
            binary: ServerBinary::default(),
            slow: 1,
            arguments: Vec::new(),
        }
    }
}

/// Starts servers over empty folders and runs the scenarios against them, some files beside others.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = repo::root().join("web");
    let node = web::ensure_packages(&directory)?;
    let chromium = provision::provide(Need::Chromium)?;
    let binary = options.binary.path()?;
    let (named, words): (Vec<String>, Vec<String>) = options
        .arguments
        .iter()
        .cloned()
        .partition(|argument| argument.ends_with(SCENARIOS));
    let (alone, beside): (Vec<_>, Vec<_>) = files(&directory.join("e2e"), &named)?
        .into_iter()
        .partition(|(_, name)| ALONE.contains(&&**name));
    let lane = |number: usize, files: &[String]| -> Result<()> {
        let data = repo::scratch()?;
        let server = Server::start(&binary, data.path())?;
        let setup_url = server
            .setup_url()
            .context("the first start printed no set-up link")?;
        let mut scenarios = provision::npm(&node);
        scenarios
            .args(["run", "e2e", "--"])
            .args(&words)
            .arg(format!("e2e/{SETUP}"))
            .args(files.iter().map(|file| format!("e2e/{file}")))
            .current_dir(&directory)
            .env("CHANCERY_URL", &server.url)
            .env("CHANCERY_SETUP_URL", setup_url)
            .env("CHANCERY_SLOW", options.slow.to_string())
            .env("CHROMIUM", &chromium);
        process::run_told(&mut scenarios, |line| println!("{number} │ {line}"))
            .with_context(|| format!("the server's last words:\n{}", server.last_words()))
    };
    if alone.is_empty() && beside.is_empty() {
        return run_beside(&[Vec::new()], &lane);
    }
    // Their bars mean nothing on a browser that is made slow.
    let timed = if options.slow > 1 {
        Ok(())
    } else {
        run_beside(&lanes(alone, 1), &lane)
    };
    timed.and(run_beside(&lanes(beside, LANES), &lane))
}

/// Runs lanes beside each other; each line they say begins with the number of its lane.
fn run_beside(lanes: &[Vec<String>], lane: &(impl Fn(usize, &[String]) -> Result<()> + Sync)) -> Result<()> {
    thread::scope(|scope| {
        let running: Vec<_> = (1..)
            .zip(lanes)
            .map(|(number, files)| scope.spawn(move || lane(number, files)))
            .collect();
        // Each is waited for, also after one that failed.
        let mut outcome = Ok(());
        for lane in running {
            let ended = lane.join();
            outcome = outcome.and(ended.unwrap_or_else(|_| Err(anyhow!("a lane of scenarios panicked"))));
        }
        outcome
    })
}

/// The files that were asked for and their sizes, largest first.
fn files(folder: &Path, named: &[String]) -> Result<Vec<(u64, String)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(SCENARIOS) {
            let taken_for = TAKEN_FOR.iter().find(|(file, _)| *file == name);
            let size = taken_for.map_or(entry.metadata()?.len(), |(_, size)| *size);
            files.push((size, name));
        }
    }
    for file in named {
        ensure!(
            files.iter().any(|(_, name)| is(file, name)),
            "{file} is no file of {}",
            folder.display()
        );
    }
    files.retain(|(_, name)| name != SETUP && (named.is_empty() || named.iter().any(|file| is(file, name))));
    files.sort_unstable_by(|one, other| other.cmp(one));
    Ok(files)
}

/// Whether `asked`, perhaps with its folder, is the file of this name.
fn is(asked: &str, name: &str) -> bool {
    Path::new(asked).file_name().is_some_and(|file| file == name)
}

/// Shares files out so that each lane has about as much to do; a lane runs its own in the order of their names.
fn lanes(files: Vec<(u64, String)>, most: usize) -> Vec<Vec<String>> {
    let mut lanes = vec![(0, Vec::new()); most.min(files.len())];
    for (size, name) in files {
        if let Some(lane) = lanes.iter_mut().min_by_key(|lane| lane.0) {
            lane.0 += size;
            lane.1.push(name);
        }
    }
    lanes
        .into_iter()
        .map(|(_, mut names)| {
            names.sort_unstable();
            names
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shared_out_evenly_and_keep_their_order() {
        let files = [(9, "b"), (7, "a"), (6, "d"), (4, "c")].map(|(size, name)| (size, name.to_owned()));
        assert_eq!(lanes(files.to_vec(), 2), [["b", "c"], ["a", "d"]]);
        assert_eq!(lanes(files.to_vec(), 1), [["a", "b", "c", "d"]]);
        assert_eq!(lanes(files[..1].to_vec(), 2), [["b"]]);
        assert!(lanes(Vec::new(), 2).is_empty());
    }

    #[test]
    fn only_the_files_that_were_asked_for_run() {
        let folder = repo::root().join("web/e2e");
        let names = |named: &[&str]| {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            files(&folder, &named).map(|files| files.into_iter().map(|(_, name)| name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&["e2e/03-pages.test.mjs"]).expect("it is there"),
            ["03-pages.test.mjs"]
        );
        let all = names(&[]).expect("all are there");
        assert!(all.len() > 10);
        assert!(
            TAKEN_FOR
                .iter()
                .all(|(name, _)| all.iter().any(|file| file == name))
        );
        let error = names(&["99-none.test.mjs"]).expect_err("there is none");
        assert!(
            error.to_string().starts_with("99-none.test.mjs is no file of"),
            "{error}"
        );
    }
}
