//! Who is at the other end of a socket, whether that still holds, and what they may see. Reads no record.

use std::sync::Arc;

use chancery::access::{Principal, Scope};
use chancery::credentials::Secret;
use chancery::{Actor, Source, Store, Table};
use chancery_api::ErrorCode;

use crate::caller::short_of;
use crate::fault::Fault;
use crate::state::App;

/// Somebody whose proof was checked, and the proof, to check it again.
pub(crate) struct Who {
    principal: Arc<Principal>,
    proof: Proof,
}

enum Proof {
    Key(Secret),
    Session(Arc<Secret>),
}

impl Who {
    pub(crate) fn key(principal: Arc<Principal>, key: &str) -> Who {
        Who {
            principal,
            proof: Proof::Key(Secret::new(key)),
        }
    }

    pub(crate) fn session(principal: Arc<Principal>, token: Arc<Secret>) -> Who {
        Who {
            principal,
            proof: Proof::Session(token),
        }
    }

    /// Who shows an API key in a frame.
    ///
    /// # Errors
    /// 401 if nobody does.
    pub(crate) async fn by_key(app: &App, key: &str) -> Result<Who, Fault> {
        match app.store.access().key(key).await? {
            Some(principal) => Ok(Who::key(principal, key)),
            None => Err(Fault::new(
                ErrorCode::Unauthenticated,
                "The API key is unknown, ended or deleted.",
            )),
        }
    }

    /// Looks whether the session or key still holds, and what it may do by now.
    pub(crate) async fn still_holds(&mut self, app: &App) -> Result<bool, Fault> {
        let access = app.store.access();
        let principal = match &self.proof {
            Proof::Key(key) => access.key(key.expose()).await?,
            Proof::Session(token) => access.session(token.expose()).await?,
        };
        let holds = principal.is_some();
        if let Some(principal) = principal {
            self.principal = principal;
        }
        Ok(holds)
    }

    /// The store on their behalf.
    pub(crate) fn store(&self, app: &App) -> Store {
        let store = app.store.acting(Actor {
            id: self.principal.id().map(Arc::from),
            source: match self.proof {
                Proof::Key(_) => Source::Api,
                Proof::Session(_) => Source::Ui,
            },
        });
        match self.principal.rights() {
            Some(rights) => store.held_to(Arc::new(rights)),
            None => store,
        }
    }

    /// Refuses what needs another scope.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn needs(&self, least: Scope) -> Result<(), Fault> {
        let has = match self.principal.rights() {
            Some(rights) => rights.somewhere(),
            None => self.principal.scope(),
        };
        match has >= least {
            true => Ok(()),
            false => Err(short_of(least, has)),
        }
    }

    /// Whether they may see records of a table, on the feed as in an answer, all of them and whole.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn may_see(&self, table: &Table) -> Result<(), Fault> {
        match self.principal.rights() {
            None => self.needs(Scope::Read),
            Some(rights) if rights.in_table(table) < Scope::Read || rights.narrows(table) => Err(Fault::new(
                ErrorCode::Forbidden,
                "You see a part of the table only, or nothing, and a live query cannot be held to that.",
            )),
            Some(_) => Ok(()),
        }
    }
}
