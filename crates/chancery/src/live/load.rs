//! How a result is read so that it belongs to one revision, while others write: steps are kept from before the read, and
//! what they touched is taken from them. Follows nothing by itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chancery_model::Json;
use chancery_model::query::Window;

use super::figure::Figures;
use super::hub::Hub;
use super::index::Id;
use super::limits::{LIVE_RECORDS_MAX, READS_MAX, READS_UNTIL_EXACT_MAX};
use super::push::LiveResult;
use super::query::{Asked, LiveQuery, What};
use super::state::{Fresh, Reading};
use super::tracked::Reads;
use crate::error::Error;
use crate::store::{Core, Store};

/// A closure that makes a result out of what it reads.
pub(crate) type Make =
    dyn Fn(Reads) -> Pin<Box<dyn Future<Output = Result<Json, Error>> + Send>> + Send + Sync;

/// What a subscription is about, and where.
pub(crate) struct Wanted {
    pub(crate) store: Store,
    pub(crate) what: Source,
}

/// Where a result comes from.
pub(crate) enum Source {
    Query(Box<LiveQuery>),
    Made(Box<Make>),
}

/// A result and the revision it belongs to; none if the subscription is gone.
pub(crate) type Loaded = (u64, Option<LiveResult>);

/// The refusal of a result that is too large.
pub(crate) fn excess() -> Error {
    Error::Limit {
        what: "records or groups of a live query",
        max: LIVE_RECORDS_MAX as u64,
        got: LIVE_RECORDS_MAX as u64 + 1,
    }
}

impl Hub {
    /// Reads the result of a subscription, from now on kept true by the feed.
    pub(crate) async fn load(&self, core: &Core, wanted: &Wanted, id: Id) -> Result<Loaded, Error> {
        match &wanted.what {
            Source::Query(query) => self.load_query(core, &wanted.store, query, id).await,
            Source::Made(make) => self.load_made(core, &wanted.store, make, id).await,
        }
    }

    async fn load_query(
        &self,
        core: &Core,
        store: &Store,
        query: &LiveQuery,
        id: Id,
    ) -> Result<Loaded, Error> {
        let mut is_large = false;
        for attempt in 0..READS_MAX {
            let asked = Arc::new(Asked::new(store, query).await?);
            self.state.lock().begin(id, asked.clone());
            let from = core.backend.revision().await?;
            let fresh = match attempt >= READS_UNTIL_EXACT_MAX && !is_large {
                true => read_by_rows(core, &asked, LIVE_RECORDS_MAX).await?,
                false => Some(read(core, &asked).await?),
            };
            let Some(fresh) = fresh else {
                is_large = true;
                continue;
            };
            let to = core.backend.revision().await?;
            self.advance(core).await?;
            let mut state = self.state.lock();
            if state.finish(id, fresh, Reading { from, to }) {
                let excessive = state.subscriptions.get(&id).is_some_and(|had| had.is_excessive());
                return if excessive {
                    Err(excess())
                } else {
                    Ok(state.loaded(id))
                };
            }
        }
        if is_large {
            return Err(excess());
        }
        Err(Error::Internal(
            "a live result changed faster than it could be read".into(),
        ))
    }

    async fn load_made(&self, core: &Core, store: &Store, make: &Make, id: Id) -> Result<Loaded, Error> {
        for attempt in 1..READS_MAX {
            self.state.lock().begin_made(id);
            let value = make(Reads::new(store.clone(), id)).await?;
            self.advance(core).await?;
            let is_last = attempt >= READS_UNTIL_EXACT_MAX;
            let mut state = self.state.lock();
            if state.made(id, value, is_last) != Some(false) {
                return Ok(state.loaded(id));
            }
        }
        Err(Error::Internal(
            "a live result changed faster than it could be made".into(),
        ))
    }
}

/// Reads what is asked.
async fn read(core: &Core, asked: &Asked) -> Result<Fresh, Error> {
    let backend = &core.backend;
    Ok(match &asked.what {
        What::One(key) => Fresh::One(backend.get(&asked.table, key).await?),
        What::List { .. } => Fresh::Rows(backend.query(&asked.plan).await?),
        What::Figure(figure) => {
            let question = Figures::question(asked, figure);
            let answer = backend.aggregate(&question).await?;
            Fresh::Figures(Figures::of_answer(asked, figure, answer))
        }
    })
}

/// Reads the records of a figure instead of the figure, if there are at most so many of them; anything else as it is.
async fn read_by_rows(core: &Core, asked: &Asked, most: usize) -> Result<Option<Fresh>, Error> {
    if !matches!(asked.what, What::Figure(_)) {
        return read(core, asked).await.map(Some);
    }
    let mut plan = asked.plan.clone();
    plan.window = Window::Offset {
        offset: 0,
        limit: most as u64 + 1,
    };
    let rows = core.backend.query(&plan).await?;
    Ok((rows.len() <= most).then_some(Fresh::FigureRows(rows)))
}

#[cfg(test)]
mod tests {
    use chancery_model::Key;
    use serde_json::json;

    use super::super::LiveInbox;
    use super::super::state::View;
    use super::*;
    use crate::{ColumnInput, TableHandle, TableInput};

    async fn filled(records: usize) -> (Store, TableHandle, Vec<Key>) {
        let store = Store::open("memory:").await.unwrap();
        let input = TableInput::new("Tasks").column(ColumnInput::new("Points", "number"));
        let table = store.create_table(input).await.unwrap();
        let records = (0..records).map(|points| json!({ "points": points })).collect();
        let made = table.insert_many(records).await.unwrap();
        (
            store,
            table,
            made.iter().map(|record| record.key().clone()).collect(),
        )
    }

    /// A subscription whose result is about to be read.
    async fn begun(store: &Store, query: LiveQuery) -> (Id, Arc<Asked>) {
        let hub = &store.core.live;
        let wanted = Arc::new(Wanted {
            store: store.clone(),
            what: Source::Query(Box::new(query.clone())),
        });
        let id = hub.state.lock().add(wanted, LiveInbox::default().0);
        hub.advance(&store.core).await.unwrap();
        let asked = Arc::new(Asked::new(store, &query).await.unwrap());
        hub.state.lock().begin(id, asked.clone());
        (id, asked)
    }

    #[tokio::test]
    async fn a_window_that_has_become_short_while_it_was_read_is_read_again() {
        let (store, table, keys) = filled(100).await;
        let query = LiveQuery::new("tasks").ascending("points").limit(10);
        let (id, asked) = begun(&store, query).await;
        let from = store.revision().await.unwrap();
        let fresh = read(&store.core, &asked).await.unwrap();
        for key in &keys[..55] {
            table.delete(key).await.unwrap();
        }
        let hub = &store.core.live;
        hub.advance(&store.core).await.unwrap();
        let reading = Reading { from, to: from };
        assert!(!hub.state.lock().finish(id, fresh, reading));
    }

    #[tokio::test]
    async fn a_figure_is_made_of_records_only_where_they_are_few() {
        let (store, _, _) = filled(3).await;
        let (_, asked) = begun(&store, LiveQuery::new("tasks").count()).await;
        for (most, expected) in [(2, false), (3, true)] {
            let fresh = read_by_rows(&store.core, &asked, most).await.unwrap();
            assert_eq!(matches!(fresh, Some(Fresh::FigureRows(_))), expected, "{most}");
        }
    }

    #[tokio::test]
    async fn a_result_that_cannot_be_read_just_now_stays_lost() {
        let (store, table, _) = filled(3).await;
        let (id, _) = begun(&store, LiveQuery::new("tasks").count()).await;
        let hub = &store.core.live;
        hub.state.lock().lose_again(id);
        table.insert(json!({"points": 4})).await.unwrap();
        hub.advance(&store.core).await.unwrap();
        assert_eq!(hub.state.lock().lost, [id]);
        hub.reload(&store.core).await.unwrap();
        let state = hub.state.lock();
        assert!(state.lost.is_empty());
        assert!(matches!(state.subscriptions[&id].view, View::Figures(_)));
    }
}
