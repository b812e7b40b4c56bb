//! Jobs: long work on all secrets, begun, looked at, stopped and resumed. Passwords go in and are kept nowhere.

use axum::extract::State;
use chancery_api::jobs::{Job, JobKind, JobList, JobResume, VaultJobCreate};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::once;
use super::refusals::OfVault;
use crate::convert::jobs as convert;
use crate::extract::{Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, WithBody};
use crate::reply::Reply;
use crate::routes::{ListParams, page_of};
use crate::state::App;
use crate::vaulting::{SecretBody, Vaulting};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// Begin long work: on all secrets, change their password, bring them under a new data key, look at them, or delete for good what was
/// deleted; on all values of a column, encrypt them, seal them anew, or make them readable. It goes on in the background, and after a restart of the server.
#[utoipa::path(post, path = "/api/vault/jobs", operation_id = "startVaultJob", tag = "Jobs", request_body = VaultJobCreate,
    responses((status = 202, description = "It has begun; the header Location says where it is told of.", body = Job),
        Common, WithBody, OfVault))]
async fn start(caller: Vaulting, SecretBody(body): SecretBody<VaultJobCreate>) -> Result<Reply, Fault> {
    let job = convert::start(&caller.vault, body).await?;
    Ok(once(&job)?.accepted(&format!("/api/jobs/{}", job.id)))
}

/// Which jobs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct JobsParams {
    /// Those of this kind; all when absent.
    #[param(inline)]
    kind: Option<JobKind>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// All jobs, newest first.
#[utoipa::path(get, path = "/api/jobs", operation_id = "listJobs", tag = "Jobs", params(JobsParams),
    responses((status = 200, description = "A page of jobs.", body = JobList), Common))]
async fn list(
    State(app): State<App>,
    caller: Vaulting,
    Params(params): Params<JobsParams>,
) -> Result<Reply, Fault> {
    let jobs = convert::list(&caller.vault, params.kind).await?;
    let what = format!("jobs {:?}", params.kind);
    let page = ListParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (jobs, pagination) = page_of(&app, &what, jobs, &page, |job| &job.id)?;
    once(&JobList { jobs, pagination })
}

/// How a job stands.
#[utoipa::path(get, path = "/api/jobs/{job}", operation_id = "getJob", tag = "Jobs",
    params(("job" = String, Path, description = "Its id.")),
    responses((status = 200, description = "How it stands.", body = Job), Named))]
async fn get(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    once(&convert::found(&caller.vault, &id).await?)
}

/// Call a job off after the batch it is at. What it has done stays.
#[utoipa::path(post, path = "/api/jobs/{job}/cancel", operation_id = "cancelJob", tag = "Jobs",
    params(("job" = String, Path, description = "Its id.")),
    responses((status = 200, description = "It is called off.", body = Job), Named, WithBody))]
async fn cancel(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    once(&convert::stop(&caller.vault, &id, true).await?)
}

/// Stop a job after the batch it is at; it can be resumed.
#[utoipa::path(post, path = "/api/jobs/{job}/pause", operation_id = "pauseJob", tag = "Jobs",
    params(("job" = String, Path, description = "Its id.")),
    responses((status = 200, description = "It is paused.", body = Job), Named, WithBody))]
async fn pause(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    once(&convert::stop(&caller.vault, &id, false).await?)
}

/// Go on with a job that is paused or waits. One that changes passwords needs them again, as they are kept nowhere.
#[utoipa::path(post, path = "/api/jobs/{job}/resume", operation_id = "resumeJob", tag = "Jobs", request_body = JobResume,
    params(("job" = String, Path, description = "Its id.")),
    responses((status = 200, description = "It goes on.", body = Job), Named, WithBody, OfVault))]
async fn resume(
    caller: Vaulting,
    Segments(id): Segments<String>,
    SecretBody(body): SecretBody<JobResume>,
) -> Result<Reply, Fault> {
    once(&convert::resume(&caller.vault, &id, body).await?)
}
