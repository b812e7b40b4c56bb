//! Text to rows of cells, as RFC 4180 and the programs that bend it write them. It reads no files and knows no types.
//!
//! The parser is Chancery's own because three things the importer promises are known only here: whether an empty cell was
//! quoted (empty text or null), where a quote opened that never closes, and the line of every row.

use chancery_model::limits;
use memchr::{memchr, memchr_iter, memchr3};

use super::decode::{Fault, Text};
use super::dialect::{Dialect, Lines};
use super::file::ImportFile;
use crate::error::Error;
use crate::export::guard;

/// Rows of a file, their cells one after the other in one text.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    text: String,
    /// Where each cell ends, and whether it was quoted.
    ends: Vec<(u32, bool)>,
    rows: Vec<RowAt>,
    /// Bytes of the file read up to here.
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct RowAt {
    cells: u32,
    row: u64,
    line: u64,
    fault: Option<RowFault>,
}

/// Why a row cannot be taken as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RowFault {
    /// It has another number of cells than the header.
    Cells(u32),
    /// Text stands between the end of a quoted cell (this one, from 0) and the next delimiter.
    AfterQuote(u32),
}

/// One row of a chunk.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    chunk: &'a Chunk,
    from: usize,
    at: &'a RowAt,
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut from = 0;
        self.rows.iter().map(move |at| {
            let row = Row {
                chunk: self,
                from,
                at,
            };
            from += at.cells as usize;
            row
        })
    }
}

impl<'a> Row<'a> {
    /// The number of cells it keeps.
    pub(super) fn len(&self) -> usize {
        self.at.cells as usize
    }

    /// Its number, from 1, the header not counted.
    pub(super) fn number(&self) -> u64 {
        self.at.row
    }

    /// The line where it begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.at.line
    }

    pub(super) fn fault(&self) -> Option<RowFault> {
        self.at.fault
    }

    /// The text of a cell and whether it was quoted; none beyond the last.
    pub(super) fn cell(&self, index: usize) -> Option<(&'a str, bool)> {
        if index >= self.len() {
            return None;
        }
        let at = self.from + index;
        let start = at.checked_sub(1).map_or(0, |before| self.chunk.ends[before].0);
        let (end, quoted) = self.chunk.ends[at];
        Some((&self.chunk.text[start as usize..end as usize], quoted))
    }

    pub(super) fn texts(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(move |index| self.cell(index).map(|(text, _)| text))
    }

    pub(super) fn quoted(self) -> impl Iterator<Item = bool> {
        (0..self.len()).filter_map(move |index| self.cell(index).map(|(_, quoted)| quoted))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before the first character of a cell.
    Start,
    /// In a cell without quotes, or behind a quoted part.
    Bare,
    /// Between quotes.
    Quoted,
    /// Right after a quote inside quotes: it ends the cell or is doubled.
    Closing,
}

/// The rows of a file, chunk by chunk.
pub(super) struct Cells {
    text: Option<Text>,
    dialect: Dialect,
    /// Whether the apostrophe before a formula goes from quoted and from bare cells.
    strips: (bool, bool),
    block: String,
    at: usize,
    state: State,
    /// A line feed that follows belongs to the line end that was just read.
    after_return: bool,
    line: u64,
    row: u64,
    /// Cells of every row; none before the first row.
    width: Option<usize>,
    chunk: Chunk,
    now: Now,
}

/// The row being read.
#[derive(Clone, Copy, Debug, Default)]
struct Now {
    line: u64,
    cells: usize,
    /// Where the row and the cell begin in the chunk's text.
    row_start: usize,
    start: usize,
    quoted: bool,
    quote_line: u64,
    fault: Option<RowFault>,
    /// Whether a cell beyond the width has text in it.
    surplus: bool,
}

impl Cells {
    /// The rows of a file. With a header, [`Cells::header`] comes first.
    pub(super) fn new(file: &ImportFile, dialect: Dialect) -> Result<Cells, Error> {
        let text = Text::new(file, dialect.encoding)?;
        Ok(Cells {
            text: Some(text),
            strips: dialect.strips(),
            ..Cells::of_text(String::new(), dialect)
        })
    }

    pub(super) fn of_text(block: String, dialect: Dialect) -> Cells {
        let first = u64::from(dialect.lines != Lines::Objects);
        Cells {
            text: None,
            dialect,
            strips: (false, false),
            block,
            at: 0,
            state: State::Start,
            after_return: false,
            line: first,
            row: 1,
            width: None,
            chunk: Chunk::default(),
            now: Now {
                line: first,
                ..Now::default()
            },
        }
    }

    /// The first rows, whatever is wrong with them.
    pub(super) fn sample(mut self, rows: usize) -> Chunk {
        self.width = Some(usize::MAX);
        while self.chunk.len() < rows && self.step().unwrap_or(false) {}
        self.chunk
    }

    /// The names in the first row; none in an empty file.
    ///
    /// # Errors
    /// As [`Cells::next`].
    pub(super) fn header(&mut self) -> Result<Option<Vec<String>>, Error> {
        self.row = 0;
        let first = self.next(1, usize::MAX)?;
        let names = first.as_ref().and_then(|chunk| chunk.rows().next());
        Ok(names.map(|row| row.texts().map(str::to_owned).collect()))
    }

    /// The next rows: at most `rows`, and not many more than `bytes` of text; none at the end.
    ///
    /// # Errors
    /// [`Error::File`] for a quote that never closes, bytes that are no text, and cells or rows beyond their limits;
    /// [`Error::Limit`] for too many columns.
    pub(super) fn next(&mut self, rows: usize, bytes: usize) -> Result<Option<Chunk>, Error> {
        let mut open = true;
        while open && self.chunk.len() < rows && self.now.row_start < bytes {
            open = self.step()?;
        }
        if self.chunk.len() == 0 {
            return Ok(None);
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.bytes = self.text.as_ref().map_or(0, |text| text.offset);
        self.now.row_start = 0;
        self.now.start = 0;
        Ok(Some(chunk))
    }

    /// Reads to the end of a row or of what is read of the file; false at the end of the file.
    fn step(&mut self) -> Result<bool, Error> {
        let rows = self.chunk.len();
        loop {
            if self.at == self.block.len() && !self.refill()? {
                self.finish()?;
                return Ok(false);
            }
            self.advance()?;
            if self.chunk.len() > rows {
                return Ok(true);
            }
        }
    }

    fn refill(&mut self) -> Result<bool, Error> {
        let Some(text) = &mut self.text else {
            return Ok(false);
        };
        self.block.clear();
        self.at = 0;
        while self.block.is_empty() {
            match text.next(&mut self.block)? {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(fault) => return Err(self.no_text(fault)),
            }
        }
        Ok(true)
    }

    fn no_text(&self, fault: Fault) -> Error {
        fault.error(self.row, self.line)
    }

    /// Goes on to the next character that means something, in the state it is in.
    fn advance(&mut self) -> Result<(), Error> {
        let byte = self.block.as_bytes()[self.at];
        match self.state {
            State::Start => {
                let after_return = std::mem::take(&mut self.after_return);
                if after_return && byte == b'\n' || byte == b' ' && self.dialect.spaced && self.now.cells > 0
                {
                    self.at += 1;
                } else if byte == self.dialect.quote {
                    (self.now.quoted, self.now.quote_line) = (true, self.line);
                    self.state = State::Quoted;
                    self.at += 1;
                } else {
                    self.state = State::Bare;
                }
            }
            State::Bare => {
                let rest = &self.block.as_bytes()[self.at..];
                let end = memchr3(self.dialect.delimiter, b'\n', b'\r', rest);
                self.keep(end.unwrap_or(rest.len()))?;
                if end.is_some() {
                    self.meet_end()?;
                }
            }
            State::Quoted => {
                let rest = &self.block.as_bytes()[self.at..];
                let end = memchr(self.dialect.quote, rest);
                let inside = &rest[..end.unwrap_or(rest.len())];
                if self.dialect.lines == Lines::Text {
                    self.line += lines(inside);
                }
                self.keep(inside.len())?;
                if end.is_some() {
                    self.state = State::Closing;
                    self.at += 1;
                }
            }
            State::Closing => match byte {
                _ if byte == self.dialect.quote => {
                    self.keep(1)?;
                    self.state = State::Quoted;
                }
                b' ' if self.dialect.spaced => self.at += 1,
                b'\n' | b'\r' => self.meet_end()?,
                _ if byte == self.dialect.delimiter => self.meet_end()?,
                _ => {
                    self.now
                        .fault
                        .get_or_insert(RowFault::AfterQuote(self.now.cells as u32));
                    self.state = State::Bare;
                }
            },
        }
        Ok(())
    }

    /// Takes the next bytes into the cell, unless it is one too many.
    fn keep(&mut self, bytes: usize) -> Result<(), Error> {
        let wide = self.width.map_or(limits::IMPORT_COLUMNS_MAX, |width| {
            width.min(limits::IMPORT_COLUMNS_MAX)
        });
        if self.now.cells < wide || self.width == Some(usize::MAX) {
            self.chunk.text.push_str(&self.block[self.at..self.at + bytes]);
        } else {
            self.now.surplus |= bytes > 0;
        }
        self.at += bytes;
        let (cell, row) = (
            self.chunk.text.len() - self.now.start,
            self.chunk.text.len() - self.now.row_start,
        );
        if cell > limits::IMPORT_CELL_BYTES_MAX {
            return Err(self.too_large("cell", limits::IMPORT_CELL_BYTES_MAX));
        }
        if row > limits::IMPORT_ROW_BYTES_MAX {
            return Err(self.too_large("row", limits::IMPORT_ROW_BYTES_MAX));
        }
        Ok(())
    }

    /// At a delimiter or a line end.
    fn meet_end(&mut self) -> Result<(), Error> {
        let byte = self.block.as_bytes()[self.at];
        self.at += 1;
        self.end_cell();
        if byte != self.dialect.delimiter {
            self.after_return = byte == b'\r';
            self.line += 1;
            self.end_row()?;
        }
        Ok(())
    }

    fn end_cell(&mut self) {
        let start = self.now.start;
        let (in_quoted, in_bare) = self.strips;
        let strip = if self.now.quoted { in_quoted } else { in_bare };
        if strip && guard::guarded(&self.chunk.text[start..]) {
            self.chunk.text.remove(start);
        }
        let wide = self.width.map_or(limits::IMPORT_COLUMNS_MAX, |width| width);
        if self.now.cells < wide {
            self.chunk
                .ends
                .push((self.chunk.text.len() as u32, self.now.quoted));
        } else {
            self.now.surplus |= self.now.quoted;
        }
        self.now.cells += 1;
        self.now.start = self.chunk.text.len();
        self.now.quoted = false;
        self.state = State::Start;
    }

    fn end_row(&mut self) -> Result<(), Error> {
        let now = self.now;
        let quoted = self.chunk.ends.last().is_some_and(|(_, quoted)| *quoted);
        let blank = now.cells == 1 && self.chunk.text.len() == now.row_start && !quoted;
        self.now = Now {
            line: self.line,
            row_start: self.now.start,
            start: self.now.start,
            ..Now::default()
        };
        // An empty line is an empty cell where a row has one cell, and nothing where it has more.
        if blank && self.width != Some(1) {
            self.chunk.ends.pop();
            return Ok(());
        }
        let width = match self.width {
            Some(width) => width,
            None if now.cells > limits::IMPORT_COLUMNS_MAX => {
                let (max, got) = (limits::IMPORT_COLUMNS_MAX as u64, now.cells as u64);
                return Err(Error::Limit {
                    what: "columns in an imported file",
                    max,
                    got,
                });
            }
            None => now.cells,
        };
        self.width = Some(width);
        let short = now.cells < width && width != usize::MAX;
        let fault = if short || now.cells > width && now.surplus {
            Some(RowFault::Cells(u32::try_from(now.cells).unwrap_or(u32::MAX)))
        } else {
            now.fault
        };
        let cells = now.cells.min(width) as u32;
        self.chunk.rows.push(RowAt {
            cells,
            row: self.row,
            line: now.line,
            fault,
        });
        self.row += 1;
        Ok(())
    }

    /// At the end of the file: the last row may have no line end.
    fn finish(&mut self) -> Result<(), Error> {
        match self.state {
            State::Quoted => Err(self.unclosed()),
            State::Start if self.now.cells == 0 => Ok(()),
            _ => {
                self.end_cell();
                self.end_row()
            }
        }
    }

    fn unclosed(&self) -> Error {
        let (row, line) = (self.row, self.now.quote_line);
        Error::File {
            message: format!("The quote that opens in row {row} (line {line}) is never closed"),
            hint: "Close it, or double quotes that belong to the text.".into(),
        }
    }

    fn too_large(&self, what: &str, max: usize) -> Error {
        let (row, line) = (self.row, self.now.line);
        let opened = match self.state {
            State::Quoted => format!(
                "; perhaps the quote that opens in line {} is never closed",
                self.now.quote_line
            ),
            _ => String::new(),
        };
        Error::File {
            message: format!("Row {row} (line {line}) has a {what} of more than {max} bytes{opened}"),
            hint: format!("A {what} has at most {max} bytes; check the delimiter and the quotes."),
        }
    }
}

/// The line ends in a text: line feeds, or carriage returns where there are no line feeds.
fn lines(text: &[u8]) -> u64 {
    let feeds = memchr_iter(b'\n', text).count();
    (if feeds > 0 {
        feeds
    } else {
        memchr_iter(b'\r', text).count()
    }) as u64
}

#[cfg(test)]
mod tests {
    use super::super::options::GuardRule;
    use super::*;

    fn dialect() -> Dialect {
        Dialect {
            encoding: encoding_rs::UTF_8,
            delimiter: b',',
            quote: b'"',
            spaced: false,
            header: true,
            sparing: true,
            marked: false,
            guard: GuardRule::Keep,
            lines: Lines::Text,
        }
    }

    type Seen = Vec<(u64, u64, Vec<String>, Option<RowFault>)>;

    fn read(text: &str, dialect: Dialect) -> Result<Seen, String> {
        let mut cells = Cells::new(&ImportFile::bytes(text.as_bytes()), dialect).expect("memory can be read");
        let mut seen = Seen::new();
        let mut header = || cells.header().map_err(|error| error.to_string());
        header()?;
        while let Some(chunk) = cells.next(2, usize::MAX).map_err(|error| error.to_string())? {
            for row in chunk.rows() {
                let texts = row.texts().map(str::to_owned).collect();
                seen.push((row.number(), row.line(), texts, row.fault()));
            }
        }
        Ok(seen)
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, u64, &[&str])]) {
        let expected: Seen = expected
            .iter()
            .map(|(row, line, texts)| {
                (
                    *row,
                    *line,
                    texts.iter().map(|text| (*text).to_owned()).collect(),
                    None,
                )
            })
            .collect();
        assert_eq!(read(text, dialect()), Ok(expected), "{text:?}");
    }

    #[test]
    fn rows_are_read_as_they_are_written() {
        check("a,b\n1,2\n3,4\n", &[(1, 2, &["1", "2"]), (2, 3, &["3", "4"])]);
        check("a,b\r\n1,2\r\n3,4", &[(1, 2, &["1", "2"]), (2, 3, &["3", "4"])]);
        check("a,b\r1,2\r3,4\r", &[(1, 2, &["1", "2"]), (2, 3, &["3", "4"])]);
        check(
            "a,b\n\n1,2\n\n\n3,4\n",
            &[(1, 3, &["1", "2"]), (2, 6, &["3", "4"])],
        );
        check("a,b\n,\n", &[(1, 2, &["", ""])]);
        check(
            "a,b\n\"x\ny\",\"q\"\"q\"\nz,\n",
            &[(1, 2, &["x\ny", "q\"q"]), (2, 4, &["z", ""])],
        );
        check("a,b\n5\" pipe,it\"s\n", &[(1, 2, &["5\" pipe", "it\"s"])]);
        check("a,b\n\"\r\n\",\"\"\n", &[(1, 2, &["\r\n", ""])]);
        check("a,b\n1,2,,\n", &[(1, 2, &["1", "2"])]);
    }

    #[test]
    fn an_empty_line_is_an_empty_cell_where_there_is_one_column() {
        check(
            "a\n1\n\n2\n\n",
            &[(1, 2, &["1"]), (2, 3, &[""]), (3, 4, &["2"]), (4, 5, &[""])],
        );
        check("a\n", &[]);
        check("", &[]);
    }

    #[test]
    fn a_row_that_does_not_fit_says_so() {
        let fault = |text: &str| read(text, dialect()).map(|rows| rows[0].3);
        assert_eq!(fault("a,b\n1\n"), Ok(Some(RowFault::Cells(1))));
        assert_eq!(fault("a,b\n1,2,3\n"), Ok(Some(RowFault::Cells(3))));
        assert_eq!(fault("a,b\n1,2,\"\"\n"), Ok(Some(RowFault::Cells(3))));
        assert_eq!(fault("a,b\n1,\"2\"x\n"), Ok(Some(RowFault::AfterQuote(1))));
    }

    #[test]
    fn an_unclosed_quote_is_told_with_the_place_where_it_opened() {
        let told = |text: &str| read(text, dialect()).expect_err("unclosed");
        assert_eq!(
            told("a,b\n1,2\n3,\"4\n5,6\n"),
            "The quote that opens in row 2 (line 3) is never closed"
        );
        assert_eq!(
            told("a,\"b\n1,2\n"),
            "The quote that opens in row 0 (line 1) is never closed"
        );
        let endless = format!("a,b\n1,\"{}", "x".repeat(limits::IMPORT_CELL_BYTES_MAX + 1));
        let told = told(&endless);
        assert!(
            told.starts_with("Row 1 (line 2) has a cell of more than 16777216 bytes; perhaps"),
            "{told}"
        );
    }

    #[test]
    fn spaces_after_delimiters_go_where_the_file_has_them() {
        let spaced = Dialect {
            spaced: true,
            ..dialect()
        };
        let rows = read("a, b, c\n1, , \"x, y\" \n", spaced).expect("rows");
        assert_eq!(rows[0].2, ["1", "", "x, y"]);
    }

    #[test]
    fn blocks_may_end_anywhere() {
        let row = "\"a \"\"quoted\"\" text,\r\nwith everything\",é,\r\n";
        let text = format!("a,b,c\r\n{}", row.repeat(20_000));
        let rows = read(&text, dialect()).expect("rows");
        assert_eq!(rows.len(), 20_000);
        assert!(
            rows.iter()
                .all(|row| row.2 == ["a \"quoted\" text,\r\nwith everything", "é", ""])
        );
        assert_eq!(rows[19_999].1, 40_000);
    }
}
