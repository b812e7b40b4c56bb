//! Runs that are watched: with `CHANCERY_TEST_WATCH` set to a folder, all that scenarios write and log stays there, for somebody to look
//! through; without it, nothing here does anything.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::filter::LevelFilter;

/// Names the folder. In it are made `written/`, with what was written, and `secrets`, with what must not be in there, one in a line.
const FOLDER: &str = "CHANCERY_TEST_WATCH";

/// No secret; it stands in every log, so that whoever looks there knows that a secret would have been seen.
const DECOY: &str = "decoy-of-the-scenarios";

fn folder() -> Option<&'static Path> {
    static NAMED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var_os(FOLDER).map(PathBuf::from));
    named.as_deref()
}

/// Logs everything from now on, at the most talkative level.
pub(crate) fn begin() {
    static BEGUN: OnceLock<()> = OnceLock::new();
    let Some(folder) = folder() else { return };
    BEGUN.get_or_init(|| {
        let log = folder.join("written").join("log");
        std::fs::create_dir_all(&log).expect("a folder for the log");
        let file = File::create(log.join(std::process::id().to_string())).expect("a log");
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(file)
            .init();
        tracing::trace!("{DECOY}");
    });
}

/// Says what has to be looked for.
pub fn look_for(secrets: &[&str]) {
    static SAID: OnceLock<()> = OnceLock::new();
    let Some(folder) = folder() else { return };
    SAID.get_or_init(|| {
        std::fs::write(folder.join("secrets"), secrets.join("\n")).expect("the secrets are said");
    });
}

/// Keeps the files of a folder that is about to go.
pub(crate) fn keep(of: &Path) {
    static KEPT: AtomicU64 = AtomicU64::new(0);
    let Some(folder) = folder() else { return };
    let to = folder
        .join("written")
        .join("data")
        .join(KEPT.fetch_add(1, Ordering::Relaxed).to_string());
    std::fs::create_dir_all(&to).expect("a folder to keep files in");
    for entry in std::fs::read_dir(of).expect("a folder") {
        let path = entry.expect("an entry").path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            std::fs::copy(&path, to.join(name)).expect("a file is kept");
        }
    }
}
