//! A statement under construction: its text, what is bound to it, and the probes it needs while it runs.
//! Values are always bound; only names from the catalog become text.

use std::rc::Rc;

use rusqlite::types::{ToSql, ToSqlOutput, Value as SqlValue};
use rusqlite::{Connection, Row};

use super::fault::Sql;
use super::functions::{Probe, ProbeGuard};

/// Something bound to a statement.
#[derive(Clone, Debug)]
pub(super) enum Param {
    /// One value.
    One(SqlValue),
    /// Many values, as a table.
    Many(Rc<Vec<SqlValue>>),
}

impl ToSql for Param {
    fn to_sql(&self) -> Sql<ToSqlOutput<'_>> {
        match self {
            Param::One(value) => value.to_sql(),
            Param::Many(values) => values.to_sql(),
        }
    }
}

/// A statement under construction.
#[derive(Debug, Default)]
pub(super) struct Statement {
    /// The text.
    pub(super) sql: String,
    /// What its question marks stand for, in order.
    pub(super) params: Vec<Param>,
    /// Tests that run in Rust; known as long as this lives.
    probes: Vec<ProbeGuard>,
}

impl Statement {
    /// Appends text.
    pub(super) fn push(&mut self, sql: &str) -> &mut Statement {
        self.sql.push_str(sql);
        self
    }

    /// Appends a bound value.
    pub(super) fn bind(&mut self, value: impl Into<SqlValue>) -> &mut Statement {
        self.sql.push('?');
        self.params.push(Param::One(value.into()));
        self
    }

    /// Appends a test of an expression that runs in Rust.
    pub(super) fn probe(&mut self, expression: &str, probe: Probe) {
        let guard = ProbeGuard::new(probe);
        self.push("passes(")
            .bind(guard.number)
            .push(", ")
            .push(expression)
            .push(")");
        self.probes.push(guard);
    }

    /// Appends `IN (…)` for bound values.
    pub(super) fn one_of(&mut self, values: Vec<SqlValue>) {
        /// More than this are bound as one table: the statement's text stays short and is prepared once.
        const MARKS_MAX: usize = 16;
        if values.len() > MARKS_MAX {
            self.push("IN rarray(?)");
            self.params.push(Param::Many(Rc::new(values)));
            return;
        }
        self.push("IN (");
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        self.push(")");
    }

    /// Runs it and feeds every row to `take` until that answers false.
    pub(super) fn run(
        &self,
        connection: &Connection,
        mut take: impl FnMut(&Row<'_>) -> Sql<bool>,
    ) -> Sql<()> {
        let mut statement = connection.prepare_cached(&self.sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(&self.params))?;
        while let Some(row) = rows.next()? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs it and reads the whole number in its first row and column.
    pub(super) fn number(&self, connection: &Connection) -> Sql<i64> {
        let mut number = 0;
        self.run(connection, |row| {
            number = row.get(0)?;
            Ok(false)
        })?;
        Ok(number)
    }
}
