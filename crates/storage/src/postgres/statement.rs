//! A statement under construction: its text and what is bound to it. Values are always bound; only names from the catalog
//! become text.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::fault::Pg;
use super::numeric;
use super::pipeline::{self, AsClient};
use super::text::escape;

/// Something bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Param {
    /// Null of a type.
    Null(Type),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The digits of a number.
    Numeric(String),
    /// A text as the model has it; it is escaped on its way.
    Text(String),
    /// A text in stored form already.
    Stored(String),
    /// A UUID.
    Uuid(Uuid),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Digits of numbers.
    Numerics(Vec<String>),
    /// Texts.
    Texts(Vec<String>),
    /// Texts in stored form already.
    StoredTexts(Vec<String>),
    /// UUIDs.
    Uuids(Vec<Uuid>),
    /// Words of a full-text index.
    Words(Vec<String>),
}

impl From<i64> for Param {
    fn from(int: i64) -> Param {
        Param::Int(int)
    }
}

impl From<String> for Param {
    fn from(text: String) -> Param {
        Param::Text(text)
    }
}

impl From<&str> for Param {
    fn from(text: &str) -> Param {
        Param::Text(text.to_owned())
    }
}

impl Param {
    /// A text, or null.
    pub(super) fn text(text: Option<&str>) -> Param {
        text.map_or(Param::Null(Type::TEXT), Param::from)
    }

    /// A whole number, or null.
    pub(super) fn int(int: Option<i64>) -> Param {
        int.map_or(Param::Null(Type::INT8), Param::Int)
    }

    /// Its SQL type.
    pub(super) fn ty(&self) -> Type {
        match self {
            Param::Null(ty) => ty.clone(),
            Param::Bool(_) => Type::BOOL,
            Param::Int(_) => Type::INT8,
            Param::Numeric(_) => Type::NUMERIC,
            Param::Text(_) | Param::Stored(_) => Type::TEXT,
            Param::Uuid(_) => Type::UUID,
            Param::Ints(_) => Type::INT8_ARRAY,
            Param::Numerics(_) => Type::NUMERIC_ARRAY,
            Param::Texts(_) | Param::StoredTexts(_) => Type::TEXT_ARRAY,
            Param::Uuids(_) => Type::UUID_ARRAY,
            Param::Words(_) => Type::TS_VECTOR,
        }
    }
}

/// Digits as the server's `numeric`.
#[derive(Debug)]
struct Digits<'a>(&'a str);

impl ToSql for Digits<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_slice(&numeric::encode(self.0));
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }

    to_sql_checked!();
}

impl ToSql for Param {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Param::Null(_) => Ok(IsNull::Yes),
            Param::Bool(bool) => bool.to_sql(ty, out),
            Param::Int(int) => int.to_sql(ty, out),
            Param::Numeric(digits) => Digits(digits).to_sql(ty, out),
            Param::Text(text) => escape(text).as_ref().to_sql(ty, out),
            Param::Stored(text) => text.to_sql(ty, out),
            Param::Uuid(uuid) => uuid.to_sql(ty, out),
            Param::Ints(ints) => ints.to_sql(ty, out),
            Param::Numerics(numbers) => {
                let numbers: Vec<Digits<'_>> = numbers.iter().map(|digits| Digits(digits)).collect();
                numbers.to_sql(ty, out)
            }
            Param::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| escape(text)).collect();
                texts.to_sql(ty, out)
            }
            Param::StoredTexts(texts) => texts.to_sql(ty, out),
            Param::Uuids(uuids) => uuids.to_sql(ty, out),
            Param::Words(words) => {
                out.put_i32(i32::try_from(words.len())?);
                for word in words {
                    out.put_slice(word.as_bytes());
                    out.put_u8(0);
                    // No positions: a search asks which words there are, not where.
                    out.put_u16(0);
                }
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A statement under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    /// The text.
    pub(super) sql: String,
    /// What its numbered marks stand for.
    pub(super) params: Vec<Param>,
    /// Whether its condition also lets rows through that do not belong to the answer: what SQL cannot say is tested on
    /// the records.
    pub(super) recheck: bool,
    /// Whether a connection keeps it prepared. Its form must be one of few, and the same plan good for all values.
    pub(super) kept: bool,
}

/// A statement's values as the driver takes them.
pub(super) fn typed(params: &[Param]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|param| (param as &(dyn ToSql + Sync), param.ty()))
        .collect()
}

impl Statement {
    /// A statement that starts with this text.
    pub(super) fn new(sql: &str) -> Statement {
        Statement {
            sql: sql.to_owned(),
            ..Statement::default()
        }
    }

    /// Appends text.
    pub(super) fn push(&mut self, sql: &str) -> &mut Statement {
        self.sql.push_str(sql);
        self
    }

    /// Appends a bound value.
    pub(super) fn bind(&mut self, value: impl Into<Param>) -> &mut Statement {
        use std::fmt::Write;
        self.params.push(value.into());
        let _ = write!(self.sql, "${}", self.params.len());
        self
    }

    /// Marks it as one that a connection keeps prepared, where what it is run on is a connection.
    pub(super) fn keep(&mut self) -> &mut Statement {
        self.kept = true;
        self
    }

    /// Its rows.
    pub(super) async fn rows(&self, client: &impl AsClient) -> Pg<Vec<Row>> {
        Ok(pipeline::rows(client, &[self]).await?.pop().unwrap_or_default())
    }

    /// Runs it, unprepared, and answers how many rows it touched.
    pub(super) async fn execute(&self, client: &impl AsClient) -> Pg<u64> {
        let client = client.as_client();
        Ok(client.execute_typed(&self.sql, &typed(&self.params)).await?)
    }

    /// The whole number in its first row and column; 0 if there is none.
    pub(super) async fn number(&self, client: &impl AsClient) -> Pg<i64> {
        let rows = self.rows(client).await?;
        match rows.first() {
            Some(row) => Ok(row.try_get::<_, Option<i64>>(0)?.unwrap_or_default()),
            None => Ok(0),
        }
    }
}
