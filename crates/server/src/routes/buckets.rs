//! Buckets: tables in the vocabulary of definitions in code, and the store in numbers. Records are in [`super::records`].

use axum::extract::State;
use chancery_api::buckets::{
    Bucket, BucketCleared, BucketCreate, BucketList, BucketUpdate, StoreStats, TtlPurged,
};
use chancery_api::{JsonMap, Problem};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{WorkspaceListParams, definitions, page_of};
use crate::acting::{self, Acting, Within, WorkspaceParams};
use crate::convert::tables as convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(clear))
        .routes(routes!(stats))
        .routes(routes!(purge_ttl))
}

/// The tables of a workspace as buckets, by name.
#[utoipa::path(get, path = "/api/buckets", operation_id = "listBuckets", tag = "Buckets", params(WorkspaceListParams),
    responses((status = 200, description = "A page of buckets.", body = BucketList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<WorkspaceListParams>,
) -> Result<Reply, Fault> {
    let (store, list) = params.of(store).await?;
    let what = format!("buckets {}", store.workspace().id);
    let (page, pagination) = page_of(&app, &what, definitions(&store), &list, |table| &table.id)?;
    let buckets = page.iter().map(|table| convert::bucket(table)).collect();
    Reply::json(&BucketList { buckets, pagination })
}

/// Define a bucket.
#[utoipa::path(post, path = "/api/buckets", operation_id = "createBucket", tag = "Buckets", request_body = BucketCreate,
    params(WorkspaceParams),
    responses((status = 201, description = "Defined.", body = Bucket), Named, WithBody))]
async fn create(Within(store): Within, Body(create): Body<BucketCreate>) -> Result<Reply, Fault> {
    let handle = store
        .define_bucket(&create.name, &Value::Object(create.definition))
        .await?;
    let table = handle.definition()?;
    Ok(Reply::json(&convert::bucket(&table))?.created(&format!("/api/buckets/{}", table.slug)))
}

/// One bucket.
#[utoipa::path(get, path = "/api/buckets/{name}", operation_id = "getBucket", tag = "Buckets",
    params(("name" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 200, description = "The bucket.", body = Bucket), Named))]
async fn get(Within(store): Within, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    let table = acting::table(&store, &name).await?.definition()?;
    Reply::json(&convert::bucket(&table))
}

/// Give a bucket more fields or indexes, or another time to live.
#[utoipa::path(patch, path = "/api/buckets/{name}", operation_id = "updateBucket", tag = "Buckets",
    request_body = BucketUpdate, params(("name" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 200, description = "The bucket as it is now.", body = Bucket), Named, WithBody))]
async fn update(
    Within(store): Within,
    Segments(name): Segments<String>,
    Body(update): Body<BucketUpdate>,
) -> Result<Reply, Fault> {
    acting::table(&store, &name).await?;
    let handle = store.update_bucket(&name, &changes(update)).await?;
    Reply::json(&convert::bucket(&*handle.definition()?))
}

/// Drop a bucket with its records: it goes to the trash, as a table does.
#[utoipa::path(delete, path = "/api/buckets/{name}", operation_id = "deleteBucket", tag = "Buckets",
    params(("name" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 204, description = "It is gone."), Named,
        (status = 422, description = "Another bucket refers to it.", body = Problem, content_type = "application/problem+json")))]
async fn delete(Within(store): Within, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    acting::table(&store, &name).await?.delete_table().await?;
    Ok(Reply::nothing())
}

/// Remove all records of a bucket, for good; the definition stays.
#[utoipa::path(post, path = "/api/buckets/{name}/clear", operation_id = "clearBucket", tag = "Buckets",
    params(("name" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 200, description = "How many are gone.", body = BucketCleared), Named,
        (status = 409, description = "Other records refer to them.", body = Problem, content_type = "application/problem+json")))]
async fn clear(Within(store): Within, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    let cleared = acting::table(&store, &name).await?.clear().await?;
    Reply::json(&BucketCleared { cleared })
}

/// The store in numbers.
#[utoipa::path(get, path = "/api/stats", operation_id = "getStats", tag = "Buckets", params(WorkspaceParams),
    responses((status = 200, description = "The numbers.", body = StoreStats), Named))]
async fn stats(Within(store): Within) -> Result<Reply, Fault> {
    Reply::json(&convert::store_stats(store.stats().await?))
}

/// Remove expired records now; nobody sees them either way.
#[utoipa::path(post, path = "/api/purge-ttl", operation_id = "purgeTtl", tag = "Buckets", params(WorkspaceParams),
    responses((status = 200, description = "How many had expired.", body = TtlPurged), Named))]
async fn purge_ttl(Within(store): Within) -> Result<Reply, Fault> {
    let purged = store.purge_ttl().await?;
    Reply::json(&TtlPurged { purged })
}

/// A change in the words of the library, where null is not absent.
fn changes(update: BucketUpdate) -> Value {
    let mut changes = JsonMap::new();
    if let Some(fields) = update.add_fields {
        changes.insert("addFields".into(), fields.into());
    }
    if let Some(indexes) = update.add_indexes {
        changes.insert("addIndexes".into(), indexes.into());
    }
    if let Some(ttl) = update.ttl {
        changes.insert("ttl".into(), ttl.unwrap_or_default());
    }
    changes.into()
}
