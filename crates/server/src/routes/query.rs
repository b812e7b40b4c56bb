//! Lists and queries: pages of records, live or in the trash.

use std::time::Instant;

use axum::extract::State;
use chancery::credentials::Fingerprint;
use chancery::cursor as places;
use chancery::model::Table;
use chancery::model::query::{Boundary, Scope};
use chancery::{Count, Page, PageWindow, Query, TableHandle};
use chancery_api::query::{self as wire, PageDirection, PaginationType};
use chancery_api::records::{Pagination, QueryMeta, RecordPage};
use chancery_api::{ErrorCode, limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::convert::queries as convert;
use crate::convert::records::{Display, Shape, write_json, write_list};
use crate::cursor;
use crate::extract::{Body, Params, Segments, parse_json};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::{Reply, page_limit};
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(trash))
        .routes(routes!(query))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct RecordsParams {
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// How many to skip; not together with `cursor`.
    offset: Option<u64>,
    /// Where to go on: a cursor of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Columns to sort by, with a minus for downwards, `status,-createdAt`; or a sort as in a query, as JSON.
    sort: Option<String>,
    /// A filter as in a query, as JSON.
    filter: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query; without `sort`, what fits best comes first.
    fuzzy: Option<bool>,
    /// The columns that `data` holds, separated by commas; all when absent.
    columns: Option<String>,
    /// Whether `data._display` is wanted; yes when absent.
    include_display: Option<bool>,
    /// Whether to count all that match.
    #[param(inline)]
    count: Option<wire::Count>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct QueryParams {
    /// Whether `meta.plan` says how the answer comes about.
    explain: Option<bool>,
}

impl RecordsParams {
    /// The same question as the body of a query.
    fn query(self) -> Result<wire::Query, Fault> {
        if self.cursor.is_some() && self.offset.is_some() {
            return Err(Fault::new(
                ErrorCode::InvalidParameter,
                "cursor and offset exclude each other.",
            ));
        }
        let filter = self.filter.as_deref().map(filter_text).transpose()?;
        let kind = if self.offset.is_some() {
            PaginationType::Offset
        } else {
            PaginationType::Cursor
        };
        Ok(wire::Query {
            filter,
            sort: self
                .sort
                .as_deref()
                .map(sort_text)
                .transpose()?
                .unwrap_or_default(),
            pagination: Some(wire::Paginate {
                kind,
                offset: self.offset,
                limit: self.limit,
                cursor: self.cursor,
                direction: None,
            }),
            search: search_text(self.search, self.fuzzy)?,
            columns: self.columns.as_deref().map(names),
            include_display: self.include_display,
            count: self.count.unwrap_or_default(),
        })
    }
}

/// A filter in a query parameter.
pub(super) fn filter_text(text: &str) -> Result<wire::Filter, Fault> {
    json_parameter("filter", text)
}

/// A sort in a query parameter.
pub(super) fn sort_text(text: &str) -> Result<Vec<wire::Sort>, Fault> {
    match text.trim_start().starts_with('[') {
        true => json_parameter("sort", text),
        false => Ok(convert::sort_text(text)),
    }
}

fn json_parameter<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Fault> {
    parse_json(text.as_bytes()).map_err(|fault| {
        let problem = &fault.refusal().problem;
        Fault::new(ErrorCode::InvalidParameter, format!("{name}: {}", problem.detail))
            .maybe_hint(problem.hint.clone())
    })
}

/// A search in query parameters.
pub(super) fn search_text(words: Option<String>, fuzzy: Option<bool>) -> Result<Option<wire::Search>, Fault> {
    let fuzzy = fuzzy.unwrap_or(false);
    if fuzzy && words.is_none() {
        let message = "fuzzy says how search is meant, and there is no search.";
        return Err(Fault::new(ErrorCode::InvalidParameter, message)
            .hint("Give the words in search, or leave fuzzy out."));
    }
    Ok(words.map(|query| wire::Search {
        query,
        fuzzy,
        ..wire::Search::default()
    }))
}

/// Names separated by commas.
pub(super) fn names(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The records of a table, page by page.
#[utoipa::path(get, path = "/api/tables/{table}/records", operation_id = "listRecords", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."), RecordsParams),
    responses((status = 200, description = "A page of records.", body = RecordPage), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<RecordsParams>,
) -> Result<Reply, Fault> {
    let question = Question {
        query: params.query()?,
        scope: Scope::Live,
        explain: false,
    };
    question.answer(&app, &acting::table(&store, &table).await?).await
}

/// The records in the trash of a table, page by page.
#[utoipa::path(get, path = "/api/tables/{table}/trash", operation_id = "listTrash", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."), RecordsParams),
    responses((status = 200, description = "A page of deleted records.", body = RecordPage), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn trash(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<RecordsParams>,
) -> Result<Reply, Fault> {
    let question = Question {
        query: params.query()?,
        scope: Scope::Trash,
        explain: false,
    };
    question.answer(&app, &acting::table(&store, &table).await?).await
}

/// The records that a filter and a search find, sorted, page by page.
#[utoipa::path(post, path = "/api/tables/{table}/query", operation_id = "queryRecords", tag = "Query",
    request_body = wire::Query,
    params(("table" = String, Path, description = "The table's id or slug."), QueryParams),
    responses((status = 200, description = "A page of records.", body = RecordPage), Named, WithBody))]
async fn query(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<QueryParams>,
    Body(query): Body<wire::Query>,
) -> Result<Reply, Fault> {
    let question = Question {
        query,
        scope: Scope::Live,
        explain: params.explain.unwrap_or(false),
    };
    question.answer(&app, &acting::table(&store, &table).await?).await
}

/// A question with everything that decides its answer.
struct Question {
    query: wire::Query,
    scope: Scope,
    explain: bool,
}

/// Which way a cursor leads; kept in its first byte.
const NEXT: u8 = b'n';
const PREVIOUS: u8 = b'p';

impl Question {
    async fn answer(&self, app: &App, handle: &TableHandle) -> Result<Reply, Fault> {
        let started = Instant::now();
        let table = handle.seen()?;
        let paginate = self.query.pagination.clone().unwrap_or_default();
        let limit = page_limit(paginate.limit)?;
        let asked = convert::question(
            self.query.filter.as_ref(),
            &self.query.sort,
            self.query.search.as_ref(),
        )?;
        let display = if self.query.include_display == Some(false) {
            Display::Without
        } else {
            Display::With
        };
        let shape = match &self.query.columns {
            Some(names) => Shape::of(&table, names, display)?,
            None => Shape::whole(&table, display),
        };
        let name = self.fingerprint(&table)?;
        let window = window(app, &table, &asked, &name, &paginate)?;
        let count = match self.query.count {
            wire::Count::None => Count::None,
            wire::Count::Estimated => Count::Estimated,
            wire::Count::Exact => Count::Exact,
        };
        let page = handle
            .page(&asked, self.scope, window.clone(), u64::from(limit), count)
            .await?;
        // How it is answered would tell what is kept back.
        let plan = if self.explain && !handle.store().narrows(&table) {
            Some(handle.explain(&asked, u64::from(limit)).await?)
        } else {
            None
        };
        let meta = QueryMeta {
            execution_time: started.elapsed().as_secs_f64() * 1_000.0,
            applied_filters: asked
                .filter
                .as_ref()
                .map(|filter| serde_json::json!(convert::filter_out(filter))),
            applied_sort: convert::sort_out(&asked, table.key_name()),
            plan,
        };
        let offset = (paginate.kind == PaginationType::Offset).then(|| paginate.offset.unwrap_or(0));
        let pagination = pagination(app, &name, &page, &window, limit, offset);
        let mut out = Vec::with_capacity(512 + page.records.len() * 512);
        out.extend_from_slice(b"{\"records\":");
        write_list(&mut out, &page.records, |out, record| {
            shape.write(out, record, &[])
        });
        out.extend_from_slice(b",\"pagination\":");
        write_json(&mut out, &pagination);
        out.extend_from_slice(b",\"meta\":");
        write_json(&mut out, &meta);
        out.push(b'}');
        Ok(Reply::bytes(out))
    }

    /// What a cursor of this question is bound to: everything but the window.
    fn fingerprint(&self, table: &Table) -> Result<Fingerprint, Fault> {
        let parts = (
            &self.query.filter,
            &self.query.sort,
            &self.query.search,
            format!("{:?}", self.scope),
        );
        let text = serde_json::to_vec(&parts).map_err(Fault::internal)?;
        Ok(Fingerprint::of_parts(&[table.id.as_bytes(), &text]))
    }
}

fn window(
    app: &App,
    table: &Table,
    asked: &Query,
    name: &Fingerprint,
    paginate: &wire::Paginate,
) -> Result<PageWindow, Fault> {
    let wrong = |text: &str| Err(Fault::new(ErrorCode::InvalidBody, text));
    if paginate.kind == PaginationType::Offset {
        if paginate.cursor.is_some() || paginate.direction.is_some() {
            return wrong("pagination: cursor and direction belong to the type \"cursor\".");
        }
        let offset = paginate.offset.unwrap_or(0);
        if i64::try_from(offset).is_err() {
            return Err(Fault::new(
                ErrorCode::LimitExceeded,
                "offset is beyond the limit offsetMax of 2^63 - 1.",
            ));
        }
        return Ok(PageWindow::Offset(offset));
    }
    if paginate.offset.is_some() {
        return wrong("pagination: offset belongs to the type \"offset\".");
    }
    let Some(text) = &paginate.cursor else {
        if paginate.direction == Some(PageDirection::Backward) {
            return wrong("pagination: going backward needs a cursor.");
        }
        return Ok(PageWindow::After(None));
    };
    let place = cursor::open(&app.signer, name, text)?;
    let (way, place) = place
        .split_first()
        .map_or((NEXT, &[][..]), |(way, place)| (*way, place));
    let boundary = std::str::from_utf8(place)
        .ok()
        .and_then(|text| places::decode(text, table, asked.sort_keys()));
    let boundary = boundary.ok_or_else(|| {
        Fault::new(
            ErrorCode::InvalidCursor,
            "The cursor does not fit the table any more.",
        )
        .hint("Start again without it.")
    })?;
    let backward = match paginate.direction {
        Some(direction) => direction == PageDirection::Backward,
        None => way == PREVIOUS,
    };
    Ok(if backward {
        PageWindow::Before(boundary)
    } else {
        PageWindow::After(Some(boundary))
    })
}

fn pagination(
    app: &App,
    name: &Fingerprint,
    page: &Page,
    window: &PageWindow,
    limit: u32,
    offset: Option<u64>,
) -> Pagination {
    let seal = |way: u8, boundary: &Option<Boundary>| {
        let mut place = vec![way];
        place.extend_from_slice(places::encode(boundary.as_ref()?).as_bytes());
        let sealed = cursor::seal(&app.signer, name, &place);
        (sealed.len() <= limits::CURSOR_BYTES_MAX).then_some(sealed)
    };
    let (more_after, more_before) = match window {
        PageWindow::Offset(offset) => (page.has_more, *offset > 0),
        PageWindow::After(boundary) => (page.has_more, boundary.is_some()),
        PageWindow::Before(_) => (true, page.has_more),
    };
    Pagination {
        total: page.total,
        has_more: page.has_more,
        offset,
        limit,
        next_cursor: if more_after { seal(NEXT, &page.next) } else { None },
        previous_cursor: if more_before {
            seal(PREVIOUS, &page.previous)
        } else {
            None
        },
    }
}
