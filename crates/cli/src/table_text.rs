//! Text tables: aligned columns, as wide as the terminal. On anything but a terminal nothing is ever shortened.

use std::io::{self, IsTerminal, Write};

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};

use crate::failure::Failure;

/// Columns are shortened no further than this, in characters.
const NARROWEST: usize = 8;
/// Space between columns.
const GAP: &str = "  ";

/// A table that is being put together.
pub(crate) struct TextTable {
    heads: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table with these heads; those that end in `>` are set to the right, as numbers are.
    pub(crate) fn new<'a>(heads: impl IntoIterator<Item = &'a str>) -> TextTable {
        let heads: Vec<&str> = heads.into_iter().collect();
        TextTable {
            right: heads.iter().map(|head| head.ends_with('>')).collect(),
            heads: heads
                .iter()
                .map(|head| head.trim_end_matches('>').to_owned())
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; line breaks and other controls are shown, not obeyed.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let row = cells.into_iter().map(|cell| visible(&cell));
        self.rows.push(row.collect());
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it to stdout's stream `out`.
    pub(crate) fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        let widths = self.widths(
            io::stdout()
                .is_terminal()
                .then(|| usize::from(Term::stdout().size().1)),
        );
        let head = Style::new().bold();
        writeln!(out, "{}", self.line(&self.heads, &widths, Some(&head)))?;
        for row in &self.rows {
            writeln!(out, "{}", self.line(row, &widths, None))?;
        }
        Ok(())
    }

    /// How wide each column is; together at most `room` where that is possible.
    fn widths(&self, room: Option<usize>) -> Vec<usize> {
        let all = || std::iter::once(&self.heads).chain(&self.rows);
        let widest = |at: usize| {
            all()
                .filter_map(|row| row.get(at))
                .map(|cell| measure_text_width(cell))
                .max()
        };
        let mut widths: Vec<usize> = (0..self.heads.len()).map(|at| widest(at).unwrap_or(0)).collect();
        let Some(room) = room else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST) else {
                break;
            };
            *widest -= 1;
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], style: Option<&Style>) -> String {
        let mut line = String::new();
        for (at, width) in widths.iter().enumerate() {
            let cell = truncate_str(cells.get(at).map_or("", String::as_str), *width, "…");
            let side = if self.right[at] {
                Alignment::Right
            } else {
                Alignment::Left
            };
            let last = at + 1 == widths.len() && !self.right[at];
            let padded = if last {
                cell
            } else {
                pad_str(&cell, *width, side, None).into_owned().into()
            };
            match style {
                Some(style) => line.push_str(&style.apply_to(padded).to_string()),
                None => line.push_str(&padded),
            }
            if at + 1 < widths.len() {
                line.push_str(GAP);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// A cell on one line.
fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let shown = text.chars().map(|char| match char {
        '\n' => '⏎',
        '\t' => ' ',
        char if char.is_control() => '·',
        char => char,
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &TextTable) -> String {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_numbers_stand_to_the_right() {
        let mut table = TextTable::new(["name", "records>", "about"]);
        table.row(["Übung".to_owned(), "7".into(), "a\nb".into()]);
        table.row(["tasks".to_owned(), "1,204".into(), String::new()]);
        assert_eq!(
            written(&table),
            "name   records  about\nÜbung        7  a⏎b\ntasks    1,204\n"
        );
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let mut table = TextTable::new(["id", "text"]);
        table.row(["12345".to_owned(), "x".repeat(100)]);
        assert_eq!(table.widths(Some(40)), [5, 33]);
        assert_eq!(table.widths(None), [5, 100]);
    }
}
