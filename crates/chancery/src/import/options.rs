//! What a caller says about an import, and how it can watch and stop it. Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chancery_model::define::ColumnInput;
use chancery_model::field::{DateOrder, TextFormat};
use parking_lot::Mutex;
use uuid::Uuid;

use super::file::FileFormat;
use crate::bulk::OnError;
use crate::rows::{Blank, OnMany};

/// Where the columns of a file go: header → slug of the column, or none to leave the column out.
///
/// A header is the name in the first row. A name that stands there twice is told apart as `name (2)`, an empty one is
/// `Column 3`; a number alone (`"3"`) means the column at that place, from 1. Besides slugs, `id` (the key) and
/// `externalId` may be named.
pub type Mapping = BTreeMap<String, Option<String>>;

/// How a file is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// Whether the first row holds the names of the columns; found out if absent (an import takes it as yes).
    pub header: Option<bool>,
    /// The encoding by any name of the WHATWG list (`utf-8`, `windows-1252` …); found out if absent.
    pub encoding: Option<String>,
    /// The character between cells, ASCII; found out if absent.
    pub delimiter: Option<char>,
    /// The character around cells, ASCII; `"` or `'`, found out if absent.
    pub quote: Option<char>,
    /// Whether spaces after a delimiter are no part of the cell; found out if absent.
    pub spaced: Option<bool>,
    /// What happens to the apostrophe that an export puts before texts a spreadsheet would run.
    pub guard: GuardRule,
    /// What the file is; found out if absent.
    pub format: Option<FileFormat>,
    /// The sheet of a workbook, by its name or its number from 1; the first one if absent.
    pub sheet: Option<String>,
}

/// What happens to the apostrophe in cells such as `'=1+1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuardRule {
    /// It is taken away in files that carry the mark of an export (see [`crate::ExportOptions`]).
    #[default]
    Marked,
    /// It is taken away.
    Strip,
    /// It stays.
    Keep,
}

/// How numbers and dates are written in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notation {
    /// The decimal sign, the thousands separator and the order of dates.
    pub text: TextFormat,
}

impl Notation {
    /// The notation of a locale such as `de-DE` or `en-US`; none if it is unknown.
    ///
    /// ```
    /// let german = chancery::Notation::of_locale("de-DE").unwrap();
    /// assert_eq!((german.text.decimal, german.text.group), (',', Some('.')));
    /// ```
    pub fn of_locale(locale: &str) -> Option<Notation> {
        super::locale::notation(locale)
    }

    /// A locale whose notation this is; none for the notation of machines, and for one that no locale has.
    pub fn locale(&self) -> Option<&'static str> {
        super::locale::locale(*self)
    }

    /// A notation part by part.
    pub fn new(decimal: char, group: Option<char>, date_order: DateOrder) -> Notation {
        Notation {
            text: TextFormat {
                decimal,
                group,
                date_order,
            },
        }
    }
}

/// How a file is imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// How it is read.
    pub read: ReadOptions,
    /// How its numbers and dates are written.
    pub notation: Notation,
    /// Add columns the table lacks, with the types that keep every cell as it is written.
    pub create_columns: bool,
    /// New columns as they are to be, found by their slug, or their name in the file; the others are as the file's cells say. Named
    /// ones are made though `create_columns` says nothing.
    pub new_columns: Vec<ColumnInput>,
    /// New columns of which nothing is said are all text, whatever they look like.
    pub all_text: bool,
    /// Add options that select columns lack.
    pub create_options: bool,
    /// Make the records of other tables that cells name, where nobody is called so.
    pub create_missing: bool,
    /// Change records that match instead of making new ones.
    pub update_existing: bool,
    /// Rows that match nothing are refused instead of making records; goes with `update_existing`.
    pub update_only: bool,
    /// The header of the column that holds the record's id in another system; it is matched by unless `match_on` says
    /// otherwise.
    pub external_id_column: Option<String>,
    /// The slugs of the columns by which records are found again (`id` and `externalId` too).
    pub match_on: Vec<String>,
    /// What happens when several records match.
    pub on_many: OnMany,
    /// What an empty cell does to a record that is found.
    pub blank: Blank,
    /// What a bad row does to the others.
    pub on_error: OnError,
    /// Answer as if done, write nothing.
    pub dry_run: bool,
    /// What the file is called, for the list of imports.
    pub file_name: Option<String>,
    /// Watches and stops the import; also holds its id.
    pub control: ImportControl,
}

/// The handle on one import while it runs. Clones are the same import; an import that begins with the handle of another one
/// gets a fresh handle, which only `watch` hears of: to cancel it too, give it a handle of its own.
#[derive(Clone)]
pub struct ImportControl {
    inner: Arc<Inner>,
}

struct Inner {
    id: Arc<str>,
    cancelled: AtomicBool,
    written: AtomicBool,
    paused: tokio::sync::watch::Sender<bool>,
    progress: Mutex<Progress>,
    started: Instant,
    /// When the phase began; later by every pause since.
    phase_started: Mutex<Instant>,
    watch: Option<Watch>,
    /// Whether an import has begun with it.
    begun: AtomicBool,
}

/// Hears how far an import is.
type Watch = Arc<dyn Fn(Progress) + Send + Sync>;

/// What an import is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Reading the file to find types or mistakes; nothing is written yet.
    #[default]
    Checking,
    /// Writing records.
    Writing,
    /// Taking back what was written, after a failure or a cancellation.
    TakingBack,
    /// Over.
    Done,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Rows of this phase so far.
    pub rows: u64,
    /// Bytes of the file read in this phase.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Rows a second since the import began.
    pub rate: f64,
    /// How long this phase still takes as it goes, in ms; none while nobody knows.
    pub left_ms: Option<u64>,
}

impl Default for ImportControl {
    fn default() -> ImportControl {
        ImportControl::with(None)
    }
}

impl std::fmt::Debug for ImportControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImportControl({})", self.inner.id)
    }
}

impl ImportControl {
    /// A fresh handle that calls `watch` after each chunk of rows.
    pub fn watched(watch: impl Fn(Progress) + Send + Sync + 'static) -> ImportControl {
        ImportControl::with(Some(Arc::new(watch)))
    }

    /// The handle of an import that begins: this one, or a fresh one if another import has begun with it. No two imports have
    /// one id, so that taking back the one never takes back the other.
    pub(super) fn begun(&self) -> ImportControl {
        match self.inner.begun.swap(true, Ordering::Relaxed) {
            false => self.clone(),
            true => ImportControl::with(self.inner.watch.clone()).begun(),
        }
    }

    /// A handle of a new import that has this id.
    pub(super) fn of_id(id: &str) -> ImportControl {
        ImportControl::made(id.into(), None)
    }

    fn with(watch: Option<Watch>) -> ImportControl {
        ImportControl::made(Uuid::now_v7().to_string().into(), watch)
    }

    fn made(id: Arc<str>, watch: Option<Watch>) -> ImportControl {
        let inner = Inner {
            id,
            cancelled: AtomicBool::new(false),
            written: AtomicBool::new(false),
            paused: tokio::sync::watch::Sender::new(false),
            progress: Mutex::default(),
            started: Instant::now(),
            phase_started: Mutex::new(Instant::now()),
            watch,
            begun: AtomicBool::new(false),
        };
        ImportControl {
            inner: Arc::new(inner),
        }
    }

    /// The id of the import: a UUID as text.
    pub fn id(&self) -> &Arc<str> {
        &self.inner.id
    }

    /// Asks it to stop: within a chunk of rows it takes back what it wrote and answers so.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Relaxed);
        self.inner.paused.send_replace(false);
    }

    /// Says that it begins to write.
    pub(super) fn writes(&self) {
        self.inner.written.store(true, Ordering::Relaxed);
    }

    /// Whether it began to write.
    pub(super) fn has_written(&self) -> bool {
        self.inner.written.load(Ordering::Relaxed)
    }

    /// Lets it rest after the chunk of rows it is at, until [`ImportControl::resume`]. What it has written stays meanwhile; it
    /// is taken back if the program ends.
    pub fn pause(&self) {
        self.inner.paused.send_replace(!self.cancelled());
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.inner.paused.send_replace(false);
    }

    /// Whether it rests, or is about to.
    pub fn paused(&self) -> bool {
        *self.inner.paused.borrow()
    }

    /// Waits until it may go on, at most `longest`; whether it may.
    pub(super) async fn may_go_on(&self, longest: Duration) -> bool {
        let begun = Instant::now();
        let mut paused = self.inner.paused.subscribe();
        // The sender lives as long as this handle does, so waiting ends by time only.
        let goes_on = tokio::time::timeout(longest, paused.wait_for(|paused| !paused));
        let goes_on = goes_on.await.is_ok();
        *self.inner.phase_started.lock() += begun.elapsed();
        goes_on
    }

    /// Whether it was asked to stop.
    pub fn cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Relaxed)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        *self.inner.progress.lock()
    }

    pub(crate) fn tell(&self, phase: Phase, rows: u64, bytes: u64, bytes_total: u64) {
        let rate = rows as f64 / self.inner.started.elapsed().as_secs_f64().max(1e-6);
        let mut known = self.inner.progress.lock();
        let mut since = self.inner.phase_started.lock();
        if known.phase != phase || bytes < known.bytes {
            *since = Instant::now();
        }
        let left = (bytes > 0 && phase != Phase::Done).then(|| {
            let to_do = bytes_total.saturating_sub(bytes) as f64 / bytes as f64;
            (since.elapsed().as_secs_f64() * to_do * 1_000.0) as u64
        });
        drop(since);
        let progress = Progress {
            phase,
            rows,
            bytes,
            bytes_total,
            rate,
            left_ms: left,
        };
        *known = progress;
        drop(known);
        if let Some(watch) = &self.inner.watch {
            watch(progress);
        }
    }
}
