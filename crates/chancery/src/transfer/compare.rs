//! Two stores side by side: both streams are walked in the same order, in constant memory. It repairs nothing.

use std::cmp::Ordering;

use chancery_model::{Record, Table};

use super::items::{Item, Items};
use super::{Difference, TransferPhase, TransferProgress, Watcher};
use crate::error::Error;
use crate::limits::DIFFERENCES_MAX;

/// Items between two words of progress.
const STEP: u64 = 1_000;

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The first differences.
    pub(crate) first: Vec<Difference>,
    /// How many there are.
    pub(crate) count: u64,
}

impl Compared {
    fn note(&mut self, item: &Item, what: String) {
        self.count += 1;
        if self.first.len() < DIFFERENCES_MAX {
            self.first.push(Difference {
                place: item.name(),
                what,
            });
        }
    }
}

/// Compares everything that two stores hold, field by field.
pub(crate) async fn compare(
    mut left: Items,
    mut right: Items,
    watch: Watcher<'_>,
) -> Result<Compared, Error> {
    let mut compared = Compared::default();
    let mut done = 0;
    let (mut one, mut other) = (left.next().await?, right.next().await?);
    loop {
        let order = match (&one, &other) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.place().cmp(&other.place()),
        };
        if done % STEP == 0 {
            watch(TransferProgress {
                phase: TransferPhase::Verifying,
                table: match &one {
                    Some(Item::Record(table, _)) => Some(table.slug.clone()),
                    _ => None,
                },
                done,
                total: left.totals.items(),
            });
        }
        match (order, &one, &other) {
            (Ordering::Less, Some(item), _) => compared.note(item, "missing".into()),
            (Ordering::Greater, _, Some(item)) => compared.note(item, "too much".into()),
            (_, Some(item), Some(twin)) => {
                let fields = differing(item, twin);
                if !fields.is_empty() {
                    compared.note(item, fields.join(", "));
                }
            }
            _ => {}
        }
        if order.is_le() {
            done += u64::from(!matches!(one, Some(Item::Counter(..))));
            one = left.next().await?;
        }
        if order.is_ge() {
            other = right.next().await?;
        }
    }
    // A stream that ends early says nothing of the rest.
    if done != left.totals.items() {
        let what = format!("only {done} of {} items could be compared", left.totals.items());
        return Err(Error::Internal(what));
    }
    Ok(compared)
}

/// The names of the fields that differ between two items in the same place.
fn differing(item: &Item, twin: &Item) -> Vec<String> {
    let named = |fields: &[(&str, bool)]| -> Vec<String> {
        let differ = fields.iter().filter(|(_, same)| !same);
        differ.map(|(name, _)| (*name).to_owned()).collect()
    };
    match (item, twin) {
        (Item::Document(a), Item::Document(b)) => named(&[
            ("lookup", a.lookup == b.lookup),
            ("body", a.body == b.body),
            ("version", a.version == b.version),
        ]),
        (Item::Table(a, a_last), Item::Table(b, b_last)) => named(&[
            ("id", a.id == b.id),
            ("schemaVersion", a.schema_version == b.schema_version),
            ("lastChangeAt", a_last == b_last),
        ]),
        (Item::Record(table, a), Item::Record(_, b)) => record_fields(table, a, b),
        (Item::Counter(_, a), Item::Counter(_, b)) => named(&[("last", a == b)]),
        (Item::Change(a), Item::Change(b)) => named(&[
            ("revision", a.revision == b.revision),
            ("table", a.table == b.table),
            ("key", a.key == b.key),
            ("kind", a.kind == b.kind),
            ("previous", a.previous == b.previous),
            ("before", a.before == b.before),
        ]),
        (Item::Commit(a), Item::Commit(b)) => named(&[
            ("at", a.commit.at == b.commit.at),
            ("actor", a.commit.actor == b.commit.actor),
            ("operation", a.commit.operation == b.commit.operation),
            ("reason", a.commit.reason == b.commit.reason),
            ("firstChange", a.first_change == b.first_change),
        ]),
        _ => vec!["kind".into()],
    }
}

/// A record is as long as its table had columns when it was written; what is absent is null.
fn record_fields(table: &Table, a: &Record, b: &Record) -> Vec<String> {
    let own = [
        ("version", a.version == b.version),
        ("change", a.change == b.change),
        ("createdAt", a.created_at == b.created_at),
        ("updatedAt", a.updated_at == b.updated_at),
        ("createdBy", a.created_by == b.created_by),
        ("updatedBy", a.updated_by == b.updated_by),
        ("expiresAt", a.expires_at == b.expires_at),
        ("deletedAt", a.deleted_at == b.deleted_at),
        ("metadata", a.metadata == b.metadata),
        ("extra", plain(a) == plain(b)),
    ];
    let own = own.iter().filter(|(_, same)| !same);
    let mut fields: Vec<String> = own.map(|(name, _)| (*name).to_owned()).collect();
    for column in &table.columns {
        if a.value(column.ordinal) != b.value(column.ordinal) {
            fields.push(column.slug.clone());
        }
    }
    fields
}

/// No undeclared fields are kept as nothing.
fn plain(record: &Record) -> Option<&chancery_model::JsonMap> {
    record.extra.as_deref().filter(|extra| !extra.is_empty())
}
