//! How a CSV file is written, found out on its first part: delimiter, quote, spaces, header, marks. It parses by `cells`.

use chancery_model::field::TextFormat;
use chancery_model::{Column, field_type};
use encoding_rs::Encoding;

use super::cells::{Cells, Chunk};
use super::decode::{self, Text};
use super::file::{FileFormat, ImportFile, Origin};
use super::options::{GuardRule, ReadOptions};
use crate::error::Error;
use crate::export::guard;

/// Text on which a dialect is found out, in bytes.
const SAMPLE_BYTES: usize = 256 * 1024;
/// Rows on which a dialect is found out.
const SAMPLE_ROWS: usize = 2_000;
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

/// How a CSV file is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dialect {
    pub(super) encoding: &'static Encoding,
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    /// Spaces after a delimiter are no part of the cell.
    pub(super) spaced: bool,
    /// The first row holds names.
    pub(super) header: bool,
    /// It quotes only what must be quoted, so that `""` is the empty text and nothing is null.
    pub(super) sparing: bool,
    /// It carries the mark of an export.
    pub(super) marked: bool,
    pub(super) guard: GuardRule,
    pub(super) lines: Lines,
}

/// What counts as a line of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lines {
    /// Lines of text; a cell may hold several.
    #[default]
    Text,
    /// Rows of a sheet.
    Sheet,
    /// Objects, before which stands a first row that the file does not have.
    Objects,
}

impl Dialect {
    /// Whether the apostrophe before a formula is taken away in quoted and in bare cells.
    pub(super) fn strips(&self) -> (bool, bool) {
        match self.guard {
            GuardRule::Marked => (self.marked, false),
            GuardRule::Strip => (true, true),
            GuardRule::Keep => (false, false),
        }
    }
}

/// The dialect of a file: what the caller says, and the rest found out.
///
/// # Errors
/// [`Error::File`] for an empty file, an unknown encoding, and what is no delimiter.
pub(super) fn detect(file: &ImportFile, options: &ReadOptions) -> Result<Dialect, Error> {
    if let Some(origin) = file.origin() {
        return made(file, origin, options);
    }
    let encoding = match &options.encoding {
        Some(name) => decode::named(name)?,
        None => decode::detect(file)?,
    };
    let sample = sample(file, encoding)?;
    if sample.trim_matches(['\r', '\n', ' ', '\u{feff}']).is_empty() {
        return Err(Error::File {
            message: "The file is empty".into(),
            hint: "Send a file whose first row names the columns.".into(),
        });
    }
    let quote = options.quote.map_or(Ok(b'"'), |quote| one_byte("quote", quote))?;
    let start = Dialect {
        encoding,
        delimiter: b',',
        quote,
        spaced: false,
        header: false,
        sparing: false,
        marked: false,
        guard: GuardRule::Keep,
        lines: Lines::Text,
    };
    let delimiter = match options.delimiter {
        Some(delimiter) => one_byte("delimiter", delimiter)?,
        None => delimiter(&sample, start),
    };
    let mut dialect = Dialect { delimiter, ..start };
    if options.quote.is_none() && quoted_by_apostrophes(&sample, dialect) {
        dialect.quote = b'\'';
    }
    dialect.spaced = options.spaced.unwrap_or_else(|| spaced(&sample, dialect));
    let rows = parse(&sample, dialect);
    dialect.header = options.header.unwrap_or_else(|| header(&rows));
    let needless = needless(&rows, dialect);
    dialect.sparing = needless.cells == 0;
    dialect.marked = dialect.header && dialect.sparing && needless.marked;
    dialect.guard = options.guard;
    Ok(dialect)
}

/// The dialect of rows that were made here.
fn made(file: &ImportFile, origin: &Origin, options: &ReadOptions) -> Result<Dialect, Error> {
    let objects = origin.format == FileFormat::Json;
    let dialect = Dialect {
        encoding: encoding_rs::UTF_8,
        delimiter: b',',
        quote: b'"',
        spaced: false,
        header: true,
        sparing: true,
        marked: false,
        guard: GuardRule::Keep,
        lines: if objects { Lines::Objects } else { Lines::Sheet },
    };
    let header = match options.header {
        _ if objects => true,
        Some(header) => header,
        None => header(&parse(&sample(file, dialect.encoding)?, dialect)),
    };
    Ok(Dialect { header, ..dialect })
}

fn one_byte(what: &str, char: char) -> Result<u8, Error> {
    let fits = char.is_ascii() && !char.is_ascii_alphanumeric() && !matches!(char, '\n' | '\r' | '\0');
    u8::try_from(char)
        .ok()
        .filter(|_| fits)
        .ok_or_else(|| Error::File {
            message: format!("{char:?} cannot be the {what}"),
            hint: format!("The {what} is one ASCII character that is no letter, digit or line end."),
        })
}

/// The first part of a file; it ends at the end of a line unless the file does.
fn sample(file: &ImportFile, encoding: &'static Encoding) -> Result<String, Error> {
    let mut text = Text::new(file, encoding)?;
    let mut sample = String::new();
    while sample.len() < SAMPLE_BYTES {
        match text.next(&mut sample)? {
            Ok(true) => {}
            Ok(false) => return Ok(sample),
            Err(_) => break, // it is told with its row when the rows are read
        }
    }
    let end = sample.rfind('\n').map_or(sample.len(), |at| at + 1);
    sample.truncate(end);
    Ok(sample)
}

fn parse(sample: &str, dialect: Dialect) -> Chunk {
    Cells::of_text(sample.to_owned(), dialect).sample(SAMPLE_ROWS)
}

/// The delimiter that gives the most rows as many cells as the first row, and then the most cells.
fn delimiter(sample: &str, dialect: Dialect) -> u8 {
    let score = |delimiter: char| {
        let delimiter = delimiter as u8;
        let rows = parse(sample, Dialect { delimiter, ..dialect });
        let first = rows.rows().next().map_or(0, |row| row.len());
        let alike = rows.rows().filter(|row| row.len() == first).count();
        let share = if first < 2 {
            0
        } else {
            alike * 100 / rows.len().max(1)
        };
        (share, first, delimiter)
    };
    let best = DELIMITERS
        .map(score)
        .into_iter()
        .rev()
        .max_by_key(|(share, cells, _)| (*share, *cells));
    best.filter(|(share, ..)| *share >= 50)
        .map_or(b',', |(.., delimiter)| delimiter)
}

/// Whether apostrophes stand around cells: no cell has the usual quotes, and most texts begin and end with one.
fn quoted_by_apostrophes(sample: &str, dialect: Dialect) -> bool {
    if sample.contains('"') {
        return false;
    }
    let rows = parse(sample, Dialect { quote: 0, ..dialect });
    let around = |cell: &&str| cell.len() > 1 && cell.starts_with('\'') && cell.ends_with('\'');
    let filled = rows
        .rows()
        .flat_map(|row| row.texts().collect::<Vec<_>>())
        .filter(|cell| !cell.is_empty());
    let (mut quoted, mut all) = (0, 0);
    for cell in filled {
        all += 1;
        quoted += usize::from(around(&cell));
    }
    quoted * 2 > all
}

fn spaced(sample: &str, dialect: Dialect) -> bool {
    if dialect.delimiter == b' ' {
        return false;
    }
    let rows = parse(sample, dialect);
    let mut after = rows
        .rows()
        .flat_map(|row| row.texts().skip(1).collect::<Vec<_>>())
        .peekable();
    after.peek().is_some() && after.all(|cell| cell.starts_with(' '))
}

/// Whether the first row looks like names: no numbers, dates or blanks among them, unless everything below is text too.
fn header(rows: &Chunk) -> bool {
    let Some(first) = rows.rows().next() else {
        return true;
    };
    let number = field_type("number").expect("numbers exist");
    let column = Column::default();
    let data = |text: &str| {
        let text = text.trim();
        let format = TextFormat::default();
        !text.is_empty()
            && (number.parse_text(text, &column, &format).is_ok()
                || chancery_model::time::parse_instant(text).is_some())
    };
    !first.texts().any(data)
}

/// Cells that are quoted although they need no quotes.
struct Needless {
    cells: usize,
    /// The last name is quoted needlessly, and no other is.
    marked: bool,
}

fn needless(rows: &Chunk, dialect: Dialect) -> Needless {
    let needs = |text: &str| guard::needs_quotes(text.as_bytes(), dialect.delimiter) || guard::guarded(text);
    let idle = |(text, quoted): (&str, bool)| quoted && !text.is_empty() && !needs(text);
    let mut found = Needless {
        cells: 0,
        marked: false,
    };
    for (index, row) in rows.rows().enumerate() {
        let cells = row.texts().zip(row.quoted());
        if index == 0 && dialect.header {
            let idle: Vec<bool> = cells.map(idle).collect();
            let others = idle.iter().filter(|idle| **idle).count();
            found.marked = idle.last() == Some(&true) && others == 1;
            found.cells += others - usize::from(found.marked);
        } else {
            found.cells += cells.filter(|cell| idle(*cell)).count();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> Dialect {
        detect(&ImportFile::bytes(text.as_bytes()), &ReadOptions::default()).expect("a dialect")
    }

    #[track_caller]
    fn check_delimiter(text: &str, delimiter: char) {
        assert_eq!(char::from(dialect(text).delimiter), delimiter, "{text}");
    }

    #[test]
    fn the_delimiter_is_found_out() {
        check_delimiter("a,b\n1,2\n", ',');
        check_delimiter("a;b\n1,5;2,5\n3,0;1,0\n", ';');
        check_delimiter("a\tb\n1,5\tx\n", '\t');
        check_delimiter("a|b\n1|2\n", '|');
        check_delimiter("name\nSmith, John\nDoe, Jane\n", ',');
        check_delimiter("name;note\n\"a;b;c\";\"x,y\"\n", ';');
        check_delimiter("a,b,c\n1,2\n1,2,3\n1,2,3\n", ',');
        check_delimiter("one", ',');
    }

    #[test]
    fn spaces_and_apostrophes_around_cells_are_found_out() {
        assert!(dialect("a, b, c\n1, , 3\n").spaced);
        assert!(!dialect("a, b,c\n1,2,3\n").spaced);
        assert_eq!(dialect("'a','b'\n'x, y','z'\n").quote, b'\'');
        assert_eq!(dialect("a,b\n'tis,'twas\n").quote, b'"');
    }

    #[test]
    fn names_are_told_from_data() {
        assert!(dialect("name,age\nAda,36\n").header);
        assert!(dialect("name\nAda\n").header);
        assert!(!dialect("Ada,36\nGrace,85\n").header);
        assert!(!dialect("2024-01-01,x\n2024-01-02,y\n").header);
    }

    #[test]
    fn the_mark_of_an_export_is_one_needless_quote() {
        assert!(dialect("a,\"b\"\n1,\"'=1\"\n").marked);
        assert!(dialect("\"b\"\n\"'=1\"\n").marked);
        assert!(!dialect("\"a\",\"b\"\n1,'=1\n").marked);
        assert!(!dialect("a,\"b\"\n\"x\",\"'=1\"\n").marked);
        assert!(!dialect("\"b\"\n\"x\"\n").marked);
        assert!(!dialect("a,b\n1,2\n").marked);
    }
}
