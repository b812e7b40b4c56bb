//! The routes, one file per resource. Handlers parse, call the library and convert; they hold no rule.

mod aggregate;
mod api_keys;
mod auth;
mod backups;
mod buckets;
mod bulk;
mod changes;
mod columns;
mod duplicates;
mod exports;
mod fields;
mod files;
mod forms;
mod health;
mod history;
mod import_jobs;
mod imports;
mod options;
mod queries;
mod query;
mod records;
mod retype;
mod stream;
mod tables;
mod transactions;
mod users;
mod vault;
mod views;
mod webhooks;
mod workspaces;

pub(crate) use bulk::{blank, on_many};
use std::sync::Arc;

use chancery::Store;
use chancery::credentials::Fingerprint;
use chancery::model::Table;
use chancery_api::records::Pagination;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use crate::acting;
use crate::cursor;
use crate::fault::Fault;
use crate::reply::page_limit;
use crate::state::App;

/// All routes.
pub(crate) fn all() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(crate::openapi::document())
        .merge(health::routes())
        .merge(auth::routes())
        .merge(users::routes())
        .merge(views::routes())
        .merge(forms::routes())
        .merge(api_keys::routes())
        .merge(workspaces::routes())
        .merge(fields::routes())
        .merge(files::routes())
        .merge(tables::routes())
        .merge(buckets::routes())
        .merge(columns::routes())
        .merge(options::routes())
        .merge(retype::routes())
        .merge(records::routes())
        .merge(history::routes())
        .merge(duplicates::routes())
        .merge(bulk::routes())
        .merge(transactions::routes())
        .merge(query::routes())
        .merge(aggregate::routes())
        .merge(imports::routes())
        .merge(import_jobs::routes())
        .merge(exports::routes())
        .merge(changes::routes())
        .merge(webhooks::routes())
        .merge(vault::routes())
        .merge(backups::routes())
        .merge(queries::routes())
        .merge(crate::live::routes())
}

/// The parameters of a short list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    pub(crate) cursor: Option<String>,
}

/// Of a write that may be tried without being done.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DryRunParams {
    /// Whether to answer the same but write nothing.
    dry_run: Option<bool>,
}

/// The parameters of a short list of what is in a workspace.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct WorkspaceListParams {
    /// The id or slug of a workspace; the default one when absent.
    workspace: Option<String>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl WorkspaceListParams {
    /// The store in the workspace, and which page of it is meant.
    async fn of(self, store: Store) -> Result<(Store, ListParams), Fault> {
        let store = acting::workspace(store, self.workspace.as_deref()).await?;
        let WorkspaceListParams { limit, cursor, .. } = self;
        Ok((store, ListParams { limit, cursor }))
    }
}

/// The tables of the store's workspace, by slug. One that is dropped at this very moment has no definition any more, and is
/// left out.
fn definitions(store: &Store) -> Vec<Arc<Table>> {
    let handles = store.tables().into_iter();
    handles.filter_map(|handle| handle.seen().ok()).collect()
}

/// Cuts a page out of a list that is in memory, in the list's order.
pub(crate) fn page_of<T>(
    app: &App,
    what: &str,
    items: Vec<T>,
    params: &ListParams,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Pagination), Fault> {
    let limit = page_limit(params.limit)?;
    let question = Fingerprint::of(what.as_bytes());
    let start = match &params.cursor {
        None => 0,
        Some(text) => {
            let place = cursor::open(&app.signer, &question, text)?;
            items
                .iter()
                .position(|item| id(item).as_bytes() == place)
                .map_or(0, |at| at + 1)
        }
    };
    let total = items.len();
    let page: Vec<T> = items.into_iter().skip(start).take(limit as usize).collect();
    let has_more = start + page.len() < total;
    let last = page.last().filter(|_| has_more);
    let next_cursor = last.map(|item| cursor::seal(&app.signer, &question, id(item).as_bytes()));
    let pagination = Pagination {
        total: Some(total as u64),
        has_more,
        limit,
        next_cursor,
        ..Pagination::default()
    };
    Ok((page, pagination))
}
