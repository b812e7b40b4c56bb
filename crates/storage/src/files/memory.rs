//! Contents in memory: those of a store in memory, and of tests. Gone with the program.

use std::collections::HashMap;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;
use tempfile::{NamedTempFile, TempPath};

use super::{ContentName, ContentStream, Contents, blocking, io};
use crate::error::StorageError;

/// Contents in a map.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<ContentName, Bytes>>);

#[async_trait]
impl Contents for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn incoming(&self) -> Result<NamedTempFile, StorageError> {
        NamedTempFile::new().map_err(io)
    }

    async fn keep(&self, name: ContentName, from: TempPath) -> Result<(), StorageError> {
        let bytes = blocking(move || std::fs::read(&from).map_err(io)).await?;
        self.0.lock().insert(name, bytes.into());
        Ok(())
    }

    async fn read(
        &self,
        name: ContentName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ContentStream>, StorageError> {
        let Some(bytes) = self.0.lock().get(&name).cloned() else {
            return Ok(None);
        };
        let bytes = match range {
            None => bytes,
            Some(range) => {
                let end = range.end.min(bytes.len() as u64) as usize;
                bytes.slice((range.start as usize).min(end)..end)
            }
        };
        Ok(Some(futures::stream::iter([Ok(bytes)]).boxed()))
    }

    async fn size(&self, name: ContentName) -> Result<Option<u64>, StorageError> {
        Ok(self.0.lock().get(&name).map(|bytes| bytes.len() as u64))
    }

    async fn remove(&self, names: &[ContentName]) -> Result<(), StorageError> {
        let mut kept = self.0.lock();
        names.iter().for_each(|name| {
            kept.remove(name);
        });
        Ok(())
    }

    async fn names(&self) -> Result<Vec<ContentName>, StorageError> {
        Ok(self.0.lock().keys().copied().collect())
    }
}
