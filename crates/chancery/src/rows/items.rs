//! The items of a bulk as rows: how their values are read, and which id of another system they bring. Decides nothing.

use std::borrow::Cow;

use chancery_model::admit::{Coerce, Input};
use chancery_model::{Issue, Json, JsonMap, RecordMetadata};

use super::Row;
use crate::bulk::BulkOptions;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::records::external_id_issue;

/// The member of an item that is its id in an outside system.
const EXTERNAL_ID: &str = "externalId";

/// The data of a record, and its id in an outside system.
pub(crate) type Outside<'a> = (Cow<'a, JsonMap>, Option<String>);

impl TableHandle {
    /// Records with their ids in an outside system, taken out of the data.
    pub(crate) fn named_outside<'a>(&self, records: &'a [JsonMap]) -> Result<Vec<Outside<'a>>, Error> {
        let table = self.definition()?;
        let names = table.strict && table.column(EXTERNAL_ID).is_none();
        let outside = |record: &'a JsonMap| {
            if !names || !record.contains_key(EXTERNAL_ID) {
                return (Cow::Borrowed(record), None);
            }
            let mut record = record.clone();
            let id = record.shift_remove(EXTERNAL_ID).filter(|id| !id.is_null());
            (Cow::Owned(record), id.as_ref().map(written))
        };
        Ok(records.iter().map(outside).collect())
    }

    pub(crate) fn rows<'a>(&self, records: &'a [Outside<'a>], options: &BulkOptions) -> Vec<Row<'a>> {
        let coerce = coerce(options);
        let row = |(record, external_id): &'a Outside<'a>| Row {
            input: Input::Object(record, coerce),
            key: None,
            metadata: RecordMetadata {
                source: self.store.actor.source,
                external_id: external_id.clone(),
                ..RecordMetadata::default()
            },
            stamps: None,
            known: external_id_issue(external_id.as_deref())
                .map(|issue| Issue {
                    field: EXTERNAL_ID.into(),
                    ..issue
                })
                .into_iter()
                .collect(),
        };
        records.iter().map(row).collect()
    }
}

pub(crate) fn coerce(options: &BulkOptions) -> Coerce {
    match options.from_text {
        true => Coerce::FromText,
        false => Coerce::Exact,
    }
}

/// What a caller sent as an id, as its text.
fn written(id: &Json) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
