//! Full-text indexes: built for a table when it is first searched, kept by triggers from then on. Tables that nobody
//! searches pay nothing.

use std::collections::{HashMap, HashSet};

use chancery_model::query::plan::{Search, words};
use chancery_model::{Table, TableId};
use rusqlite::Connection;

use super::fault::Sql;
use super::relation::{column_name, column_shape, relation_name};
use super::rows::Shape;
use super::select::search_name;

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

/// Columns whose texts are put together before a function looks at them: it takes a hundred arguments, and every text put to another
/// nests an expression one level deeper.
const TOGETHER_MAX: usize = 50;
/// Different words that are held before they are written.
const WORDS_HELD_MAX: usize = 100_000;

/// The unquoted name of the list of a table's different words.
pub(super) fn words_name(table: &Table) -> String {
    format!("{}_words", relation_name(table.number))
}

/// The texts of these columns of a row as arguments of a function; words do not run together.
pub(super) fn texts(table: &Table, columns: &[u16], row: &str) -> String {
    let text = |ordinal: &u16| format!("ifnull({row}\"{}\", '')", column_name(table.at(*ordinal)));
    let together = |columns: &[u16]| columns.iter().map(text).collect::<Vec<_>>().join(" || ' ' || ");
    let parts: Vec<String> = columns.chunks(TOGETHER_MAX).map(together).collect();
    parts.join(", ")
}

/// What an index is asked for words each of which may stand as it is written, at the beginning of a longer one, or as one of those
/// near it.
pub(super) fn alternatives<'a>(words: impl Iterator<Item = (&'a str, &'a [String])>) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let word = |(word, near): (&str, &[String])| {
        let start = format!("{} *", quote(word));
        if near.is_empty() {
            return start;
        }
        let ways = std::iter::once(start).chain(near.iter().map(|near| quote(near)));
        format!("({})", ways.collect::<Vec<_>>().join(" OR "))
    };
    words.map(word).collect::<Vec<_>>().join(" AND ")
}

/// Makes the list of a table's different words, which fuzzy searches look through, unless it is there. A word stays in it when no
/// record has it any more: then it finds nothing.
pub(super) fn build_words(connection: &Connection, table: &Table) -> Sql<()> {
    let (relation, list) = (relation_name(table.number), words_name(table));
    if connection.table_exists(None, list.as_str())? {
        return Ok(());
    }
    // Words without accents by how long they are, the others apart: how long those are does not say what they are like.
    connection.execute_batch(&format!(
        "CREATE TABLE \"{list}\" (marked INTEGER NOT NULL, chars INTEGER NOT NULL, word TEXT NOT NULL, \
         PRIMARY KEY (marked, chars, word)) WITHOUT ROWID"
    ))?;
    let insert = |words: &str| {
        format!(
            "INSERT INTO \"{list}\" SELECT length(CAST(value AS BLOB)) <> length(value), length(value), value \
             FROM {words} WHERE true ON CONFLICT DO NOTHING"
        )
    };
    let columns = columns(table);
    let mut add = connection.prepare(&insert("(SELECT ? AS value)"))?;
    let mut write = |held: &mut HashSet<String>| -> Sql<()> {
        for word in held.drain() {
            add.execute([word])?;
        }
        Ok(())
    };
    let mut held = HashSet::new();
    let mut triggered = String::new();
    for part in columns.chunks(TOGETHER_MAX) {
        let all = format!("SELECT {} FROM \"{relation}\"", texts(table, part, ""));
        let mut select = connection.prepare(&all)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            held.extend(words(row.get_ref(0)?.as_str()?));
            if held.len() >= WORDS_HELD_MAX {
                write(&mut held)?;
            }
        }
        triggered.push_str(&insert(&format!(
            "json_each(search_list({}))",
            texts(table, part, "new.")
        )));
        triggered.push(';');
    }
    write(&mut held)?;
    if columns.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = columns
        .iter()
        .map(|ordinal| format!("\"{}\"", column_name(table.at(*ordinal))))
        .collect();
    connection.execute_batch(&format!(
        "CREATE TRIGGER \"{list}_insert\" AFTER INSERT ON \"{relation}\" BEGIN {triggered} END;
         CREATE TRIGGER \"{list}_update\" AFTER UPDATE OF {} ON \"{relation}\" BEGIN {triggered} END;",
        names.join(", ")
    ))
}

/// Builds a table's full-text index from its records, in place of an older one.
///
/// The index holds only words, not texts (a contentless FTS5 table), and the words are those of the model, so that it
/// finds what `Search::matches` does; the tokenizer only splits them at the spaces between.
pub(super) fn build(connection: &Connection, table: &Table) -> Sql<()> {
    if Searches::load(connection)?.columns.get(&table.number) == Some(&columns(table)) {
        return Ok(());
    }
    remove(connection, table)?;
    let (relation, search) = (relation_name(table.number), search_name(table));
    let names: Vec<String> = columns(table)
        .into_iter()
        .map(|ordinal| format!("\"{}\"", column_name(table.at(ordinal))))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let words = |row: &str| {
        let words = names.iter().map(|name| format!("search_words({row}{name})"));
        words.collect::<Vec<_>>().join(", ")
    };
    let list = names.join(", ");
    let (new_words, all_words) = (words("new."), words(""));
    let insert = format!("INSERT INTO \"{search}\" (rowid, {list})");
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE \"{search}\" USING fts5({list}, content='', contentless_delete=1, \
         tokenize='unicode61 remove_diacritics 0', prefix='2 3');
         {insert} SELECT seq, {all_words} FROM \"{relation}\";
         CREATE TRIGGER \"{search}_insert\" AFTER INSERT ON \"{relation}\" BEGIN
             {insert} VALUES (new.seq, {new_words});
         END;
         CREATE TRIGGER \"{search}_update\" AFTER UPDATE OF {list} ON \"{relation}\" BEGIN
             DELETE FROM \"{search}\" WHERE rowid = old.seq;
             {insert} VALUES (new.seq, {new_words});
         END;
         CREATE TRIGGER \"{search}_delete\" AFTER DELETE ON \"{relation}\" BEGIN
             DELETE FROM \"{search}\" WHERE rowid = old.seq;
         END;"
    ))
}

/// Removes a table's full-text index, if it has one.
pub(super) fn remove(connection: &Connection, table: &Table) -> Sql<()> {
    let (search, list) = (search_name(table), words_name(table));
    if connection.table_exists(None, list.as_str())? {
        connection.execute_batch(&format!(
            "DROP TRIGGER IF EXISTS \"{list}_insert\"; DROP TRIGGER IF EXISTS \"{list}_update\"; DROP TABLE \"{list}\";"
        ))?;
    }
    if !connection.table_exists(None, search.as_str())? {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "DROP TRIGGER \"{search}_insert\"; DROP TRIGGER \"{search}_update\"; DROP TRIGGER \"{search}_delete\"; \
         DROP TABLE \"{search}\";"
    ))
}

/// The full-text indexes there are, with their columns.
#[derive(Debug, Default)]
pub(super) struct Searches {
    columns: HashMap<TableId, Vec<u16>>,
    /// Tables whose different words are listed.
    listed: HashSet<TableId>,
}

impl Searches {
    /// Reads which there are.
    pub(super) fn load(connection: &Connection) -> Sql<Searches> {
        let mut select = connection.prepare_cached(
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name GLOB 't[0-9]*_search'",
        )?;
        let mut rows = select.query([])?;
        let mut searches = Searches::default();
        while let Some(row) = rows.next()? {
            let (table, column) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            let number = table.trim_start_matches('t').trim_end_matches("_search").parse();
            let ordinal = column
                .trim_start_matches('c')
                .split('_')
                .next()
                .unwrap_or_default()
                .parse();
            if let (Ok(number), Ok(ordinal)) = (number, ordinal) {
                searches.columns.entry(TableId(number)).or_default().push(ordinal);
            }
        }
        let mut select = connection.prepare_cached(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 't[0-9]*_words'",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            let number = name.trim_start_matches('t').trim_end_matches("_words").parse();
            searches.listed.extend(number.map(TableId));
        }
        Ok(searches)
    }

    /// Whether a table's index has just the columns that its definition asks for.
    pub(super) fn has(&self, table: &Table) -> bool {
        self.columns.get(&table.number) == Some(&columns(table))
    }

    /// Whether a search of a table can be answered, or needs its index built first.
    pub(super) fn serve(&self, table: &Table, search: &Search) -> bool {
        let mut columns = search
            .columns
            .iter()
            .filter(|ordinal| has_words(table, **ordinal))
            .peekable();
        if search.words.is_empty() || columns.peek().is_none() {
            return true;
        }
        if search.fuzzy && !self.listed.contains(&table.number) {
            return false;
        }
        let built = self.columns.get(&table.number);
        built.is_some_and(|built| columns.all(|column| built.contains(column)))
    }
}
