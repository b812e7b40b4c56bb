//! Contents on their way into another place: those that belong to a backup, and back. Knows no format of a backup.

use std::io::Write;

use chancery_storage::files::{ContentName, Contents};
use futures::StreamExt;
use serde::Serialize;

use super::upload::unwritten;
use crate::error::Error;

/// Contents that were copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Contents that are there now.
    pub contents: u64,
    /// Bytes of those that were copied just now; the others were there already, and contents never change.
    pub bytes: u64,
}

/// Copies all contents from one place to another.
pub(crate) async fn all(from: &dyn Contents, to: &dyn Contents) -> Result<Copied, Error> {
    let mut copied = Copied::default();
    for name in from.names().await? {
        let Some(size) = from.size(name).await? else {
            continue;
        };
        if to.size(name).await? == Some(size) {
            copied.contents += 1;
            continue;
        }
        if one(from, to, name).await? {
            copied.contents += 1;
            copied.bytes += size;
        }
    }
    Ok(copied)
}

/// Answers whether it was still there.
async fn one(from: &dyn Contents, to: &dyn Contents, name: ContentName) -> Result<bool, Error> {
    let Some(mut content) = from.read(name, None).await? else {
        return Ok(false);
    };
    let mut part = to.incoming()?;
    while let Some(piece) = content.next().await {
        part.write_all(&piece?).map_err(unwritten)?;
    }
    to.keep(name, part.into_temp_path()).await?;
    Ok(true)
}
