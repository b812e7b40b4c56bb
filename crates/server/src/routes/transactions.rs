//! Operations over several tables in one request and one commit. Interactive transactions are not here.

use std::collections::HashMap;

use chancery::limits::TRANSACTION_STEPS_MAX;
use chancery::model::{Code, Issue};
use chancery::{Action, Error, Json, Protected, Step, Stepped, Store, TableHandle, TransactionOptions};
use chancery_api::transactions::{TransactionOp, TransactionOperation, TransactionReply, TransactionRequest};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::convert::records::{self as convert, Display, Shape, write_list};
use crate::extract::{Body, Params, Preferred};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(transact))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct TransactionParams {
    /// Whether to answer the same but write nothing; also a member of the body.
    dry_run: Option<bool>,
    /// `false` leaves out members that only the store writes; otherwise they are an issue.
    strict: Option<bool>,
}

/// Do operations over several tables as one: all are done in one commit, or none and every bad one is named by its index.
#[utoipa::path(post, path = "/api/transactions", operation_id = "transact", tag = "Transactions",
    request_body = TransactionRequest, params(TransactionParams),
    responses((status = 200, description = "What each operation left.", body = TransactionReply), Common, WithBody))]
async fn transact(
    Acting(store): Acting,
    Params(params): Params<TransactionParams>,
    preferred: Preferred,
    Body(body): Body<TransactionRequest>,
) -> Result<Reply, Fault> {
    let options = TransactionOptions {
        dry_run: body.dry_run || params.dry_run.unwrap_or(false),
        ..TransactionOptions::default()
    };
    let protected = match params.strict {
        Some(false) => Protected::Strip,
        _ => Protected::Refuse,
    };
    let (max, got) = (TRANSACTION_STEPS_MAX as u64, body.operations.len() as u64);
    if got > max {
        let what = "operations in one transaction";
        return Err(Error::Limit { what, max, got }.into());
    }
    let steps = steps(&store, body.operations).await?;
    let trial = options.dry_run;
    let done = store.steps(&steps, protected, options).await?;
    let mut out = b"{\"results\":".to_vec();
    write_list(&mut out, &done.value, |out, record| {
        write_result(out, record, preferred)
    });
    if trial {
        out.extend_from_slice(b",\"dryRun\":true}");
    } else {
        out.extend_from_slice(format!(",\"revision\":{}}}", done.revision).as_bytes());
    }
    let reply = Reply::bytes(out).revision(Some(done.revision));
    Ok(match preferred {
        Preferred::Minimal => reply.preference_applied(),
        Preferred::Representation => reply,
    })
}

fn write_result(out: &mut Vec<u8>, record: &Stepped, preferred: Preferred) {
    match (preferred, record) {
        (Preferred::Minimal, _) => out.extend_from_slice(b"{}"),
        (Preferred::Representation, None) => out.extend_from_slice(b"{\"record\":null}"),
        (Preferred::Representation, Some(record)) => {
            out.extend_from_slice(b"{\"record\":");
            Shape::whole(record.table(), Display::With).write(out, record, &[]);
            out.push(b'}');
        }
    }
}

/// The operations as steps; each table is found as the routes of its records find it.
async fn steps(store: &Store, operations: Vec<TransactionOperation>) -> Result<Vec<Step>, Fault> {
    let mut tables: HashMap<String, Result<TableHandle, Fault>> = HashMap::new();
    let (mut steps, mut bad) = (Vec::with_capacity(operations.len()), Vec::new());
    for (index, operation) in operations.into_iter().enumerate() {
        let name = operation.table.clone();
        if !tables.contains_key(&name) {
            tables.insert(name.clone(), acting::table(store, &name).await);
        }
        let version = operation.version;
        match (tables.get(&name), action(operation)) {
            (Some(Ok(table)), Ok(action)) => steps.push(Step {
                table: table.clone(),
                action,
                version,
            }),
            (table, action) => {
                let mut issues = action.err().unwrap_or_default();
                if let Some(Err(fault)) = table {
                    let detail = fault.refusal().problem.detail.clone();
                    issues.push(Issue::new("table", Code::NotFound, detail));
                }
                bad.push((index, issues));
            }
        }
    }
    match bad.is_empty() {
        true => Ok(steps),
        false => Err(Error::Bulk(bad).into()),
    }
}

/// What an operation does, or which of its members are missing or out of place.
fn action(operation: TransactionOperation) -> Result<Action, Vec<Issue>> {
    let (mut id, mut data) = (operation.id.as_ref().map(convert::key_text), operation.data);
    let (wants_id, wants_data) = match operation.op {
        TransactionOp::Create => (false, true),
        TransactionOp::Update | TransactionOp::Replace => (true, true),
        TransactionOp::Delete | TransactionOp::Restore | TransactionOp::Check => (true, false),
    };
    let mut issues = Vec::new();
    let mut weigh = |field: &str, wanted: bool, given: bool| match (wanted, given) {
        (true, false) => {
            let message = format!("This operation needs the member {field}");
            issues.push(Issue::new(field, Code::Required, message));
        }
        (false, true) => {
            let message = format!("This operation takes no member {field}");
            issues.push(Issue::new(field, Code::UnknownColumn, message));
        }
        _ => {}
    };
    weigh("id", wants_id, id.is_some());
    weigh("data", wants_data, data.is_some());
    if operation.op == TransactionOp::Create {
        weigh("version", false, operation.version.is_some());
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let id = id.take().unwrap_or_default();
    let data = Json::Object(data.take().unwrap_or_default());
    Ok(match operation.op {
        TransactionOp::Create => Action::Create(data),
        TransactionOp::Update => Action::Update(id, data),
        TransactionOp::Replace => Action::Replace(id, data),
        TransactionOp::Delete => Action::Delete(id),
        TransactionOp::Restore => Action::Restore(id),
        TransactionOp::Check => Action::Check(id),
    })
}
