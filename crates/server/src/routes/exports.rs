//! Files out, streamed from one snapshot without an end. What breaks on the way breaks the transfer visibly.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use chancery::{Escape, ExportOptions, ExportStream, Header, LinkForm};
use chancery_api::ErrorCode;
use chancery_api::exports::TableExport;
use http::{HeaderValue, header};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::query::{filter_text, names, search_text, sort_text};
use crate::acting::{self, Acting};
use crate::convert::queries;
use crate::extract::{Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::Named;
use crate::state::App;

/// The media type of workbooks.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(export_csv))
        .routes(routes!(export_ndjson))
        .routes(routes!(export_xlsx))
        .routes(routes!(export_json))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct CsvParams {
    /// The columns in order, separated by commas; also `id`, `createdAt` and the like. All when absent.
    columns: Option<String>,
    /// A filter as in a query, as JSON.
    filter: Option<String>,
    /// Columns to sort by, with a minus for downwards; or a sort as in a query, as JSON.
    sort: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query; without `sort`, what fits best comes first.
    fuzzy: Option<bool>,
    /// Whether texts that a spreadsheet would run as formulas are escaped; they are when absent.
    #[param(inline)]
    escape: Option<EscapeParam>,
    /// What stands in the first row; the slugs when absent.
    #[param(inline)]
    header: Option<HeaderParam>,
    /// The one character between cells; a comma when absent.
    #[param(min_length = 1, max_length = 1)]
    delimiter: Option<char>,
    /// How records and users that others name are written; as ids when absent.
    #[param(inline)]
    links: Option<LinksParam>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum LinksParam {
    /// As ids.
    Id,
    /// As what people call them; an import finds them by that.
    Label,
    /// As ids, and in a column behind it, `…_label`, as what people call them.
    Both,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum EscapeParam {
    /// An apostrophe goes before them, which the import takes away again.
    Formula,
    /// They stay as they are, for programs.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum HeaderParam {
    /// The slugs.
    Slugs,
    /// The names people see.
    Names,
    /// There is no such row.
    None,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct JsonParams {
    /// A filter as in a query, as JSON.
    filter: Option<String>,
    /// Columns to sort by, with a minus for downwards; or a sort as in a query, as JSON.
    sort: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query; without `sort`, what fits best comes first.
    fuzzy: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct LinesParams {
    /// The columns in order, separated by commas; also `id`, `createdAt` and the like. All when absent.
    columns: Option<String>,
    /// A filter as in a query, as JSON.
    filter: Option<String>,
    /// Columns to sort by, with a minus for downwards; or a sort as in a query, as JSON.
    sort: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query; without `sort`, what fits best comes first.
    fuzzy: Option<bool>,
    /// How records and users that others name are written; as ids when absent.
    #[param(inline)]
    links: Option<LinksParam>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct XlsxParams {
    /// The columns in order, separated by commas; also `id`, `createdAt` and the like. All when absent.
    columns: Option<String>,
    /// A filter as in a query, as JSON.
    filter: Option<String>,
    /// Columns to sort by, with a minus for downwards; or a sort as in a query, as JSON.
    sort: Option<String>,
    /// Words to find.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query; without `sort`, what fits best comes first.
    fuzzy: Option<bool>,
    /// What stands in the first row; the slugs when absent.
    #[param(inline)]
    header: Option<HeaderParam>,
    /// How records and users that others name are written; as ids when absent.
    #[param(inline)]
    links: Option<LinksParam>,
}

fn links_of(param: Option<LinksParam>) -> LinkForm {
    match param {
        Some(LinksParam::Label) => LinkForm::Label,
        Some(LinksParam::Both) => LinkForm::Both,
        _ => LinkForm::Id,
    }
}

fn question(
    filter: Option<&str>,
    sort: Option<&str>,
    search: (Option<String>, Option<bool>),
) -> Result<chancery::Query, Fault> {
    let filter = filter.map(filter_text).transpose()?;
    let sort = sort.map(sort_text).transpose()?.unwrap_or_default();
    let search = search_text(search.0, search.1)?;
    Ok(queries::question(filter.as_ref(), &sort, search.as_ref())?)
}

/// The records of a table as a CSV file.
#[utoipa::path(get, path = "/api/tables/{table}/export/csv", operation_id = "exportCsv", tag = "Imports and exports",
    params(("table" = String, Path, description = "The table's id or slug."), CsvParams),
    responses((status = 200, description = "A CSV file.", body = String, content_type = "text/csv"), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn export_csv(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<CsvParams>,
) -> Result<Response, Fault> {
    let handle = acting::table(&store, &table).await?;
    if params
        .delimiter
        .is_some_and(|delimiter| !delimiter.is_ascii() || "\"\r\n".contains(delimiter))
    {
        return Err(Fault::new(
            ErrorCode::InvalidParameter,
            "delimiter takes one ASCII character that is no quote or line end.",
        ));
    }
    let options = ExportOptions {
        columns: params.columns.as_deref().map(names).unwrap_or_default(),
        query: question(
            params.filter.as_deref(),
            params.sort.as_deref(),
            (params.search, params.fuzzy),
        )?,
        escape: match params.escape {
            Some(EscapeParam::None) => Escape::None,
            _ => Escape::Formula,
        },
        header: header_of(params.header),
        delimiter: params.delimiter,
        links: links_of(params.links),
        ..ExportOptions::default()
    };
    let slug = handle.definition()?.slug.clone();
    let stream = handle.export_csv(&options).await?;
    send(stream, "text/csv; charset=utf-8", &format!("{slug}.csv")).await
}

/// The records of a table as JSON objects, one on each line; the id first, unless columns are named.
#[utoipa::path(get, path = "/api/tables/{table}/export/ndjson", operation_id = "exportNdjson", tag = "Imports and exports",
    params(("table" = String, Path, description = "The table's id or slug."), LinesParams),
    responses((status = 200, description = "JSON lines.", body = String, content_type = "application/x-ndjson"), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn export_ndjson(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<LinesParams>,
) -> Result<Response, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = ExportOptions {
        columns: params.columns.as_deref().map(names).unwrap_or_default(),
        query: question(
            params.filter.as_deref(),
            params.sort.as_deref(),
            (params.search, params.fuzzy),
        )?,
        links: links_of(params.links),
        ..ExportOptions::default()
    };
    let slug = handle.definition()?.slug.clone();
    let stream = handle.export_ndjson(&options).await?;
    send(stream, "application/x-ndjson", &format!("{slug}.ndjson")).await
}

/// The records of a table as a workbook with typed cells. A sheet has 1,048,576 rows; more records take more sheets, and a
/// last sheet says so. A text of more than 32,767 characters is refused: it is never cut.
#[utoipa::path(get, path = "/api/tables/{table}/export/xlsx", operation_id = "exportXlsx", tag = "Imports and exports",
    params(("table" = String, Path, description = "The table's id or slug."), XlsxParams),
    responses((status = 200, description = "A workbook.", body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), Named,
        (status = 422, description = "The question does not fit the table, or a text no sheet.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn export_xlsx(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<XlsxParams>,
) -> Result<Response, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = ExportOptions {
        columns: params.columns.as_deref().map(names).unwrap_or_default(),
        query: question(
            params.filter.as_deref(),
            params.sort.as_deref(),
            (params.search, params.fuzzy),
        )?,
        header: header_of(params.header),
        links: links_of(params.links),
        ..ExportOptions::default()
    };
    let slug = handle.definition()?.slug.clone();
    let stream = handle.export_xlsx(&options).await?;
    send(stream, XLSX, &format!("{slug}.xlsx")).await
}

fn header_of(param: Option<HeaderParam>) -> Header {
    match param {
        Some(HeaderParam::Names) => Header::Names,
        Some(HeaderParam::None) => Header::None,
        _ => Header::Slugs,
    }
}

/// A whole table as JSON, definition and records, which makes it again.
#[utoipa::path(get, path = "/api/tables/{table}/export/json", operation_id = "exportJson", tag = "Imports and exports",
    params(("table" = String, Path, description = "The table's id or slug."), JsonParams),
    responses((status = 200, description = "The table.", body = TableExport), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn export_json(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<JsonParams>,
) -> Result<Response, Fault> {
    let handle = acting::table(&store, &table).await?;
    let slug = handle.definition()?.slug.clone();
    let stream = handle
        .export_json(&question(
            params.filter.as_deref(),
            params.sort.as_deref(),
            (params.search, params.fuzzy),
        )?)
        .await?;
    send(stream, "application/json", &format!("{slug}.json")).await
}

/// Sends an export piece by piece. What goes wrong before the first piece is a refusal; later it cuts the transfer.
async fn send(mut stream: ExportStream, kind: &'static str, name: &str) -> Result<Response, Fault> {
    let first = stream.next().await.transpose()?.unwrap_or_default();
    let rest = futures::stream::unfold((Some(first), stream), |(first, mut stream)| async move {
        let piece = match first {
            Some(first) => Ok(Bytes::from(first)),
            None => stream.next().await?.map(Bytes::from).map_err(|error| {
                tracing::error!(target: "chancery", %error, "an export broke off");
                std::io::Error::other("the export broke off")
            }),
        };
        Some((piece, (None, stream)))
    });
    let mut response = Response::new(Body::from_stream(futures::StreamExt::fuse(rest)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let disposition =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).map_err(Fault::internal)?;
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
