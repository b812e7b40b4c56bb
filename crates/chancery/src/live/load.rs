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
        for attempt in 0..READS_MAX {
            let asked = Arc::new(Asked::new(store, query).await?);
            self.state.lock().begin(id, asked.clone());
            let from = core.backend.revision().await?;
            let fresh = read(core, &asked, attempt >= READS_UNTIL_EXACT_MAX).await?;
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

/// Reads what is asked; `by_rows` reads the records of a figure instead of the figure.
async fn read(core: &Core, asked: &Asked, by_rows: bool) -> Result<Fresh, Error> {
    let backend = &core.backend;
    Ok(match &asked.what {
        What::One(key) => Fresh::One(backend.get(&asked.table, key).await?),
        What::List { .. } => Fresh::Rows(backend.query(&asked.plan).await?),
        What::Figure(figure) if !by_rows => {
            let question = Figures::question(asked, figure);
            let answer = backend.aggregate(&question).await?;
            Fresh::Figures(Figures::of_answer(asked, figure, answer))
        }
        What::Figure(_) => {
            let mut plan = asked.plan.clone();
            plan.window = Window::All;
            Fresh::FigureRows(backend.query(&plan).await?)
        }
    })
}
