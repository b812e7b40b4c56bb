//! The same work by hand: a relation of the same columns, prepared statements, as many connections. No change log, no
//! checks.

use std::hint::black_box;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use super::CONNECTIONS;
use crate::contacts::{Contact, contact};

const COLUMNS: &str = "id, version, created_at, updated_at, deleted_at, code, first_name, last_name, email, phone, city, \
                       country, status, age, balance, score, active, joined, notes";
const TYPES: [Type; 19] = [
    Type::UUID,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::FLOAT8,
    Type::BOOL,
    Type::TEXT,
    Type::TEXT,
];
/// Records in one copy.
const COPY: usize = 10_000;

/// Connections with their statements.
pub(super) struct Hand {
    connections: Vec<Connection>,
    keys: AtomicU64,
}

struct Connection {
    client: Client,
    insert: Statement,
    get: Statement,
    page: Statement,
}

impl Hand {
    /// Makes the relation and the connections.
    pub(super) async fn open(url: &str) -> Result<Hand> {
        let client = connect(url).await?;
        client
            .batch_execute(
                "CREATE TABLE hand (id uuid PRIMARY KEY, version bigint NOT NULL, created_at bigint NOT NULL, \
                 updated_at bigint NOT NULL, deleted_at bigint, code text COLLATE \"C\" UNIQUE, \
                 first_name text COLLATE \"C\", last_name text COLLATE \"C\", email text COLLATE \"C\", \
                 phone text COLLATE \"C\", city text COLLATE \"C\", country text COLLATE \"C\", \
                 status text COLLATE \"C\", age bigint, balance bigint, score float8, active boolean, \
                 joined text COLLATE \"C\", notes text COLLATE \"C\"); \
                 CREATE INDEX ON hand (city, id); CREATE INDEX ON hand (deleted_at) WHERE deleted_at IS NOT NULL",
            )
            .await?;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(url).await?;
            let places: Vec<String> = (1..=TYPES.len()).map(|place| format!("${place}")).collect();
            let insert = format!("INSERT INTO hand ({COLUMNS}) VALUES ({})", places.join(", "));
            let page = format!(
                "SELECT {COLUMNS} FROM hand WHERE deleted_at IS NULL AND city = $1 ORDER BY balance DESC, id LIMIT 50"
            );
            connections.push(Connection {
                insert: client.prepare(&insert).await?,
                get: client
                    .prepare(&format!("SELECT {COLUMNS} FROM hand WHERE id = $1"))
                    .await?,
                page: client.prepare(&page).await?,
                client,
            });
        }
        Ok(Hand {
            connections,
            keys: AtomicU64::new(0),
        })
    }

    /// A key in the order of time, as the store makes them.
    fn key(&self) -> Uuid {
        Uuid::from_u64_pair(self.keys.fetch_add(1, Ordering::Relaxed), 0)
    }

    fn connection(&self, turn: usize) -> &Connection {
        &self.connections[turn % CONNECTIONS]
    }

    /// Inserts a contact in a commit of its own.
    pub(super) async fn insert(&self, turn: usize, number: u64) -> Result<()> {
        let connection = self.connection(turn);
        let (contact, key) = (contact(number), self.key());
        let row = values(&contact, &key);
        connection.client.execute(&connection.insert, &row).await?;
        Ok(())
    }

    /// Copies contacts in, and answers how long it took.
    pub(super) async fn copy(&self, numbers: Range<u64>) -> Result<Duration> {
        let mut took = Duration::ZERO;
        let numbers: Vec<u64> = numbers.collect();
        for part in numbers.chunks(COPY) {
            let contacts: Vec<(Uuid, Contact)> =
                part.iter().map(|number| (self.key(), contact(*number))).collect();
            let start = Instant::now();
            let client = &self.connections[0].client;
            let sink = client
                .copy_in(&format!("COPY hand ({COLUMNS}) FROM STDIN BINARY"))
                .await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
            for (key, contact) in &contacts {
                writer.as_mut().write(&values(contact, key)).await?;
            }
            writer.finish().await?;
            took += start.elapsed();
        }
        Ok(took)
    }

    /// Reads a record with all its values.
    pub(super) async fn get(&self, turn: usize, key: Uuid) -> Result<()> {
        let connection = self.connection(turn);
        let row = connection.client.query_one(&connection.get, &[&key]).await?;
        read(&row)
    }

    /// Reads a page.
    pub(super) async fn page(&self, city: &str) -> Result<()> {
        let connection = self.connection(0);
        for row in connection.client.query(&connection.page, &[&city]).await? {
            read(&row)?;
        }
        Ok(())
    }

    /// The keys of a relation.
    pub(super) async fn keys(&self, relation: &str) -> Result<Vec<Uuid>> {
        let client = &self.connections[0].client;
        let rows = client
            .query(
                &format!("SELECT id FROM {relation} ORDER BY id LIMIT 100000"),
                &[],
            )
            .await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// What the system columns hold in every row.
static VERSION: i64 = 1;
static NOW: i64 = 1_700_000_000_000;
static NEVER: Option<i64> = None;

/// A contact as the values of a row.
fn values<'a>(contact: &'a Contact, key: &'a Uuid) -> [&'a (dyn ToSql + Sync); 19] {
    [
        key,
        &VERSION,
        &NOW,
        &NOW,
        &NEVER,
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
    ]
}

/// Takes every value out of a row, as whoever reads it does.
fn read(row: &tokio_postgres::Row) -> Result<()> {
    for (index, ty) in TYPES.iter().enumerate() {
        match *ty {
            Type::UUID => drop(black_box(row.try_get::<_, Uuid>(index)?)),
            Type::INT8 => drop(black_box(row.try_get::<_, Option<i64>>(index)?)),
            Type::FLOAT8 => drop(black_box(row.try_get::<_, f64>(index)?)),
            Type::BOOL => drop(black_box(row.try_get::<_, bool>(index)?)),
            _ => drop(black_box(row.try_get::<_, String>(index)?)),
        }
    }
    Ok(())
}
