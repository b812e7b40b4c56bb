//! The same work by hand in SQLite: prepared statements of rusqlite on a relation of the same columns and indexes.
//! It validates nothing, logs no change and converts nothing but what a statement needs.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use crate::contacts::{Contact, STATUSES, contact};

/// Columns that every relation starts with: the row number, the key and what the store keeps about a record.
const SYSTEM: usize = 13;

/// A connection, and the names that Chancery gave to the relation and its columns.
pub(crate) struct Hand {
    pub(crate) connection: Connection,
    relation: String,
    columns: Vec<String>,
    insert: String,
}

/// A contact as one would read it by hand.
pub(crate) struct Read {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) texts: [String; 10],
    pub(crate) age: i64,
    pub(crate) cents: i64,
    pub(crate) score: f64,
    pub(crate) active: bool,
}

impl Hand {
    /// A new file with an empty relation like the one in a store's file.
    pub(crate) fn like(theirs: &Path, path: &Path, synchronous: &str) -> Result<Hand> {
        let connection = Connection::open(path)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        ensure!(mode == "wal", "the journal mode is {mode}");
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "cache_size", -32_768)?;
        let relation = relation(&Hand::open(theirs)?)?;
        {
            let source = Hand::open(theirs)?;
            let mut statements = source.prepare(
                "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'index'",
            )?;
            for sql in statements.query_map([&relation], |row| row.get::<_, String>(0))? {
                connection.execute_batch(&sql?)?;
            }
        }
        Hand::on(connection, relation)
    }

    /// A reader of a store's own file.
    pub(crate) fn reading(path: &Path) -> Result<Hand> {
        let connection = Hand::open(path)?;
        connection.pragma_update(None, "cache_size", -8_192)?;
        connection.pragma_update(None, "mmap_size", 0x7fff_0000)?;
        let relation = relation(&connection)?;
        Hand::on(connection, relation)
    }

    fn open(path: &Path) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Connection::open_with_flags(path, flags)?)
    }

    fn on(connection: Connection, relation: String) -> Result<Hand> {
        let columns = {
            let mut names = connection.prepare("SELECT name FROM pragma_table_info(?) ORDER BY cid")?;
            let names = names.query_map([&relation], |row| row.get::<_, String>(0))?;
            names.collect::<Result<Vec<_>, _>>()?
        };
        ensure!(
            columns.len() == SYSTEM + 14 && columns[1] == "id",
            "the relation of contacts has unexpected columns: {columns:?}"
        );
        let marks = vec!["?"; columns.len() - 1].join(", ");
        let insert = format!(
            "INSERT INTO {relation} ({}) VALUES ({marks})",
            columns[1..].join(", ")
        );
        Ok(Hand {
            connection,
            relation,
            columns,
            insert,
        })
    }

    /// The name of the column of contacts with this number.
    pub(crate) fn column(&self, number: usize) -> &str {
        &self.columns[SYSTEM + number]
    }

    /// `SELECT` what [`Read`] reads, and how it goes on.
    pub(crate) fn select(&self, rest: &str) -> String {
        let columns: Vec<String> = self.columns[SYSTEM..]
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        format!(
            "SELECT id, version, created_at, updated_at, {} FROM {} {rest}",
            columns.join(", "),
            self.relation
        )
    }

    /// Reads a row of [`Hand::select`].
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Read> {
        let text = |column: usize| row.get::<_, String>(4 + column);
        let id: [u8; 16] = row.get(0)?;
        Ok(Read {
            id: Uuid::from_bytes(id),
            version: row.get(1)?,
            texts: [
                text(0)?,
                text(1)?,
                text(2)?,
                text(3)?,
                text(4)?,
                text(5)?,
                text(6)?,
                text(7)?,
                text(12)?,
                text(13)?,
            ],
            age: row.get(4 + 8)?,
            cents: row.get(4 + 9)?,
            score: row.get(4 + 10)?,
            active: row.get(4 + 11)?,
        })
    }

    /// The keys, in order.
    pub(crate) fn keys(&self) -> Result<Vec<Uuid>> {
        let sql = format!("SELECT id FROM {} ORDER BY id", self.relation);
        let mut select = self.connection.prepare(&sql)?;
        let keys = select.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
        Ok(keys
            .map(|key| key.map(Uuid::from_bytes))
            .collect::<Result<_, _>>()?)
    }

    /// Inserts one contact with a prepared statement.
    pub(crate) fn insert(&self, contact: &Contact, number: u64) -> Result<()> {
        let values: [&dyn ToSql; 14] = [
            &contact.code,
            &contact.first_name,
            &contact.last_name,
            &contact.email,
            &contact.phone,
            &contact.city,
            &contact.country,
            &contact.status,
            &contact.age,
            &contact.cents,
            &contact.score,
            &contact.active,
            &contact.joined,
            &contact.notes,
        ];
        self.insert_values(values, number)
    }

    /// Inserts the cells of a row of a CSV file with a prepared statement.
    pub(crate) fn insert_cells(&self, cells: &csv::StringRecord, number: u64) -> Result<()> {
        let (age, balance, score): (i64, f64, f64) =
            (cells[8].parse()?, cells[9].parse()?, cells[10].parse()?);
        let active = &cells[11] == "true";
        let values: [&dyn ToSql; 14] = [
            &&cells[0],
            &&cells[1],
            &&cells[2],
            &&cells[3],
            &&cells[4],
            &&cells[5],
            &&cells[6],
            &&cells[7],
            &age,
            &balance,
            &score,
            &active,
            &&cells[12],
            &&cells[13],
        ];
        self.insert_values(values, number)
    }

    fn insert_values(&self, values: [&dyn ToSql; 14], number: u64) -> Result<()> {
        let mut insert = self.connection.prepare_cached(&self.insert)?;
        let now = 1_700_000_000_000_i64;
        insert.raw_bind_parameter(1, Uuid::now_v7().as_bytes().as_slice())?;
        insert.raw_bind_parameter(2, 1)?;
        insert.raw_bind_parameter(3, number as i64)?;
        insert.raw_bind_parameter(4, now)?;
        insert.raw_bind_parameter(5, now)?;
        for (index, value) in values.iter().enumerate() {
            insert.raw_bind_parameter(SYSTEM + index, value)?;
        }
        insert.raw_execute()?;
        Ok(())
    }

    /// Inserts contacts in transactions of `size`; their making is not part of `timed`.
    pub(crate) fn insert_many(
        &self,
        numbers: std::ops::Range<u64>,
        size: usize,
    ) -> Result<std::time::Duration> {
        let mut took = std::time::Duration::ZERO;
        let mut first = numbers.start;
        while first < numbers.end {
            let end = (first + size as u64).min(numbers.end);
            let contacts: Vec<Contact> = (first..end).map(contact).collect();
            let start = std::time::Instant::now();
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            for (number, contact) in (first..end).zip(&contacts) {
                self.insert(contact, number)?;
            }
            self.connection.execute_batch("COMMIT")?;
            took += start.elapsed();
            first = end;
        }
        Ok(took)
    }

    /// Changes the balance of a contact with a prepared statement.
    pub(crate) fn update(&self, id: &Uuid, cents: i64) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET \"{}\" = ?, version = version + 1, updated_at = ? WHERE id = ?",
            self.relation,
            self.column(9)
        );
        let mut update = self.connection.prepare_cached(&sql)?;
        update.execute((cents, 1_700_000_000_000_i64, id.as_bytes().as_slice()))?;
        Ok(())
    }

    /// The id under which a store's file keeps a choice of the status column.
    pub(crate) fn status_id(&self, name: &str) -> Result<String> {
        let sql = "SELECT json_extract(choice.value, '$.id') FROM documents, \
                   json_each(documents.body, '$.columns') AS slot, json_each(slot.value, '$.options') AS choice \
                   WHERE documents.kind = 'table' AND json_extract(choice.value, '$.name') = ?";
        let id = self.connection.query_row(sql, [name], |row| row.get(0));
        id.with_context(|| format!("no choice \"{name}\" among {STATUSES:?} in the stored definition"))
    }
}

/// The relation that Chancery made for the contacts of a file; a server has tables of its own beside them.
fn relation(connection: &Connection) -> Result<String> {
    let sql =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%\"c0_code\"%' AND name LIKE 't%'";
    connection
        .query_row(sql, [], |row| row.get(0))
        .context("the file has no relation of a table")
}
