//! What people keep beside the records of a table: views, forms, what is no duplicate. Each is one document, and all go with the
//! table. What stands in them is the business of whoever keeps them.

use chancery_storage::{Document, DocumentQuery, DocumentWrite, StorageError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::duplicates::NotDuplicates;
use crate::error::Error;
use crate::forms::Form;
use crate::handle::TableHandle;
use crate::store::Commit;
use crate::views::View;

/// Something that is kept of a table.
pub(crate) trait Kept: Serialize + DeserializeOwned {
    /// What it is, as in [`Error::NotFound`].
    const WHAT: &'static str;
    /// The kind of its documents; the id of the table stands behind it.
    const KIND: &'static str;
    /// Several of them, for people, and how many a table has at most.
    const MOST: (&'static str, usize);
    /// The longest, in bytes of JSON.
    const BYTES_MAX: usize;

    /// Its id; unique in its table.
    fn id(&self) -> &str;
}

impl TableHandle {
    /// All of a kind, oldest first.
    pub(crate) async fn kept<T: Kept>(&self) -> Result<Vec<T>, Error> {
        let documents = self
            .backend()
            .documents(DocumentQuery::Kind(self.kept_kind(T::KIND)));
        documents.await?.into_iter().map(read).collect()
    }

    /// The one with an id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub(crate) async fn kept_one<T: Kept>(&self, id: &str) -> Result<T, Error> {
        let query = DocumentQuery::Id {
            kind: self.kept_kind(T::KIND),
            id: id.to_owned(),
        };
        let found = self.backend().documents(query).await?.pop();
        found.map(read).transpose()?.ok_or_else(|| none_kept::<T>(id))
    }

    /// Keeps another one.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many and for one that is too long.
    pub(crate) async fn keep<T: Kept>(&self, new: &T) -> Result<(), Error> {
        let (what, most) = T::MOST;
        let (max, got) = (most as u64, self.kept::<T>().await?.len() as u64 + 1);
        if got > max {
            return Err(Error::Limit { what, max, got });
        }
        self.keep_again(new).await
    }

    /// Keeps one as it is from now on.
    ///
    /// # Errors
    /// [`Error::Limit`] for one that is too long.
    pub(crate) async fn keep_again<T: Kept>(&self, changed: &T) -> Result<(), Error> {
        let body = serde_json::to_value(changed).map_err(|error| Error::Internal(error.to_string()))?;
        let (max, got) = (T::BYTES_MAX as u64, body.to_string().len() as u64);
        if got > max {
            let what = "bytes of what is kept of a table";
            return Err(Error::Limit { what, max, got });
        }
        let document = Document {
            kind: self.kept_kind(T::KIND),
            id: changed.id().to_owned(),
            lookup: None,
            body,
            version: 0,
        };
        let expected = None;
        self.write_kept(DocumentWrite::Put { document, expected }).await
    }

    /// Forgets one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub(crate) async fn let_go<T: Kept>(&self, id: &str) -> Result<(), Error> {
        self.kept_one::<T>(id).await?;
        let kind = self.kept_kind(T::KIND);
        let id = id.to_owned();
        self.write_kept(DocumentWrite::Delete { kind, id }).await
    }

    /// The ends of everything that is kept, for when the table goes itself.
    pub(crate) async fn ends_of_all_kept(&self) -> Result<Vec<DocumentWrite>, Error> {
        let mut ends = self.ends_of_kept::<View>().await?;
        ends.extend(self.ends_of_kept::<Form>().await?);
        ends.extend(self.ends_of_kept::<NotDuplicates>().await?);
        Ok(ends)
    }

    async fn ends_of_kept<T: Kept>(&self) -> Result<Vec<DocumentWrite>, Error> {
        let kept: Vec<T> = self.kept().await?;
        let end = |one: &T| DocumentWrite::Delete {
            kind: self.kept_kind(T::KIND),
            id: one.id().to_owned(),
        };
        Ok(kept.iter().map(end).collect())
    }

    fn kept_kind(&self, kind: &str) -> String {
        format!("{kind}:{}", self.id)
    }

    async fn write_kept(&self, write: DocumentWrite) -> Result<(), Error> {
        self.may_define()?;
        let how = Commit {
            documents: vec![write],
            ..Commit::default()
        };
        match self.store.commit(Vec::new(), self.store.now(), how).await {
            // Somebody else was faster to forget it.
            Err(StorageError::DocumentConflict { .. }) => Ok(()),
            done => done.map(drop).map_err(Error::from),
        }
    }
}

/// The refusal of one that is not there.
pub(crate) fn none_kept<T: Kept>(id: &str) -> Error {
    Error::NotFound {
        what: T::WHAT,
        message: format!("There is no {} \"{id}\" of this table", T::WHAT),
    }
}

fn read<T: Kept>(document: Document) -> Result<T, Error> {
    let (what, id) = (T::WHAT, document.id);
    serde_json::from_value(document.body)
        .map_err(|error| Error::Internal(format!("the {what} {id} cannot be read: {error}")))
}
