//! Figures over groups of records.

use std::collections::HashSet;

use chancery::model::Code;
use chancery::{AggregateInput, Aggregated, Function, JsonMap, MeasureInput};
use chancery_api::ErrorCode;
use chancery_api::aggregate::{Aggregate, AggregateFunction, AggregateGroup, AggregateQuery, AggregateReply};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::convert::faults::own_issue;
use crate::convert::queries as convert;
use crate::extract::{Body, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(aggregate))
}

/// Numbers over all records that match, or per group of them.
#[utoipa::path(post, path = "/api/tables/{table}/aggregate", operation_id = "aggregate", tag = "Query",
    request_body = AggregateQuery, params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 200, description = "The numbers.", body = AggregateReply), Named, WithBody))]
async fn aggregate(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(asked): Body<AggregateQuery>,
) -> Result<Reply, Fault> {
    let names = names(&asked.aggregates)?;
    let handle = acting::table(&store, &table).await?;
    let input = AggregateInput {
        query: convert::question(asked.filter.as_ref(), &[], asked.search.as_ref())?,
        measures: asked.aggregates.iter().map(measure).collect(),
        group_by: asked.group_by,
    };
    let groups = handle.aggregate(&input).await?;
    Reply::json(&AggregateReply {
        groups: groups.into_iter().map(|found| group(found, &names)).collect(),
    })
}

fn measure(aggregate: &Aggregate) -> MeasureInput {
    let function = match aggregate.function {
        AggregateFunction::Count => Function::Count,
        AggregateFunction::CountDistinct => Function::CountDistinct,
        AggregateFunction::Sum => Function::Sum,
        AggregateFunction::Avg => Function::Avg,
        AggregateFunction::Min => Function::Min,
        AggregateFunction::Max => Function::Max,
    };
    MeasureInput {
        function,
        column: aggregate.column.clone(),
    }
}

/// What each number is called; no two alike.
fn names(aggregates: &[Aggregate]) -> Result<Vec<String>, Fault> {
    let refuse = |field: &str, code: Code, text: String| {
        let issue = own_issue(field, code, text.as_str());
        Err(Fault::new(ErrorCode::InvalidFilter, format!("{text}.")).issues(vec![issue]))
    };
    if aggregates.is_empty() {
        return refuse(
            "aggregates",
            Code::Required,
            "aggregates names nothing to compute".into(),
        );
    }
    let name = |aggregate: &Aggregate| match (&aggregate.name, &aggregate.column) {
        (Some(name), _) => name.clone(),
        (None, Some(column)) => format!("{}_{column}", aggregate.function.as_str()),
        (None, None) => aggregate.function.as_str().to_owned(),
    };
    let names: Vec<String> = aggregates.iter().map(name).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(double) => refuse(
            "aggregates",
            Code::Unique,
            format!("Two aggregates are called \"{double}\"; give one another name with \"as\""),
        ),
        None => Ok(names),
    }
}

fn group(found: Aggregated, names: &[String]) -> AggregateGroup {
    let values: JsonMap = names.iter().cloned().zip(found.figures).collect();
    AggregateGroup {
        key: found.group.into_iter().collect(),
        values,
    }
}
