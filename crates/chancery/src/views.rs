//! Views: ways to look at a table that people keep under a name. What stands in one is whoever shows records' business; nothing is
//! filtered or sorted here.

use chancery_model::JsonMap;
use chancery_model::define::check_name;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::kept::{Kept, none_kept};
use crate::limits::{VIEW_BYTES_MAX, VIEWS_MAX};

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

impl Kept for View {
    const WHAT: &'static str = "view";
    const KIND: &'static str = "view";
    const MOST: (&'static str, usize) = ("views of a table", VIEWS_MAX);
    const BYTES_MAX: usize = VIEW_BYTES_MAX;

    fn id(&self) -> &str {
        &self.id
    }
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
        let mut views: Vec<View> = self.kept().await?;
        views.retain(|view| self.sees(view));
        views.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(views)
    }

    /// One view.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn view(&self, id: &str) -> Result<View, Error> {
        let found: View = self.kept_one(id).await?;
        match self.sees(&found) {
            true => Ok(found),
            false => Err(none_kept::<View>(id)),
        }
    }

    /// Keeps a way to look at the table.
    ///
    /// # Errors
    /// [`Error::Definition`] for a name that cannot be one, [`Error::Limit`] for too many and for too long ones.
    pub async fn create_view(&self, name: &str, personal: bool, settings: JsonMap) -> Result<View, Error> {
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
        check_name("name", &view.name).map_err(Error::Definition)?;
        self.keep(&view).await?;
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
        check_name("name", &view.name).map_err(Error::Definition)?;
        self.keep_again(&view).await?;
        Ok(view)
    }

    /// Forgets a view.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_view(&self, id: &str) -> Result<(), Error> {
        let view = self.view(id).await?;
        self.let_go::<View>(&view.id).await
    }

    /// What stands in a view of others is not told to who sees a part of the table: it may be about the rest.
    fn sees(&self, view: &View) -> bool {
        let own = view.created_by.as_deref() == self.store.actor.id.as_deref();
        let part = self.definition().is_ok_and(|table| self.store.narrows(&table));
        own || !(view.personal || part)
    }
}
