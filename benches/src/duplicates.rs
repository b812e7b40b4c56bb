//! Duplicates on SQLite: records of three columns, one in twenty of them a spoilt copy of another, found by similarity; the truth is
//! known, so that it says how well as well as how fast. The same is told of a file whose truth a column of it tells. It tunes nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chancery::{
    BulkOptions, ColumnInput, DuplicateOptions, Duplicates, ImportFile, ImportOptions, Json, JsonMap, Key,
    Mapping, Record, Store, TableHandle, TableInput, json,
};

use crate::folder::{Folder, sqlite_url};
use crate::machine::{begin_peak, peak_mb};
use crate::measure::Effort;
use crate::report::{Bar, Row, Section, Unit};

/// Records that come in with one request.
const REQUEST: usize = 10_000;
/// One record of so many is a copy.
const COPY_OF: usize = 20;
/// The columns, all of them by similarity.
const COLUMNS: [&str; 3] = ["name", "street", "town"];
const SIMILARITY: f64 = 0.85;

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let count = effort.records(1_000_000);
    let rows = runtime.block_on(found(&folder, count))?;
    Ok(Section {
        title: format!(
            "Duplicates, SQLite: {count} records, 5 % of them copies with one to three mistakes, fuzzy over three columns"
        ),
        rows,
    })
}

async fn found(folder: &Folder, count: usize) -> Result<Vec<Row>> {
    let store = Store::open(&sqlite_url(&folder.path("duplicates.db"))).await?;
    let mut input = TableInput::new("People").column(ColumnInput::new("thing", "number"));
    for column in COLUMNS {
        input = input.column(ColumnInput::new(column, "text"));
    }
    let table = store.create_table(input).await?;
    for records in made(count).chunks(REQUEST) {
        table.bulk_create(records, BulkOptions::default()).await?;
    }
    let before = begin_peak();
    let start = Instant::now();
    let options = DuplicateOptions::by(&COLUMNS, Some(SIMILARITY));
    let answer = table.find_duplicates(options).await?;
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    let memory = peak_mb().unwrap_or_default() - before;
    let things = things(&table, |record| record.get("thing").as_u64()).await?;
    let told = told(&answer, &things);
    Ok(vec![
        Row::new("find all groups", Unit::Ms, took)
            .bar(Bar::AtMost(60_000.0))
            .note(&told),
        Row::new("memory that takes, at its peak", Unit::Mb, memory),
    ])
}

/// A file of records, and which of them are one thing.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Judged {
    /// A CSV file, such as the FEBRL sets
    file: PathBuf,
    /// The column that tells the truth: records whose first number in it is the same are one thing (rec-7-org, rec-7-dup-0)
    #[arg(long, value_name = "COLUMN")]
    truth: String,
    /// The columns to compare, all by similarity; all others than that of the truth, if not given
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    on: Vec<String>,
    /// From 0 to 1
    #[arg(long, default_value_t = SIMILARITY)]
    similarity: f64,
}

impl Judged {
    /// Finds the duplicates and says how well.
    pub(crate) fn run(&self) -> Result<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let folder = Folder::new()?;
        runtime.block_on(self.found(&folder.path("judged.db")))
    }

    async fn found(&self, database: &Path) -> Result<String> {
        let store = Store::open(&sqlite_url(database)).await?;
        let (file, name) = (ImportFile::path(&self.file), TableInput::new("Judged"));
        let (table, report) = store
            .import_new_table(&file, name, &Mapping::new(), &ImportOptions::default())
            .await?;
        let table = table.with_context(|| format!("nothing was imported: {:?}", report.errors.first()))?;
        let definition = table.definition()?;
        let columns: Vec<&str> = match self.on.is_empty() {
            true => definition
                .columns
                .iter()
                .map(|column| column.slug.as_str())
                .filter(|slug| *slug != self.truth)
                .collect(),
            false => self.on.iter().map(String::as_str).collect(),
        };
        let known = things(&table, |record| {
            first_number(&record.get(&self.truth).to_string())
        })
        .await?;
        ensure!(
            known.len() as u64 == report.created,
            "{} of {} records have no number in {}; --truth names the column that tells which records are one thing",
            report.created - known.len() as u64,
            report.created,
            self.truth
        );
        let start = Instant::now();
        let answer = table
            .find_duplicates(DuplicateOptions::by(&columns, Some(self.similarity)))
            .await?;
        let took = start.elapsed().as_secs_f64() * 1_000.0;
        store.close().await?;
        Ok(format!(
            "{} records, {} groups, {took:.0} ms: {}",
            known.len(),
            answer.groups.len(),
            told(&answer, &known)
        ))
    }
}

fn first_number(text: &str) -> Option<u64> {
    let digits = text.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let end = digits
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// What each record is, of those that say it.
async fn things(table: &TableHandle, thing: impl Fn(&Record) -> Option<u64>) -> Result<HashMap<Key, u64>> {
    let mut things = HashMap::new();
    let mut stream = table.stream(&Default::default()).await?;
    while let Some(records) = stream.next().await {
        things.extend(
            records?
                .iter()
                .filter_map(|record| Some((record.key().clone(), thing(record)?))),
        );
    }
    Ok(things)
}

fn told(answer: &Duplicates, things: &HashMap<Key, u64>) -> String {
    let (precision, recall) = quality(answer, things);
    let harmonic = 2.0 * precision * recall / (precision + recall);
    format!(
        "precision {precision:.4}, recall {recall:.4}, F1 {harmonic:.4}; {} pairs compared, {} records crowded",
        answer.told.compared, answer.told.crowded
    )
}

/// Precision and recall, by pairs.
fn quality(answer: &Duplicates, things: &HashMap<Key, u64>) -> (f64, f64) {
    let mut sizes: HashMap<u64, u64> = HashMap::new();
    for thing in things.values() {
        *sizes.entry(*thing).or_default() += 1;
    }
    let truth: u64 = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let (mut right, mut all) = (0_u64, 0_u64);
    for group in &answer.groups {
        for (at, a) in group.keys.iter().enumerate() {
            for b in &group.keys[at + 1..] {
                all += 1;
                right += u64::from(things.get(a) == things.get(b));
            }
        }
    }
    (
        right as f64 / all.max(1) as f64,
        right as f64 / truth.max(1) as f64,
    )
}

/// SplitMix64: every run has the same records.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    /// Small numbers more often, as names are spread.
    fn skewed(&mut self, most: usize) -> usize {
        let part = self.below(1 << 30) as f64 / f64::from(1 << 30);
        (most as f64 * part.powf(1.8)) as usize
    }

    fn words(&mut self, count: usize) -> Vec<String> {
        const BEGIN: [&str; 16] = [
            "b", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "w", "",
        ];
        const MIDDLE: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ee", "ou"];
        const END: [&str; 8] = ["", "n", "r", "l", "s", "ck", "m", "ng"];
        let syllable = |draws: &mut Draws| {
            format!(
                "{}{}{}",
                BEGIN[draws.below(16)],
                MIDDLE[draws.below(8)],
                END[draws.below(8)]
            )
        };
        let word = |draws: &mut Draws| (0..2 + draws.below(2)).map(|_| syllable(draws)).collect();
        (0..count).map(|_| word(self)).collect()
    }

    /// One letter more, less, another, or two in another order; now and then nothing at all.
    fn spoilt(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        if letters.len() < 2 || self.below(20) == 0 {
            return String::new();
        }
        let at = 1 + self.below(letters.len() - 1);
        let fresh = (b'a' + self.below(26) as u8) as char;
        match self.below(4) {
            0 => letters.insert(at, fresh),
            1 => drop(letters.remove(at)),
            2 => letters[at - 1] = fresh,
            _ => letters.swap(at - 1, at),
        }
        letters.into_iter().collect()
    }
}

fn made(count: usize) -> Vec<JsonMap> {
    let mut draws = Draws(7);
    let (given, family) = (draws.words(2_000), draws.words(20_000));
    let (streets, towns) = (draws.words(8_000), draws.words(5_000));
    let copies = count / COPY_OF;
    let mut rows: Vec<([String; 3], usize)> = Vec::with_capacity(count);
    for thing in 0..count - copies {
        let row = [
            format!("{} {}", given[draws.skewed(2_000)], family[draws.skewed(20_000)]),
            format!("{} street {}", streets[draws.skewed(8_000)], 1 + draws.below(150)),
            towns[draws.skewed(5_000)].clone(),
        ];
        rows.push((row, thing));
    }
    for copy in 0..copies {
        let thing = copy * 17 % (count - copies);
        let mut row = rows[thing].0.clone();
        for _ in 0..1 + draws.below(3) {
            let at = draws.below(3);
            row[at] = draws.spoilt(&row[at]);
        }
        rows.push((row, thing));
    }
    let object = |(row, thing): ([String; 3], usize)| {
        let mut object = JsonMap::new();
        object.insert("thing".into(), json!(thing));
        for (column, text) in COLUMNS.into_iter().zip(row) {
            let value = if text.is_empty() {
                Json::Null
            } else {
                Json::String(text)
            };
            object.insert(column.into(), value);
        }
        object
    };
    rows.into_iter().map(object).collect()
}
