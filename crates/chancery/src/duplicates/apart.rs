//! What somebody said are two things, though it looks like one: kept as documents, so that it is remembered by every backend. Finds
//! nothing.

use std::collections::HashMap;

use chancery_model::Key;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::kept::Kept;
use crate::limits::{APART_BYTES_MAX, APART_KEPT_MAX, APART_RECORDS_MAX};
use crate::records::{IntoKey, no_record};

/// Records that are different things, each from each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotDuplicates {
    /// Its id.
    pub id: String,
    /// The ids of the records.
    pub records: Vec<String>,
    /// When it was said, in ms since 1970.
    pub created_at: i64,
    /// Who said it.
    pub created_by: Option<String>,
}

impl Kept for NotDuplicates {
    const WHAT: &'static str = "ignored duplicates";
    const KIND: &'static str = "notDuplicates";
    const MOST: (&'static str, usize) = (
        "groups of records that are kept apart in one table (apartKeptMax)",
        APART_KEPT_MAX,
    );
    const BYTES_MAX: usize = APART_BYTES_MAX;

    fn id(&self) -> &str {
        &self.id
    }
}

impl TableHandle {
    /// Remembers that records are different things, each from each: no group has two of them from now on.
    ///
    /// # Errors
    /// [`Error::NotFound`] of a record that is not there, [`Error::Limit`] for fewer than two, or too many.
    pub async fn keep_apart(&self, records: &[Key]) -> Result<NotDuplicates, Error> {
        let table = self.definition()?;
        let mut keys = records.to_vec();
        keys.sort();
        keys.dedup();
        if !(2..=APART_RECORDS_MAX).contains(&keys.len()) {
            return Err(Error::Limit {
                what: "different records that are kept apart, two at least (apartRecordsMax)",
                max: APART_RECORDS_MAX as u64,
                got: keys.len() as u64,
            });
        }
        for key in &keys {
            if self.get(key).await?.is_none() {
                return Err(no_record(&table, &key.to_string()));
            }
        }
        let records: Vec<String> = keys.iter().map(Key::to_string).collect();
        let all = self.kept_apart().await?;
        if let Some(known) = all.iter().find(|known| known.records == records) {
            return Ok(known.clone());
        }
        let apart = NotDuplicates {
            id: Uuid::now_v7().to_string(),
            records,
            created_at: self.store.now(),
            created_by: self.store.actor.id.as_ref().map(ToString::to_string),
        };
        self.keep(&apart).await?;
        Ok(apart)
    }

    /// All that was said of this table, oldest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn kept_apart(&self) -> Result<Vec<NotDuplicates>, Error> {
        self.kept().await
    }

    /// Takes it back: the records may be found as duplicates again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn allow_together(&self, id: &str) -> Result<(), Error> {
        self.let_go::<NotDuplicates>(id).await
    }

    /// The pairs that are kept apart, by the place of their keys.
    pub(super) async fn pairs_apart(&self, keys: &[Key]) -> Result<Vec<(u32, u32)>, Error> {
        let all = self.kept_apart().await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let table = self.definition()?;
        let place: HashMap<&Key, u32> = keys.iter().zip(0..).collect();
        let mut pairs = Vec::new();
        for apart in &all {
            let named = apart
                .records
                .iter()
                .filter_map(|text| text.as_str().to_key(&table));
            let rows: Vec<u32> = named.filter_map(|key| place.get(&key).copied()).collect();
            for (at, a) in rows.iter().enumerate() {
                pairs.extend(rows[at + 1..].iter().map(|b| (*a, *b)));
            }
        }
        Ok(pairs)
    }
}
