//! Whether a caller whose scope is not the same everywhere may call a route. What of a table they see there is the library's
//! to hold them to ([`Store::held_to`]).

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{RawPathParams, Request};
use chancery::Store;
use chancery::access::{Rights, Scope};
use chancery_api::ErrorCode;

use crate::access::Reach;
use crate::acting;
use crate::caller::short_of;
use crate::fault::Fault;
use crate::state::{App, Route};

/// Refuses a route that is beyond somebody's rights.
///
/// # Errors
/// 403. What is not there for them is left to the route, which answers 404 as to what is not there at all.
pub(crate) async fn check(
    app: &App,
    rights: &Arc<Rights>,
    (route, least): (&Route, Scope),
    request: &mut Request,
) -> Result<(), Fault> {
    let has = match route.reach {
        Reach::Own => return Ok(()),
        Reach::Anywhere => rights.somewhere(),
        Reach::Apart => rights.everywhere(),
        Reach::All if rights.everywhere() >= least => {
            let detail = "This reaches over all tables, and your grants say something else for some of them.";
            return Err(Fault::new(ErrorCode::Forbidden, detail)
                .hint("Ask table by table, or with a key or role without grants."));
        }
        Reach::All => rights.everywhere(),
        Reach::Workspace => {
            let name = named(request, "workspace").await?;
            let Some(store) = workspace(app, rights, name).await else {
                return Ok(());
            };
            store.scope_in_workspace(&store.workspace().id)
        }
        Reach::Table => return in_table(app, rights, (route, least), request).await,
    };
    match has >= least {
        true => Ok(()),
        false => Err(short_of(least, has)),
    }
}

async fn in_table(
    app: &App,
    rights: &Arc<Rights>,
    (route, least): (&Route, Scope),
    request: &mut Request,
) -> Result<(), Fault> {
    let store = app.store.held_to(rights.clone());
    let name = named(request, "table").await?.unwrap_or_default();
    let Ok(handle) = acting::table(&store, &name).await else {
        return Ok(());
    };
    let table = handle.definition()?;
    let has = store.scope_in(&table);
    if has < least {
        return Err(short_of(least, has));
    }
    if store.narrows(&table) && !route.narrow {
        let detail = format!(
            "You see a part of the table \"{}\" only, and this route cannot be held to that.",
            table.slug
        );
        return Err(Fault::new(ErrorCode::Forbidden, detail)
            .hint("Records are read, queried, exported and written one by one or in bulk."));
    }
    Ok(())
}

/// A workspace as somebody sees it; none if it is not there for them.
async fn workspace(app: &App, rights: &Arc<Rights>, name: Option<String>) -> Option<Store> {
    let store = app.store.held_to(rights.clone());
    acting::workspace(store, name.as_deref()).await.ok()
}

/// What stands in a request's path where the router's path has a name, decoded as the route will decode it.
async fn named(request: &mut Request, name: &str) -> Result<Option<String>, Fault> {
    let parts = request.extract_parts::<RawPathParams>().await;
    let parts = parts.map_err(|_| Fault::new(ErrorCode::RouteNotFound, "The path is not UTF-8."))?;
    let found = parts.iter().find(|(had, _)| *had == name);
    Ok(found.map(|(_, value)| value.to_owned()))
}
