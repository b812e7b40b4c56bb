//! A checksum of what a table holds, to tell whether it is as it was. It finds damage, not malice.

use std::hash::{DefaultHasher, Hash, Hasher};

use chancery_model::query::{Plan, Scope};
use chancery_model::{Json, Record};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::transfer::feed_value;

impl TableHandle {
    /// A checksum over keys, values, undeclared fields and what is in the trash, in key order; not over versions, times,
    /// people and the log. Equal on every backend, in constant memory; expired records are left out.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn checksum(&self) -> Result<u64, Error> {
        self.whole("a checksum")?;
        let table = self.definition()?;
        let plan = Plan {
            scope: Scope::All,
            ..Plan::all(table, self.store.now())
        };
        let mut hasher = DefaultHasher::new();
        let mut chunks = self.backend().stream(&plan).await?;
        while let Some(chunk) = chunks.recv().await {
            for record in chunk? {
                feed(&record, &mut hasher);
            }
        }
        Ok(hasher.finish())
    }
}

fn feed(record: &Record, to: &mut DefaultHasher) {
    (&record.key, record.deleted_at.is_some()).hash(to);
    for (ordinal, value) in record.values.iter().enumerate() {
        if !value.is_null() {
            ordinal.hash(to);
            feed_value(value, to);
        }
    }
    if let Some(extra) = record.extra.as_deref().filter(|extra| !extra.is_empty()) {
        // The order of undeclared fields says nothing.
        let mut fields: Vec<(&String, &Json)> = extra.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        for (name, json) in fields {
            (name, json.to_string()).hash(to);
        }
    }
}
