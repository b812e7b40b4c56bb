//! What the cache gives: on SQLite records by key, on PostgreSQL answers to slow questions, each beside the same without
//! it. It starts no server.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chancery::{CacheOptions, Key, OpenOptions, Operator, Query, RedisUrl, Store, TableHandle, postgres};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::contacts::{mixed, table};
use crate::folder::{Folder, sqlite_url};
use crate::measure::{Effort, in_turn, p50_ms, per_second_awaited, rate};
use crate::report::{Bar, Row, Section, Unit};
use crate::tables::create;

/// Names the PostgreSQL server.
const POSTGRES: &str = "CHANCERY_TEST_POSTGRES";
/// Names the Redis server.
const REDIS: &str = "CHANCERY_TEST_REDIS";
/// Records that fit into the cache, and are read.
const HELD: usize = 10_000;
/// Turns between two looks at the clock.
const TURNS: u64 = 256;
/// How long an answer takes at most until Redis has it.
const PUT_WITHIN: Duration = Duration::from_secs(5);

fn options(bytes: u64, redis: Option<&RedisUrl>) -> OpenOptions {
    OpenOptions {
        cache: CacheOptions {
            bytes,
            redis: redis.cloned(),
            // Every answer is held, also that of a small table.
            worth: Duration::ZERO,
        },
        ..OpenOptions::default()
    }
}

/// Measures records by key on SQLite.
pub(crate) fn alone(effort: Effort) -> Result<Section> {
    let runtime = Runtime::new()?;
    let folder = Folder::new()?;
    let count = effort.records(HELD);
    let stores: Vec<TableHandle> = [256 << 20, 0]
        .into_iter()
        .map(|bytes| {
            runtime.block_on(filled(
                &sqlite_url(&folder.path(&format!("{bytes}.db"))),
                bytes,
                count,
            ))
        })
        .collect::<Result<_>>()?;
    let [held, unheld] = stores.as_slice() else {
        anyhow::bail!("two stores were opened");
    };
    let (held_keys, unheld_keys) = (runtime.block_on(keys(held))?, runtime.block_on(keys(unheld))?);
    let one = |table: &TableHandle, keys: &[Key]| {
        runtime.block_on(per_second_awaited(effort.span(), async |turn| {
            let record = table.get(&keys[mixed(turn) as usize % keys.len()]).await?;
            black_box(record.context("a record is missing")?);
            Ok(())
        }))
    };
    let single = in_turn(
        effort.runs(),
        || one(held, &held_keys),
        || one(unheld, &unheld_keys),
    )?;
    let double = in_turn(
        effort.runs(),
        || both(held, &held_keys, effort.span()),
        || both(unheld, &unheld_keys, effort.span()),
    )?;
    let status = held.store().cache().context("it has a cache")?;
    ensure!(status.hits > status.misses, "the cache was not used: {status:?}");
    let what = "not by hand, but without the cache";
    let rows = vec![
        Row::new("get by key, held, 1 thread", Unit::PerSecond, single.0)
            .by_hand(single.1, what)
            .bar(Bar::AtLeast(1_000_000.0))
            .note("spec: persistence"),
        Row::new("get by key, held, 2 threads together", Unit::PerSecond, double.0).by_hand(double.1, what),
    ];
    for table in stores {
        runtime.block_on(table.store().close())?;
    }
    Ok(Section {
        title: format!("Library, SQLite behind the cache: {count} records of 14 columns"),
        rows,
    })
}

/// A store with a table of contacts.
async fn filled(url: &str, bytes: u64, count: usize) -> Result<TableHandle> {
    let store = Store::open_with(url, options(bytes, None)).await?;
    let contacts = store.create_table(table()).await?;
    create(&contacts, 0..count as u64).await?;
    Ok(contacts)
}

/// All keys, every record read once.
async fn keys(table: &TableHandle) -> Result<Vec<Key>> {
    let keys: Vec<Key> = table
        .all()
        .await?
        .iter()
        .map(|record| record.key().clone())
        .collect();
    for key in &keys {
        table.get(key).await?;
    }
    Ok(keys)
}

/// How often two threads get a record in a second, by the clock on the wall.
fn both(table: &TableHandle, keys: &[Key], span: Duration) -> Result<f64> {
    let reader = |seed: u64| -> Result<u64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let (start, mut done) = (Instant::now(), 0);
            while start.elapsed() < span {
                for _ in 0..TURNS {
                    let at = mixed(seed.wrapping_add(done)) as usize % keys.len();
                    black_box(table.get(&keys[at]).await?.context("a record is missing")?);
                    done += 1;
                }
            }
            Ok(done)
        })
    };
    std::thread::scope(|scope| {
        let start = Instant::now();
        let readers = [0, u64::MAX / 2].map(|seed| scope.spawn(move || reader(seed)));
        let mut done = 0;
        for reader in readers {
            done += reader.join().map_err(|_| anyhow::anyhow!("a reader failed"))??;
        }
        Ok(rate(done, start.elapsed()))
    })
}

/// A question to a database, and the same by hand.
struct Questions {
    runtime: Arc<Runtime>,
    url: String,
    hand: Client,
    count_by_hand: String,
    get_by_hand: String,
    query: Query,
}

/// Measures answers on PostgreSQL.
pub(crate) fn shared(effort: Effort) -> Result<Section> {
    let runtime = Arc::new(Runtime::new()?);
    let server = variable(POSTGRES)?;
    let redis: RedisUrl = variable(REDIS)?.parse()?;
    let count = effort.records(100_000);
    let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
    let url = runtime.block_on(postgres::create(&server, &name))?;
    let rows = measure(&runtime, &url, &redis, effort, count);
    runtime.block_on(postgres::remove(&server, &name))?;
    Ok(Section {
        title: format!("Library, PostgreSQL behind the cache, one caller: {count} records of 14 columns"),
        rows: rows?,
    })
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} names no server; `cargo xtask bench` starts one"))
}

fn measure(
    runtime: &Arc<Runtime>,
    url: &str,
    redis: &RedisUrl,
    effort: Effort,
    count: usize,
) -> Result<Vec<Row>> {
    let contacts = runtime.block_on(filled(url, 0, count))?;
    let number = contacts.definition()?.number.0;
    let keys = runtime.block_on(keys(&contacts))?;
    let hand = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        anyhow::Ok(client)
    })?;
    let questions = Questions {
        runtime: runtime.clone(),
        url: url.to_owned(),
        hand,
        count_by_hand: format!(
            "SELECT count(*) FROM \"t{number}\" WHERE deleted_at IS NULL \
             AND (expires_at IS NULL OR expires_at > 0) AND c6_country = $1"
        ),
        get_by_hand: format!("SELECT * FROM \"t{number}\" WHERE id = $1"),
        query: Query::new().filter("country", Operator::Eq, "Austria"),
    };
    let turns = if effort.quick { 20 } else { 200 };
    let mut rows = vec![
        questions.get(&contacts, &keys, turns)?,
        questions.state(&contacts, number, turns)?,
    ];
    let row = |name: &str, (ours, by_hand): (f64, f64)| {
        Row::new(name, Unit::Ms, ours).by_hand(by_hand, "the same prepared SELECT count(*)")
    };
    rows.push(row("count of 1/6, not held", questions.count(&contacts, turns)?));
    runtime.block_on(contacts.store().close())?;
    let held = questions.open(64 << 20, None)?;
    rows.push(row(
        "count of 1/6, held by this process",
        questions.count(&held, turns)?,
    ));
    runtime.block_on(held.store().close())?;
    let found = questions.open(0, Some(redis))?;
    questions.count(&found, 1)?;
    let deadline = Instant::now() + PUT_WITHIN;
    while found
        .store()
        .cache()
        .and_then(|cache| cache.redis)
        .is_none_or(|redis| redis.hits == 0)
    {
        ensure!(Instant::now() < deadline, "Redis holds no answer");
        questions.count(&found, 1)?;
    }
    rows.push(row(
        "count of 1/6, held by Redis only",
        questions.count(&found, turns)?,
    ));
    runtime.block_on(found.store().close())?;
    Ok(rows)
}

impl Questions {
    fn open(&self, bytes: u64, redis: Option<&RedisUrl>) -> Result<TableHandle> {
        let store = self
            .runtime
            .block_on(Store::open_with(&self.url, options(bytes, redis)))?;
        Ok(store.table("contacts")?)
    }

    /// Counts in turn with by hand, in ms.
    fn count(&self, table: &TableHandle, turns: usize) -> Result<(f64, f64)> {
        let statement = self.runtime.block_on(self.hand.prepare(&self.count_by_hand))?;
        let mut expected = None;
        in_turn(
            1,
            || {
                p50_ms(turns, |_| {
                    expected = Some(self.runtime.block_on(table.count(&self.query))?);
                    Ok(())
                })
            },
            || {
                p50_ms(turns, |_| {
                    let row = self
                        .runtime
                        .block_on(self.hand.query_one(&statement, &[&"Austria"]))?;
                    black_box(row.get::<_, i64>(0));
                    Ok(())
                })
            },
        )
    }

    /// Reads records by key, which is never held.
    fn get(&self, table: &TableHandle, keys: &[Key], turns: usize) -> Result<Row> {
        let statement = self.runtime.block_on(self.hand.prepare(&self.get_by_hand))?;
        let at = |turn: usize| &keys[mixed(turn as u64) as usize % keys.len()];
        let figures = in_turn(
            1,
            || {
                p50_ms(turns * 5, |turn| {
                    let record = self.runtime.block_on(table.get(at(turn)))?;
                    black_box(record.context("a record is missing")?);
                    Ok(())
                })
            },
            || {
                p50_ms(turns * 5, |turn| {
                    let Key::Uuid(key) = at(turn) else {
                        anyhow::bail!("a key that is no UUID");
                    };
                    black_box(self.runtime.block_on(self.hand.query_one(&statement, &[key]))?);
                    Ok(())
                })
            },
        )?;
        Ok(Row::new("get by key, never held", Unit::Ms, figures.0)
            .by_hand(figures.1, "the same prepared SELECT, not decoded"))
    }

    /// Asks for the state of a table, as is done before an answer is given.
    fn state(&self, table: &TableHandle, number: u32, turns: usize) -> Result<Row> {
        let sql = "SELECT state FROM definitions WHERE number = $1";
        let statement = self.runtime.block_on(self.hand.prepare(sql))?;
        let (id, bound) = (chancery_model::TableId(number), i64::from(number));
        let figures = in_turn(
            1,
            || {
                p50_ms(turns * 5, |_| {
                    let state = self.runtime.block_on(table.store().backend().state(id))?;
                    black_box(state.context("the table has a state")?);
                    Ok(())
                })
            },
            || {
                p50_ms(turns * 5, |_| {
                    black_box(
                        self.runtime
                            .block_on(self.hand.query_one(&statement, &[&bound]))?,
                    );
                    Ok(())
                })
            },
        )?;
        Ok(Row::new("asking for the state of a table", Unit::Ms, figures.0)
            .by_hand(figures.1, "the same prepared SELECT"))
    }
}
