//! Files that come straight into a bucket: whoever sends one is given a URL for it, and says when it is there. Then it is looked at as
//! any other, and counts from then on. URLs to fetch files straight from there too.

use std::time::Duration;

use chancery_storage::files::{ContentName, ContentPart, Signed};
use futures::StreamExt;

use super::rows::{FileRow, FileState, read, written};
use super::upload::clean;
use super::{File, missing, uuid};
use crate::error::Error;
use crate::limits::FILE_URL_TIME;
use crate::store::Store;

/// A URL that works for a while, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedUrl {
    /// The URL. A secret while it works.
    pub url: String,
    /// When it stops working, in ms.
    pub expires_at: i64,
}

/// How a file is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSending {
    /// To the store itself, as any other.
    Here,
    /// To a bucket, with PUT; [`Store::finish_sent`] then takes it in.
    Bucket {
        /// The id that the file will have.
        file: String,
        /// Where to.
        to: SignedUrl,
    },
}

impl Store {
    /// Gives a URL to which a file of this size can be sent, where there is such a thing. The bucket takes any size there; what
    /// has another is refused, and removed, when it is to be taken in.
    ///
    /// # Errors
    /// [`Error::Limit`] if it is too large, [`Error::Invalid`] for a name that is too long.
    pub async fn begin_sent(&self, name: &str, size: u64) -> Result<FileSending, Error> {
        let name = clean(name)?;
        self.check_file_room(size).await?;
        let id = self.new_file_id();
        let place = ContentName::of(id, ContentPart::Sent);
        let signed = self
            .core
            .files
            .contents
            .signed(place, Signed::Upload, FILE_URL_TIME)
            .await?;
        let Some(url) = signed else {
            return Ok(FileSending::Here);
        };
        let row = FileRow {
            id: id.to_string(),
            workspace: self.workspace.to_string(),
            name,
            size,
            state: FileState::Awaited,
            ..FileRow::default()
        };
        self.file_tables().await?.files.insert(written(&row)).await?;
        Ok(FileSending::Bucket {
            file: row.id,
            to: self.until(url, FILE_URL_TIME),
        })
    }

    /// Takes in what was sent to a bucket: reads it once, and keeps it. Only who began it may.
    ///
    /// # Errors
    /// [`Error::NotFound`] if nobody began it, or nothing was sent; [`Error::Limit`] if it is larger than was said.
    pub async fn finish_sent(&self, id: &str) -> Result<File, Error> {
        let record = self.file_record(id).await?.ok_or_else(|| missing(id))?;
        if record.created_by() != self.actor.id.as_deref() {
            return Err(missing(id));
        }
        let row: FileRow = read(&record)?;
        if row.state == FileState::Ready {
            return self.file(id).await;
        }
        let place = ContentName::of(uuid(id)?, ContentPart::Sent);
        let contents = &self.core.files.contents;
        let absent = || Error::NotFound {
            what: "file",
            message: format!("Nothing was sent for the file \"{id}\" yet"),
        };
        let size = contents.size(place).await?.ok_or_else(absent)?;
        if size != row.size {
            contents.remove(&[place]).await?;
            return Err(Error::Limit {
                what: "bytes that were announced",
                max: row.size,
                got: size,
            });
        }
        let mut content = contents.read(place, None).await?.ok_or_else(absent)?;
        let own = self.within(&row.workspace);
        let mut upload = own.begin_upload(uuid(id)?, row.name, true)?;
        while let Some(piece) = content.next().await {
            upload.write(&piece?).await?;
        }
        let file = upload.finish().await?;
        contents.remove(&[place]).await?;
        Ok(file)
    }

    /// A URL to fetch a file straight from where it is; none where there is no such thing.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn file_url(&self, file: &File, disposition: &str) -> Result<Option<SignedUrl>, Error> {
        let place = ContentName::of(uuid(&file.id)?, ContentPart::Whole);
        let what = Signed::Download {
            media_type: file.media_type.clone(),
            disposition: disposition.to_owned(),
        };
        let signed = self
            .core
            .files
            .contents
            .signed(place, what, FILE_URL_TIME)
            .await?;
        Ok(signed.map(|url| self.until(url, FILE_URL_TIME)))
    }

    fn until(&self, url: String, time: Duration) -> SignedUrl {
        SignedUrl {
            url,
            expires_at: self.now() + time.as_millis() as i64,
        }
    }
}
