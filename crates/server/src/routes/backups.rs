//! A backup as a download. It is written and checked on this machine first, so that a bad one is a refusal and not half a
//! file.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use chancery::backup::InTheWay;
use chancery_api::{ErrorCode, Problem, limits};
use http::{HeaderName, HeaderValue, header};
use tokio_util::io::ReaderStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::fault::Fault;
use crate::openapi::refusals::Common;
use crate::state::App;

/// Says the SHA-256 of the file, in hexadecimal digits.
const CHECKSUM: HeaderName = HeaderName::from_static("x-checksum-sha256");
/// When somebody may ask again while another backup is written, in seconds.
const BUSY_SECONDS: u64 = 10;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// Everything in one SQLite file, as of one moment; others go on writing. The header `X-Checksum-Sha256` is of the file. The contents of files are not in it.
#[utoipa::path(get, path = "/api/backup", operation_id = "backup", tag = "Operations",
    responses((status = 200, description = "A SQLite database.", body = String, content_type = "application/vnd.sqlite3"), Common,
        (status = 409, description = "Another backup is being written.", body = Problem, content_type = "application/problem+json")))]
async fn backup(State(app): State<App>) -> Result<Response, Fault> {
    let Ok(turn) = app.backups.clone().try_acquire_owned() else {
        let most = limits::BACKUPS_AT_ONCE_MAX;
        let detail = format!("Another backup is being written (backupsAtOnceMax: {most}).");
        return Err(Fault::new(ErrorCode::Conflict, detail).retry_after(BUSY_SECONDS));
    };
    let folder = tempfile::tempdir().map_err(Fault::internal)?;
    let path = folder.path().join("backup.db");
    let written = app.store.backup_without_files(&path, InTheWay::Refuse, &|_| {});
    let report = written.await?;
    let file = tokio::fs::File::open(&path).await.map_err(Fault::internal)?;
    // The folder, and with it the file, goes away with the answer; so does the turn.
    let pieces = futures::StreamExt::map(ReaderStream::new(file), move |piece| {
        let _held = (&folder, &turn);
        piece
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/vnd.sqlite3"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(report.bytes));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"chancery-backup.db\""),
    );
    let checksum = HeaderValue::from_str(&report.sha256).map_err(Fault::internal)?;
    headers.insert(CHECKSUM, checksum);
    Ok(response)
}
