//! The same service by hand: axum and rusqlite, one handler each, and a handler that does nothing. No validation, no
//! access check, no log, one commit for each request.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::contacts::Contact;
use crate::hand::{Hand, Read};

/// Answers of the handler that does nothing: about as long as a record.
const NOTHING: &str = include_str!("nothing.json");

struct Hands {
    path: PathBuf,
    writer: Mutex<Hand>,
    readers: Mutex<Vec<Hand>>,
}

type Shared = Arc<Hands>;
type Failed = (StatusCode, String);

/// Serves until it is killed.
pub(crate) fn serve(like: &std::path::Path, path: &std::path::Path, synchronous: &str) -> Result<()> {
    let writer = match path.exists() {
        true => Hand::reading(path)?,
        false => Hand::like(like, path, synchronous)?,
    };
    writer
        .connection
        .pragma_update(None, "synchronous", synchronous)?;
    let shared = Arc::new(Hands {
        path: path.to_path_buf(),
        writer: Mutex::new(writer),
        readers: Mutex::default(),
    });
    let app = Router::new()
        .route("/nothing", get(|| async { NOTHING }))
        .route("/records", post(create).get(list))
        .route("/records/bulk", post(bulk))
        .route("/records/{id}", get(read).patch(update))
        .layer(DefaultBodyLimit::disable())
        .with_state(shared);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("ready http://{}", listener.local_addr()?);
        axum::serve(listener, app).await?;
        Ok(())
    })
}

/// A contact on the wire, by the same names as Chancery's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    code: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    city: String,
    country: String,
    status: String,
    age: i64,
    balance: String,
    score: f64,
    active: bool,
    joined: String,
    notes: String,
}

#[derive(Deserialize)]
struct One {
    data: Sent,
}

#[derive(Deserialize)]
struct Many {
    records: Vec<Sent>,
}

#[derive(Deserialize)]
struct Change {
    data: Changed,
}

#[derive(Deserialize)]
struct Changed {
    balance: String,
}

#[derive(Deserialize)]
struct Wanted {
    status: String,
    /// Ages, both ends included.
    from: i64,
    to: i64,
}

#[derive(Serialize)]
struct Answer {
    id: Uuid,
    version: i64,
    data: Data,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    code: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    city: String,
    country: String,
    status: String,
    age: i64,
    balance: String,
    score: f64,
    active: bool,
    joined: String,
    notes: String,
}

async fn read(State(hands): State<Shared>, Path(id): Path<Uuid>) -> Result<Json<Answer>, Failed> {
    let record = hands.read(|hand| {
        let mut select = hand.connection.prepare_cached(&hand.select("WHERE id = ?"))?;
        Ok(select.query_row([id.as_bytes().as_slice()], Hand::read)?)
    });
    Ok(Json(answer(record?)))
}

async fn create(State(hands): State<Shared>, Json(one): Json<One>) -> Result<(StatusCode, String), Failed> {
    let created = blocking(move || {
        let hand = hands.writer.lock();
        insert(&hand, &one.data)
    });
    created.await?;
    Ok((StatusCode::CREATED, NOTHING.to_owned()))
}

async fn bulk(State(hands): State<Shared>, Json(many): Json<Many>) -> Result<String, Failed> {
    blocking(move || {
        let hand = hands.writer.lock();
        hand.connection.execute_batch("BEGIN IMMEDIATE")?;
        for sent in &many.records {
            insert(&hand, sent)?;
        }
        Ok(hand.connection.execute_batch("COMMIT")?)
    })
    .await?;
    Ok(NOTHING.to_owned())
}

async fn update(
    State(hands): State<Shared>,
    Path(id): Path<Uuid>,
    Json(change): Json<Change>,
) -> Result<Json<Answer>, Failed> {
    let record = blocking(move || {
        let hand = hands.writer.lock();
        hand.update(&id, cents(&change.data.balance)?)?;
        let mut select = hand.connection.prepare_cached(&hand.select("WHERE id = ?"))?;
        Ok(select.query_row([id.as_bytes().as_slice()], Hand::read)?)
    });
    Ok(Json(answer(record.await?)))
}

async fn list(
    State(hands): State<Shared>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Answer>>, Failed> {
    let records = blocking(move || {
        let read = |hand: &Hand| {
            let sql = hand.select(&format!(
                "WHERE deleted_at IS NULL AND \"{}\" = ? AND \"{}\" >= ? AND \"{}\" <= ? ORDER BY \"{}\" DESC, id LIMIT 50",
                hand.column(7),
                hand.column(8),
                hand.column(8),
                hand.column(9)
            ));
            let mut select = hand.connection.prepare_cached(&sql)?;
            let rows = select.query_map((&wanted.status, wanted.from, wanted.to), Hand::read)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        };
        hands.read(read).map_err(|(_, text)| anyhow::anyhow!(text))
    });
    Ok(Json(records.await?.into_iter().map(answer).collect()))
}

impl Hands {
    /// Reads with a connection out of the pool, on this thread.
    fn read<T>(&self, read: impl FnOnce(&Hand) -> Result<T>) -> Result<T, Failed> {
        let idle = self.readers.lock().pop();
        let hand = match idle {
            Some(hand) => hand,
            None => Hand::reading(&self.path).map_err(failed)?,
        };
        let result = read(&hand);
        self.readers.lock().push(hand);
        result.map_err(failed)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T, Failed> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| failed(error.into()))?.map_err(failed)
}

fn failed(error: anyhow::Error) -> Failed {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn cents(text: &str) -> Result<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    Ok(whole.parse::<i64>()? * 100 + part.parse::<i64>()?)
}

fn insert(hand: &Hand, sent: &Sent) -> Result<()> {
    let contact = Contact {
        code: sent.code.clone(),
        first_name: sent.first_name.clone().into(),
        last_name: sent.last_name.clone().into(),
        email: sent.email.clone(),
        phone: sent.phone.clone(),
        city: sent.city.clone(),
        country: sent.country.clone().into(),
        status: sent.status.clone().into(),
        age: sent.age,
        cents: cents(&sent.balance)?,
        score: sent.score,
        active: sent.active,
        joined: sent.joined.clone(),
        notes: sent.notes.clone(),
    };
    hand.insert(&contact, 0)
}

fn answer(read: Read) -> Answer {
    let [
        code,
        first_name,
        last_name,
        email,
        phone,
        city,
        country,
        status,
        joined,
        notes,
    ] = read.texts;
    Answer {
        id: read.id,
        version: read.version,
        data: Data {
            code,
            first_name,
            last_name,
            email,
            phone,
            city,
            country,
            status,
            age: read.age,
            balance: format!("{}.{:02}", read.cents / 100, read.cents % 100),
            score: read.score,
            active: read.active,
            joined,
            notes,
        },
    }
}
