//! Full-text indexes: built for a table when it is first searched, written with every record from then on. Tables that
//! nobody searches pay nothing.
//!
//! The words are those of the model, so that the index finds what `Search::matches` does; the server only keeps and
//! compares them. Each is kept with its column's ordinal before it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chancery_model::query::fuzzy::Near;
use chancery_model::query::plan::{Search, words};
use chancery_model::{Record, Table, TableId, Value};

use super::connection::Connection;
use super::fault::Pg;
use super::read::{Rows, snapshot};
use super::relation::column_shape;
use super::rows::Shape;
use super::statement::Statement;

/// Longest part of a word that is kept, in bytes; the server's own limit is 2,046.
const WORD_BYTES_MAX: usize = 500;
/// Most bytes of words of one record; the server's own limit is about a million.
const WORDS_BYTES_MAX: usize = 250_000;
/// Longest query text; the server's own limit is about a million bytes of words.
const QUERY_BYTES_MAX: usize = 800_000;
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

/// The words of a fuzzy search, each with the words of the table near it.
pub(super) type Found = Vec<(String, Vec<String>)>;

/// The quoted name of the list of a table's different words.
pub(super) fn words_name(number: TableId) -> String {
    format!("\"t{}_words\"", number.0)
}

/// The statements that make the list of a table's different words, which fuzzy searches look through, from its index; the server
/// keeps it from then on. A word stays in it when no record has it any more: then it finds nothing.
pub(super) fn build_words(table: &Table) -> String {
    let (list, number, index) = (words_name(table.number), table.number.0, index_name(table));
    let add = |from: &str| {
        format!(
            "INSERT INTO {list} SELECT DISTINCT substr(kept, strpos(kept, ':') + 1) \
             FROM {from} AS rows, unnest(tsvector_to_array(rows.{index})) AS kept ON CONFLICT DO NOTHING"
        )
    };
    let trigger = |when: &str, event: &str| {
        format!(
            "CREATE TRIGGER words_{when} AFTER {event} ON \"t{number}\" REFERENCING NEW TABLE AS fresh \
             FOR EACH STATEMENT EXECUTE FUNCTION \"t{number}_add_words\"();"
        )
    };
    format!(
        "CREATE TABLE {list} (word text COLLATE \"C\" PRIMARY KEY); {}; \
         CREATE FUNCTION \"t{number}_add_words\"() RETURNS trigger LANGUAGE plpgsql AS \
         $words$ BEGIN {}; RETURN NULL; END $words$; {} {}",
        add(&format!("\"t{number}\"")),
        add("fresh"),
        trigger("insert", "INSERT"),
        trigger("update", "UPDATE"),
    )
}

/// The statements that take the list of a table's words away, and what keeps it.
pub(super) fn drop_words(number: TableId) -> String {
    format!(
        "DROP FUNCTION IF EXISTS \"t{}_add_words\"() CASCADE; DROP TABLE IF EXISTS {};",
        number.0,
        words_name(number)
    )
}

/// The words of a table that the words of a fuzzy search may stand for.
pub(super) async fn near(client: &mut Connection, search: &Search, table: &Table) -> Pg<Found> {
    let mut near = Near::new(search.words.clone());
    let mut select = Statement::new("SELECT word FROM ");
    // Words with accents come all: how long those are does not say what they are like.
    select
        .push(&words_name(table.number))
        .push(" WHERE octet_length(word) <> char_length(word)");
    if let Some((from, to)) = near.chars() {
        select.push(" OR octet_length(word) BETWEEN ").bind(from as i64);
        select.push(" AND ").bind(to as i64);
    }
    let snapshot = snapshot(client).await?;
    let mut rows = Rows::open(&snapshot, &select).await?;
    while let Some(rows) = rows.rows().await? {
        for row in rows {
            near.take(row.try_get(0)?);
        }
    }
    Ok(near.finish())
}

/// A search as the server's query text: every word, or one of those near it, in one of the columns. What it finds has to be looked
/// at: long words are cut. None if the server would not take so long a text.
pub(super) fn query_text<'a>(
    asked: impl Iterator<Item = (&'a str, &'a [String])>,
    search: &Search,
    table: &Table,
) -> Option<Arc<str>> {
    let columns: Vec<u16> = search
        .columns
        .iter()
        .copied()
        .filter(|ordinal| has_words(table, *ordinal))
        .collect();
    let quoted = |text: String| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    let word = |(word, near): (&str, &[String])| {
        let places = columns.iter().flat_map(|ordinal| {
            let start = format!("{}:*", quoted(lexeme(*ordinal, word)));
            let near = near.iter().map(|near| quoted(lexeme(*ordinal, near)));
            std::iter::once(start).chain(near)
        });
        format!("({})", places.collect::<Vec<_>>().join(" | "))
    };
    let words: Vec<String> = asked.map(word).collect();
    let text = format!("'{ANY}' | ({})", words.join(" & "));
    (text.len() <= QUERY_BYTES_MAX).then(|| text.into())
}

/// The full-text indexes that are known to be there, with their columns.
#[derive(Debug, Default)]
pub(super) struct Searches {
    columns: HashMap<TableId, Vec<u16>>,
    /// Tables whose different words are known to be listed.
    listed: HashSet<TableId>,
}

impl Searches {
    /// Notes which columns a table's index has; none for no index.
    pub(super) fn note(&mut self, number: TableId, columns: Option<Vec<u16>>) {
        match columns {
            Some(columns) => self.columns.insert(number, columns),
            None => {
                self.listed.remove(&number);
                self.columns.remove(&number)
            }
        };
    }

    /// Notes that the words of a table are listed.
    pub(super) fn note_words(&mut self, number: TableId) {
        self.listed.insert(number);
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
        if search.fuzzy && !self.listed.contains(&table.number) {
            return false;
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
