//! Views: ways to look at a table that people keep under a name. What stands in one is whoever shows records' business; nothing is
//! filtered or sorted here.

use chancery_model::{Code, Issue, JsonMap};
use chancery_storage::{Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::limits::{VIEW_BYTES_MAX, VIEWS_MAX};
use crate::store::{Store, TableHandle};

/// The kind of the documents.
const KIND: &str = "view";

/// A way to look at a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// A UUID.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether only who made it sees it.
    pub personal: bool,
    /// What it shows and how, as given.
    pub settings: JsonMap,
    /// Who made it; none for the program itself.
    pub created_by: Option<String>,
    /// When it was made, in ms.
    pub created_at: i64,
    /// When it was last changed, in ms.
    pub updated_at: i64,
}

/// What changes of a view; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ViewPatch {
    /// What people call it.
    pub name: Option<String>,
    /// Whether only who made it sees it.
    pub personal: Option<bool>,
    /// What it shows and how, replaced as a whole.
    pub settings: Option<JsonMap>,
}

impl TableHandle {
    /// The views of the table that whoever asks may see, by name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{Store, TableInput, ViewPatch, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("tasks")).await?;
    /// let settings = json!({"sort": [{"column": "createdAt"}]}).as_object().cloned();
    /// let open = tasks.create_view("Newest", false, settings.unwrap_or_default()).await?;
    /// tasks.update_view(&open.id, ViewPatch { name: Some("New".into()), ..Default::default() }).await?;
    /// assert_eq!(tasks.views().await?[0].name, "New");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn views(&self) -> Result<Vec<View>, Error> {
        let mut views = self.all_views().await?;
        views.retain(|view| self.sees(view));
        views.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(views)
    }

    /// One view.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn view(&self, id: &str) -> Result<View, Error> {
        let query = DocumentQuery::Id {
            kind: KIND.into(),
            id: self.view_id(id),
        };
        let found = self
            .backend()
            .documents(query)
            .await?
            .pop()
            .map(read)
            .transpose()?;
        found
            .filter(|view| self.sees(view))
            .ok_or_else(|| Error::NotFound {
                what: "view",
                message: format!("There is no view \"{id}\" of this table"),
            })
    }

    /// Keeps a way to look at the table.
    ///
    /// # Errors
    /// [`Error::Definition`] for a name that cannot be one, [`Error::Limit`] for too many and for too long ones.
    pub async fn create_view(&self, name: &str, personal: bool, settings: JsonMap) -> Result<View, Error> {
        let (max, got) = (VIEWS_MAX as u64, self.all_views().await?.len() as u64 + 1);
        if got > max {
            let what = "views of a table";
            return Err(Error::Limit { what, max, got });
        }
        let now = self.store.now();
        let view = View {
            id: Uuid::now_v7().to_string(),
            name: name.trim().to_owned(),
            personal,
            settings,
            created_by: self.store.actor.id.as_deref().map(str::to_owned),
            created_at: now,
            updated_at: now,
        };
        self.put_view(&view).await?;
        Ok(view)
    }

    /// Changes a view.
    ///
    /// # Errors
    /// As [`TableHandle::create_view`], and [`Error::NotFound`].
    pub async fn update_view(&self, id: &str, patch: ViewPatch) -> Result<View, Error> {
        let had = self.view(id).await?;
        let view = View {
            name: patch.name.map_or(had.name, |name| name.trim().to_owned()),
            personal: patch.personal.unwrap_or(had.personal),
            settings: patch.settings.unwrap_or(had.settings),
            updated_at: self.store.now(),
            ..had
        };
        self.put_view(&view).await?;
        Ok(view)
    }

    /// Forgets a view.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_view(&self, id: &str) -> Result<(), Error> {
        let view = self.view(id).await?;
        self.store.write_view(self.view_end(&view.id)).await
    }

    /// The ends of all views of the table, for when it goes itself.
    pub(crate) async fn view_ends(&self) -> Result<Vec<DocumentWrite>, Error> {
        let views = self.all_views().await?;
        Ok(views.iter().map(|view| self.view_end(&view.id)).collect())
    }

    fn view_end(&self, id: &str) -> DocumentWrite {
        DocumentWrite::Delete {
            kind: KIND.into(),
            id: self.view_id(id),
        }
    }

    async fn all_views(&self) -> Result<Vec<View>, Error> {
        let documents = self.backend().documents(DocumentQuery::Kind(KIND.into())).await?;
        let own = self.view_id("");
        let here = documents
            .into_iter()
            .filter(|document| document.id.starts_with(&own));
        here.map(read).collect()
    }

    fn sees(&self, view: &View) -> bool {
        !view.personal || view.created_by.as_deref() == self.store.actor.id.as_deref()
    }

    fn view_id(&self, id: &str) -> String {
        format!("{}/{id}", self.id)
    }

    async fn put_view(&self, view: &View) -> Result<(), Error> {
        let chars = view.name.chars().count();
        if !(1..=chancery_model::limits::NAME_CHARS_MAX).contains(&chars) {
            let most = chancery_model::limits::NAME_CHARS_MAX;
            let message = format!("A name has 1 to {most} characters");
            return Err(Error::Definition(vec![Issue::new(
                "name",
                Code::Definition,
                message,
            )]));
        }
        let body = serde_json::to_value(view).map_err(|error| Error::Internal(error.to_string()))?;
        let (max, got) = (VIEW_BYTES_MAX as u64, body.to_string().len() as u64);
        if got > max {
            let what = "bytes of a view";
            return Err(Error::Limit { what, max, got });
        }
        let document = Document {
            kind: KIND.into(),
            id: self.view_id(&view.id),
            lookup: None,
            body,
            version: 0,
        };
        let expected = None;
        self.store
            .write_view(DocumentWrite::Put { document, expected })
            .await
    }
}

impl Store {
    async fn write_view(&self, write: DocumentWrite) -> Result<(), Error> {
        let batch = Batch {
            at: self.now(),
            actor: self.actor.id.clone(),
            documents: vec![write],
            ..Batch::default()
        };
        match self.backend().commit(batch).await {
            // Somebody else was faster to delete it.
            Err(StorageError::DocumentConflict { .. }) => Ok(()),
            done => done.map(drop).map_err(Error::from),
        }
    }
}

fn read(document: Document) -> Result<View, Error> {
    let id = document.id;
    serde_json::from_value::<View>(document.body)
        .map_err(|error| Error::Internal(format!("the view {id} cannot be read: {error}")))
}
