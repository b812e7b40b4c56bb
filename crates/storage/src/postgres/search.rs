//! Full-text indexes: built for a table when it is first searched, written with every record from then on. Tables that
//! nobody searches pay nothing.
//!
//! The words are those of the model, so that the index finds what `Search::matches` does; the server only keeps and
//! compares them. Each is kept with its column's ordinal before it.

use std::collections::{BTreeSet, HashMap};

use chancery_model::query::plan::{Search, words};
use chancery_model::{Record, Table, TableId, Value};

use super::relation::column_shape;
use super::rows::Shape;

/// Longest part of a word that is kept, in bytes; the server's own limit is 2,046.
const WORD_BYTES_MAX: usize = 500;
/// Most bytes of words of one record; the server's own limit is about a million.
const WORDS_BYTES_MAX: usize = 250_000;
/// Stands for all words of a record that has too many: every search finds it, and looks at the record.
const ANY: &str = "*";

/// The columns a table's full-text index has: live, searchable, kept as text, and not the key.
pub(super) fn columns(table: &Table) -> Vec<u16> {
    let live = table.live().map(|column| column.ordinal);
    live.filter(|ordinal| table.at(*ordinal).kind().flags().searchable && has_words(table, *ordinal))
        .collect()
}

/// Whether a search can find anything in a column: only texts have words.
pub(super) fn has_words(table: &Table, ordinal: u16) -> bool {
    table
        .columns
        .get(usize::from(ordinal))
        .is_some_and(|column| column_shape(table, column) == Shape::Text)
}

/// The quoted name of the column that is a table's index. It names the columns that are indexed, so that an index of
/// other columns is never taken for it.
pub(super) fn index_name(table: &Table) -> String {
    named(&columns(table))
}

/// The quoted name of an index of these columns.
pub(super) fn named(columns: &[u16]) -> String {
    let columns: Vec<u8> = columns.iter().flat_map(|ordinal| ordinal.to_be_bytes()).collect();
    format!("\"search_{:08x}\"", crc32fast::hash(&columns))
}

/// The words of a record in these columns, as they are kept.
pub(super) fn kept_words(record: &Record, columns: &[u16]) -> Vec<String> {
    let mut kept = BTreeSet::new();
    let mut bytes = 0;
    for ordinal in columns {
        let Value::Text(text) = record.value(*ordinal) else {
            continue;
        };
        for word in words(text) {
            let word = lexeme(*ordinal, &word);
            let length = word.len();
            if kept.insert(word) {
                bytes += length;
            }
            if bytes > WORDS_BYTES_MAX {
                return vec![ANY.to_owned()];
            }
        }
    }
    kept.into_iter().collect()
}

fn lexeme(ordinal: u16, word: &str) -> String {
    let mut end = word.len().min(WORD_BYTES_MAX);
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    format!("{ordinal}:{}", &word[..end])
}

/// A search as the server's query text: every word in one of the columns. What it finds has to be looked at: long words
/// are cut.
pub(super) fn query_text(search: &Search, table: &Table) -> String {
    let columns: Vec<u16> = search
        .columns
        .iter()
        .copied()
        .filter(|ordinal| has_words(table, *ordinal))
        .collect();
    let quoted = |text: String| format!("'{}':*", text.replace('\\', "\\\\").replace('\'', "''"));
    let word = |word: &String| {
        let places: Vec<String> = columns
            .iter()
            .map(|ordinal| quoted(lexeme(*ordinal, word)))
            .collect();
        format!("({})", places.join(" | "))
    };
    let words: Vec<String> = search.words.iter().map(word).collect();
    format!("'{ANY}' | ({})", words.join(" & "))
}

/// The full-text indexes that are known to be there, with their columns.
#[derive(Debug, Default)]
pub(super) struct Searches {
    columns: HashMap<TableId, Vec<u16>>,
}

impl Searches {
    /// Notes which columns a table's index has; none for no index.
    pub(super) fn note(&mut self, number: TableId, columns: Option<Vec<u16>>) {
        match columns {
            Some(columns) => self.columns.insert(number, columns),
            None => self.columns.remove(&number),
        };
    }

    /// Whether a search of a table needs an index, and whether that is known to be there.
    pub(super) fn serve(&self, table: &Table, search: &Search) -> bool {
        let wanted = columns(table);
        let mut asked = search
            .columns
            .iter()
            .filter(|ordinal| has_words(table, **ordinal))
            .peekable();
        if search.words.is_empty() || asked.peek().is_none() {
            return true;
        }
        asked.all(|ordinal| wanted.contains(ordinal)) && self.columns.get(&table.number) == Some(&wanted)
    }

    /// Whether an index of a table could serve a search at all.
    pub(super) fn could_serve(table: &Table, search: &Search) -> bool {
        let wanted = columns(table);
        search
            .columns
            .iter()
            .filter(|ordinal| has_words(table, **ordinal))
            .all(|ordinal| wanted.contains(ordinal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_between_characters() {
        let word = "ä".repeat(400);
        let kept = lexeme(3, &word);
        assert!(kept.len() <= WORD_BYTES_MAX + 2 && kept.starts_with("3:ä"));
    }
}
