//! Searches that go on in the background, and what they found for a while: in the memory of this process, by an id. They find nothing
//! themselves, and are asked for again where they are gone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use super::{DuplicateOptions, Duplicates, FindProgress};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::{FIND_KEPT, FINDS_KEPT_MAX, FINDS_RUNNING_MAX};

/// Searches of one open store.
#[derive(Default)]
pub(crate) struct Finds(Mutex<VecDeque<Arc<Find>>>);

struct Find {
    id: String,
    /// The id of the table.
    table: String,
    options: DuplicateOptions,
    state: watch::Sender<FindState>,
    ended: Mutex<Option<Instant>>,
}

/// How a search stands.
#[derive(Clone, Debug)]
pub enum FindState {
    /// It goes on.
    Running,
    /// It is done.
    Done(Arc<Duplicates>),
    /// It was called off.
    Cancelled,
    /// It could not go on.
    Failed(Arc<Error>),
}

/// A search as it is asked for by its id.
#[derive(Clone, Debug)]
pub struct FindStatus {
    /// Its id.
    pub id: String,
    /// How it was asked for.
    pub options: DuplicateOptions,
    /// How it stands.
    pub state: FindState,
    /// How far it is, or was when it ended.
    pub progress: FindProgress,
}

impl Find {
    fn status(&self) -> FindStatus {
        FindStatus {
            id: self.id.clone(),
            options: self.options.clone(),
            state: self.state.borrow().clone(),
            progress: self.options.control.progress(),
        }
    }

    fn is_forgotten(&self) -> bool {
        self.ended.lock().is_some_and(|at| at.elapsed() >= FIND_KEPT)
    }
}

impl TableHandle {
    /// Begins a search in the background, which goes on though nobody waits for it. This process remembers what it found for
    /// [`FIND_KEPT`], and the last [`FINDS_KEPT_MAX`] of them; then it is to be asked for again.
    ///
    /// # Errors
    /// As [`TableHandle::find_duplicates`] for columns; [`Error::Limit`] while too many others go on.
    pub fn begin_find(&self, options: DuplicateOptions) -> Result<String, Error> {
        self.compared(&options)?;
        let find = Arc::new(Find {
            id: Uuid::now_v7().to_string(),
            table: self.id.to_string(),
            options,
            state: watch::Sender::new(FindState::Running),
            ended: Mutex::new(None),
        });
        {
            let mut all = self.store.core.finds.0.lock();
            all.retain(|find| !find.is_forgotten());
            let running = all.iter().filter(|find| find.ended.lock().is_none()).count();
            if running >= FINDS_RUNNING_MAX {
                return Err(Error::Limit {
                    what: "searches for duplicates that go on at once (findsRunningMax)",
                    max: FINDS_RUNNING_MAX as u64,
                    got: running as u64 + 1,
                });
            }
            while all.len() >= FINDS_KEPT_MAX {
                let oldest = all.iter().position(|find| find.ended.lock().is_some());
                let Some(oldest) = oldest else { break };
                all.remove(oldest);
            }
            all.push_back(find.clone());
        }
        let (handle, id) = (self.clone(), find.id.clone());
        tokio::spawn(async move {
            let found = tokio::spawn({
                let options = find.options.clone();
                async move { handle.find_duplicates(options).await }
            });
            let state = match found.await {
                Ok(Ok(found)) => FindState::Done(Arc::new(found)),
                Ok(Err(Error::Cancelled)) => FindState::Cancelled,
                Ok(Err(error)) => FindState::Failed(Arc::new(error)),
                Err(error) => FindState::Failed(Arc::new(Error::Internal(error.to_string()))),
            };
            *find.ended.lock() = Some(Instant::now());
            find.state.send_replace(state);
        });
        Ok(id)
    }

    /// How a search of this table stands.
    ///
    /// # Errors
    /// [`Error::NotFound`], also once it is forgotten.
    pub fn find_status(&self, id: &str) -> Result<FindStatus, Error> {
        Ok(self.known_find(id)?.status())
    }

    /// How a search of this table stands, once it is over or the time is.
    ///
    /// # Errors
    /// As [`TableHandle::find_status`].
    pub async fn wait_for_find(&self, id: &str, most: Duration) -> Result<FindStatus, Error> {
        let find = self.known_find(id)?;
        let mut state = find.state.subscribe();
        let over = state.wait_for(|state| !matches!(state, FindState::Running));
        // The time is over, or the search: both are answered by how it stands.
        _ = tokio::time::timeout(most, over).await;
        Ok(find.status())
    }

    /// Calls a search off; one that is over is forgotten.
    ///
    /// # Errors
    /// As [`TableHandle::find_status`].
    pub fn cancel_find(&self, id: &str) -> Result<(), Error> {
        let find = self.known_find(id)?;
        find.options.control.cancel();
        if find.ended.lock().is_some() {
            self.store.core.finds.0.lock().retain(|find| find.id != id);
        }
        Ok(())
    }

    fn known_find(&self, id: &str) -> Result<Arc<Find>, Error> {
        let all = self.store.core.finds.0.lock();
        let here = |find: &&Arc<Find>| find.id == id && *find.table == *self.id && !find.is_forgotten();
        all.iter().find(here).cloned().ok_or_else(|| Error::NotFound {
            what: "find",
            message: format!(
                "No search for duplicates \"{id}\" is remembered for this table; ask for it again"
            ),
        })
    }
}
