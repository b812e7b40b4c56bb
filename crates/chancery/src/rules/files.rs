//! Files: what is written may only name files that are kept, of the same workspace, that fit the column. That a table uses a file is
//! noted in the same commit, so whoever lets go of files knows where to look. The race with whoever deletes a file is closed by
//! [`Check::Live`] on one side and by what is noted on the other (`files/uses.rs`), that with whoever finds it unused by
//! [`Check::Record`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::admit::{self, Coerce, Input};
use chancery_model::change::ChangeKind;
use chancery_model::field::file::{FileFacts, fits};
use chancery_model::{Key, Record as Row, Table, Value};
use chancery_storage::{Check, Write};
use hashbrown::{HashMap, HashSet};

use super::net::{Left, Net, record_of};
use super::{Added, Refusal};
use crate::catalog::Catalog;
use crate::error::Error;
use crate::files::rows::{FILES, FILES_WORKSPACE, FileRow, FileState, USES, UseRow, read, written};
use crate::files::{ended_at, key, named};
use crate::record::Record;
use crate::records::insert_write;
use crate::store::Store;

/// A file that a column of a written record names.
struct Named<'a> {
    write: usize,
    table: &'a Arc<Table>,
    column: u16,
    file: String,
    /// Whether the column named it before: then it need not fit any more.
    again: bool,
}

/// Refuses what names files that are not there or do not fit, and notes which tables use which files.
pub(super) async fn check(
    store: &Store,
    catalog: &Catalog,
    own: &[Write],
    net: &Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let all: Vec<Named<'_>> = net
        .all_left()
        .into_iter()
        .flat_map(|left| named_by(own, left))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let tables = catalog
        .table(FILES_WORKSPACE, FILES)
        .zip(catalog.table(FILES_WORKSPACE, USES));
    let Some((files, uses)) = tables else {
        added.refused.extend(all.iter().map(unknown));
        return Ok(());
    };
    let kept = kept(store, files, &all).await?;
    let mut used: BTreeMap<String, (&Arc<Table>, &str)> = BTreeMap::new();
    let mut live: HashSet<&str> = HashSet::new();
    for one in &all {
        let found = kept.get(&*one.file);
        let Some((row, _)) = found.filter(|(row, _)| row.workspace == one.table.workspace) else {
            added.refused.push(unknown(one));
            continue;
        };
        let facts = FileFacts {
            name: &row.name,
            media_type: row.media_type.as_deref().unwrap_or_default(),
            bytes: row.size,
        };
        if let Err(issue) =
            fits(one.table.at(one.column), facts).or_else(|issue| one.again.then_some(()).ok_or(issue))
        {
            let column = one.column;
            added.refused.push((
                one.write,
                Refusal::Unfit {
                    column,
                    issue: Box::new(issue),
                },
            ));
            continue;
        }
        live.insert(&one.file);
        used.insert(UseRow::key(&one.file, one.table.number), (one.table, &one.file));
    }
    let live = live.into_iter().filter_map(key);
    added.checks.extend(live.map(|key| Check::Live {
        table: files.number,
        key,
    }));
    let fresh = note(store, uses, used, now, added).await?;
    // Whoever lets go of a file has looked into the tables that name it, and sees by its row that there is one more.
    for (_, had) in kept.values().filter(|(row, _)| fresh.contains(&*row.id)) {
        let next = had.next(now, had.updated_by.clone());
        let write = Write::update(files, had, next, Vec::new(), ChangeKind::Updated);
        added.after.push(write);
    }
    Ok(())
}

/// The files that a write leaves named where it changes anything.
fn named_by<'a>(own: &'a [Write], left: &Left) -> Vec<Named<'a>> {
    let Some((table, record)) = record_of(&own[left.write]) else {
        return Vec::new();
    };
    let changed = |column: u16| {
        left.changed
            .as_ref()
            .is_none_or(|changed| changed.contains(&column))
    };
    let restored = matches!(&own[left.write], Write::Update { kind, .. } if *kind == ChangeKind::Restored);
    let before = match &own[left.write] {
        Write::Update { before, .. } => before.as_slice(),
        _ => &[],
    };
    let mut all = Vec::new();
    for column in table
        .live()
        .filter(|column| column.names_files() && changed(column.ordinal))
    {
        let had = before.iter().find(|(ordinal, _)| *ordinal == column.ordinal);
        let had = |file: &str| match had {
            Some((_, Value::Text(id))) => id == file,
            Some((_, Value::List(ids))) => ids.iter().any(|id| id == file),
            _ => false,
        };
        all.extend(named(record, column).into_iter().map(|file| Named {
            write: left.write,
            table,
            column: column.ordinal,
            again: restored || had(file),
            file: file.to_owned(),
        }));
    }
    all
}

fn unknown(one: &Named<'_>) -> (usize, Refusal) {
    let refusal = Refusal::Dangling {
        column: one.column,
        target: FILES.to_owned(),
        key: one.file.clone(),
    };
    (one.write, refusal)
}

/// Those of the named files that are there.
async fn kept(
    store: &Store,
    files: &Arc<Table>,
    all: &[Named<'_>],
) -> Result<HashMap<String, (FileRow, Arc<Row>)>, Error> {
    let wanted: HashSet<&str> = all.iter().map(|one| &*one.file).collect();
    let keys: Vec<Key> = wanted.into_iter().filter_map(key).collect();
    let found = store.core.backend.get_many(files, &keys).await?;
    let mut kept = HashMap::new();
    for had in found.into_iter().flatten() {
        let row: FileRow = read(&Record::new(files.clone(), had.clone()))?;
        if row.state == FileState::Ready {
            kept.insert(row.id.clone(), (row, had));
        }
    }
    Ok(kept)
}

/// Notes that tables use files, where that is not noted yet; answers the files that a table names for the first time.
async fn note<'a>(
    store: &Store,
    uses: &Arc<Table>,
    used: BTreeMap<String, (&Arc<Table>, &'a str)>,
    now: i64,
    added: &mut Added,
) -> Result<HashSet<&'a str>, Error> {
    let mut fresh = HashSet::new();
    let (ids, used): (Vec<String>, Vec<_>) = used.into_iter().unzip();
    let keys: Vec<Key> = ids.iter().filter_map(|id| key(id)).collect();
    let found = store.core.backend.get_many(uses, &keys).await?;
    for ((key, (table, file)), found) in keys.into_iter().zip(used).zip(found) {
        match found {
            None => {
                let row = written(&UseRow::new(file, table.number));
                added.after.push(inserted(store, uses, &row, now)?);
                fresh.insert(file);
            }
            Some(had) => match ended_at(uses, &had, Value::Null, now) {
                Some(write) => added.after.push(write),
                None => added.checks.push(Check::Record {
                    table: uses.number,
                    key,
                    change: had.change,
                }),
            },
        }
    }
    Ok(fresh)
}

fn inserted(store: &Store, uses: &Arc<Table>, row: &chancery_model::Json, now: i64) -> Result<Write, Error> {
    let object = crate::records::object(uses, row)?;
    let decided = store.decide(now, |context| {
        let input = Input::Object(object, Coerce::Exact);
        admit::insert(uses, input, None, Default::default(), context)
    });
    let decided = decided.map_err(|issues| Error::Internal(format!("the use of a file: {issues:?}")))?;
    Ok(insert_write(uses, decided.record, &decided.draws))
}
