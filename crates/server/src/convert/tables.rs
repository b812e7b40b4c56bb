//! Tables and workspaces both ways.

use chancery::access::Scope;
use chancery::model::{Code, Json, define};
use chancery::{BucketStats, Error, Issue, JsonMap, StoreStats, Table, TableInput, TablePatch, Workspace};
use chancery_api::{buckets, columns as column_wire, exports, tables as wire, workspaces};

use super::{columns, maybe_text, maybe_time, time};

/// The settings that the model keeps as they are given.
const PLAIN_SETTINGS: [&str; 4] = [
    define::NAME_TEMPLATE,
    define::FORM,
    define::REVISIONS,
    define::ATTACHMENTS,
];

/// Whether the columns of a table are wanted with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Yes.
    With,
    /// No.
    Without,
}

/// One table, with or without its columns.
pub fn table(table: &Table, with: Columns) -> wire::Table {
    wire::Table {
        id: table.id.clone(),
        workspace_id: table.workspace.clone(),
        name: table.name.clone(),
        slug: table.slug.clone(),
        description: maybe_text(&table.description),
        icon: table.icon.clone(),
        color: table.color.clone(),
        settings: settings(table),
        key: table.key_name().to_owned(),
        version: table.schema_version,
        access: None,
        columns: (with == Columns::With).then(|| columns::all(table)),
        created_at: time(table.created_at),
        created_by: table.created_by.clone(),
        updated_at: time(table.updated_at),
        deleted_at: maybe_time(table.deleted_at),
    }
}

/// What a caller with this scope in a table may do there; of a table as they see it.
pub(crate) fn access(seen: &Table, scope: Scope, partial: bool) -> wire::TableAccess {
    let writes = |column: &&&chancery::Column| scope >= Scope::Write && column.writable();
    let columns = seen.ordered();
    let writable = columns.iter().filter(writes).map(|column| column.slug.clone());
    wire::TableAccess {
        scope: super::access::scope_out(scope),
        writable_columns: writable.collect(),
        partial,
    }
}

/// How a table behaves, whole.
pub(crate) fn settings(table: &Table) -> wire::TableSettings {
    let text = |name: &str| table.settings.get(name).and_then(Json::as_str).map(str::to_owned);
    let yes = |name: &str| table.settings.get(name).and_then(Json::as_bool);
    let slugs = |index: &Vec<u16>| {
        index
            .iter()
            .map(|ordinal| table.at(*ordinal).slug.clone())
            .collect()
    };
    wire::TableSettings {
        record_name_template: text(define::NAME_TEMPLATE),
        enable_form: yes(define::FORM),
        enable_revisions: yes(define::REVISIONS),
        enable_attachments: yes(define::ATTACHMENTS),
        strict: Some(table.strict),
        soft_delete: Some(table.soft_delete),
        ttl: table.ttl_ms.map(Json::from),
        max_size: table.max_size,
        persistent: table.transient.then_some(false),
        indexes: (!table.indexes.is_empty()).then(|| table.indexes.iter().map(slugs).collect()),
    }
}

/// The settings that the model keeps as they are given; absent ones stay away.
fn plain_settings(settings: &wire::TableSettings) -> JsonMap {
    changed_settings(&wire::TableSettingsUpdate {
        record_name_template: settings.record_name_template.clone().map(Some),
        enable_form: settings.enable_form,
        enable_revisions: settings.enable_revisions,
        enable_attachments: settings.enable_attachments,
        ttl: None,
    })
}

/// The settings that are given; null where one is cleared.
fn changed_settings(settings: &wire::TableSettingsUpdate) -> JsonMap {
    let values = [
        settings.record_name_template.clone().map(Json::from),
        settings.enable_form.map(Json::from),
        settings.enable_revisions.map(Json::from),
        settings.enable_attachments.map(Json::from),
    ];
    let given = PLAIN_SETTINGS.into_iter().zip(values);
    given
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// A change of a table as it is now.
///
/// # Errors
/// [`Error::Definition`] for a time to live that is none.
pub(crate) fn patch(update: wire::TableUpdate, table: &Table) -> Result<TablePatch, Error> {
    let ttl = update.settings.as_ref().and_then(|settings| settings.ttl.clone());
    let ttl_ms = ttl
        .map(|ttl| ttl.map(|ttl| lifetime(&ttl)).transpose())
        .transpose()?;
    let settings = update.settings.map(|settings| {
        let mut all = table.settings.clone();
        all.extend(changed_settings(&settings));
        all.retain(|_, value| !value.is_null());
        all
    });
    Ok(TablePatch {
        name: update.name,
        description: update.description.map(Option::unwrap_or_default),
        icon: update.icon,
        color: update.color,
        settings,
        ttl_ms,
    })
}

/// How long records live, as the model wants it.
pub(crate) fn ttl(settings: &wire::TableSettings) -> Result<Option<i64>, Error> {
    let Some(ttl) = settings.ttl.as_ref().filter(|ttl| !ttl.is_null()) else {
        return Ok(None);
    };
    lifetime(ttl).map(Some)
}

fn lifetime(ttl: &Json) -> Result<i64, Error> {
    define::bucket::ttl(ttl)
        .map_err(|reason| Error::Definition(vec![Issue::new("settings.ttl", Code::Definition, reason)]))
}

/// A new table. Run-time tables are strict and have a trash unless told otherwise.
pub fn table_input(create: wire::TableCreate) -> Result<TableInput, Error> {
    let settings = create.settings.unwrap_or_default();
    Ok(TableInput {
        ttl_ms: ttl(&settings)?,
        settings: plain_settings(&settings),
        name: create.name,
        slug: create.slug,
        description: create.description.unwrap_or_default(),
        icon: create.icon,
        color: create.color,
        key: create.key.filter(|key| key != "id"),
        columns: columns::inputs(create.columns)?,
        indexes: settings.indexes.unwrap_or_default(),
        strict: settings.strict.unwrap_or(true),
        soft_delete: settings.soft_delete.unwrap_or(true),
        max_size: settings.max_size,
        transient: settings.persistent == Some(false),
    })
}

/// A new table out of an export, under another name if one is given.
pub fn exported(table: exports::ExportedTable, columns: Vec<column_wire::ColumnCreate>) -> wire::TableCreate {
    wire::TableCreate {
        name: table.name,
        slug: table.slug,
        description: table.description,
        icon: table.icon,
        color: table.color,
        settings: table.settings,
        workspace: None,
        key: table.key,
        columns,
    }
}

/// What an export says of the table.
pub fn export(table: &Table) -> exports::ExportedTable {
    exports::ExportedTable {
        name: table.name.clone(),
        slug: Some(table.slug.clone()),
        description: maybe_text(&table.description),
        icon: table.icon.clone(),
        color: table.color.clone(),
        key: Some(table.key_name().to_owned()),
        settings: Some(settings(table)),
    }
}

/// A table as a bucket.
pub(crate) fn bucket(table: &Table) -> buckets::Bucket {
    buckets::Bucket {
        name: table.slug.clone(),
        definition: define::bucket_text(table),
        table_id: table.id.clone(),
    }
}

/// A store in numbers.
pub(crate) fn store_stats(stats: StoreStats) -> buckets::StoreStats {
    let total = |number: fn(&BucketStats) -> u64| buckets::StatsTotal {
        total: stats.buckets.iter().map(number).sum(),
        per_bucket: stats
            .buckets
            .iter()
            .map(|bucket| (bucket.name.clone(), number(bucket)))
            .collect(),
    };
    buckets::StoreStats {
        buckets: buckets::StatsBuckets {
            count: stats.buckets.len() as u64,
            names: stats.buckets.iter().map(|bucket| bucket.name.clone()).collect(),
        },
        records: total(|bucket| bucket.records),
        indexes: total(|bucket| bucket.indexes),
        queries: buckets::StatsQueries {
            defined: stats.queries,
            active_subscriptions: stats.subscriptions,
        },
        persistence: buckets::StatsPersistence {
            enabled: stats.persistent,
        },
        ttl: buckets::StatsTtl {
            enabled: stats.ttl_check_interval.is_some(),
            check_interval_ms: stats
                .ttl_check_interval
                .map_or(0, |interval| interval.as_millis() as u64),
        },
        name: stats.name,
        revision: stats.revision,
    }
}

pub(crate) fn workspace(workspace: &Workspace, scope: Scope) -> workspaces::Workspace {
    workspaces::Workspace {
        id: workspace.id.clone(),
        name: workspace.name.clone(),
        slug: workspace.slug.clone(),
        description: maybe_text(&workspace.description),
        access: workspaces::WorkspaceAccess {
            scope: super::access::scope_out(scope),
        },
        created_at: time(workspace.created_at),
        updated_at: time(workspace.updated_at),
    }
}
