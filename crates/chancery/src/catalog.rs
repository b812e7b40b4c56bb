//! The catalog: all definitions, in memory, replaced as a whole when one changes. Holds no records.

use std::sync::Arc;
use std::time::Duration;

use chancery_model::column::OnDelete;
use chancery_model::{Json, JsonMap, Table, TableId};
use chancery_storage::{Backend, DEFINITION_KIND, DocumentQuery, WORKSPACE_KIND};
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::Core;

/// The id of the workspace that exists from the start.
pub(crate) const DEFAULT_WORKSPACE: &str = "default";
/// How long after the news of a change the definitions are read.
const REFRESH_AFTER: Duration = Duration::from_millis(5);
/// How long to wait after they could not be read.
const REFRESH_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A tenant: an isolated set of tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// A UUID as text, or `default`.
    pub id: String,
    /// Unique; never changed.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Help text for people.
    #[serde(default)]
    pub description: String,
    /// Settings as given.
    #[serde(default)]
    pub settings: JsonMap,
    /// When it was made, in ms.
    pub created_at: i64,
    /// When it last changed, in ms.
    pub updated_at: i64,
}

/// All definitions at one moment. Every call looks its table up, so the maps hash faster than the standard ones.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// A revision that it holds everything of; of later ones it may hold something.
    pub(crate) revision: u64,
    pub(crate) workspaces: Vec<Arc<Workspace>>,
    pub(crate) by_id: HashMap<String, Arc<Table>>,
    by_number: HashMap<TableId, Arc<Table>>,
    by_slug: HashMap<String, HashMap<String, Arc<Table>>>,
    /// Tables in the trash: everything else takes them for dropped.
    deleted: HashMap<TableId, Arc<Table>>,
    referrers: HashMap<TableId, Vec<Referrer>>,
    /// Tables of which a write asks for more than itself: see [`crate::rules`].
    ruled: HashSet<TableId>,
    /// Whether records of any table expire.
    pub(crate) expires: bool,
}

/// A column that refers to records of a table.
#[derive(Clone, Debug)]
pub(crate) struct Referrer {
    /// The table that has the column.
    pub(crate) table: Arc<Table>,
    /// Its ordinal.
    pub(crate) column: u16,
    /// What the end of a record does to those that refer to it.
    pub(crate) on_delete: OnDelete,
}

impl Catalog {
    pub(crate) async fn load(backend: &dyn Backend) -> Result<Catalog, Error> {
        let mut catalog = Catalog {
            revision: backend.revision().await?,
            ..Catalog::default()
        };
        for document in backend
            .documents(DocumentQuery::Kind(WORKSPACE_KIND.into()))
            .await?
        {
            catalog
                .workspaces
                .push(Arc::new(read("workspace", &document.id, document.body)?));
        }
        if !catalog
            .workspaces
            .iter()
            .any(|workspace| workspace.id == DEFAULT_WORKSPACE)
        {
            catalog.workspaces.insert(0, Arc::new(default_workspace()));
        }
        for document in backend
            .documents(DocumentQuery::Kind(DEFINITION_KIND.into()))
            .await?
        {
            let table: Table = read("table", &document.id, document.body)?;
            catalog.add(Arc::new(table));
        }
        catalog.relate();
        Ok(catalog)
    }

    /// Notes which tables refer to which, and which have rules beyond a record's own.
    fn relate(&mut self) {
        for table in self.by_id.values() {
            self.expires |= table.ttl_ms.is_some();
            if table.ttl_ms.is_some() || table.max_size.is_some() {
                self.ruled.insert(table.number);
            }
            if table
                .live()
                .any(|column| column.names_users() || column.names_files())
            {
                self.ruled.insert(table.number);
            }
            for (column, slug) in table.references() {
                self.ruled.insert(table.number);
                let slugs = self.by_slug.get(&table.workspace);
                let Some(target) = slugs.and_then(|tables| tables.get(slug)) else {
                    continue;
                };
                self.ruled.insert(target.number);
                self.referrers.entry(target.number).or_default().push(Referrer {
                    table: table.clone(),
                    column: column.ordinal,
                    on_delete: column.on_delete(),
                });
            }
        }
        for referrers in self.referrers.values_mut() {
            referrers.sort_by_key(|referrer| (referrer.table.number, referrer.column));
        }
    }

    /// The columns that refer to a table.
    pub(crate) fn referrers(&self, table: TableId) -> &[Referrer] {
        self.referrers.get(&table).map_or(&[], Vec::as_slice)
    }

    /// Whether a write of the table asks for more than itself.
    pub(crate) fn is_ruled(&self, table: TableId) -> bool {
        self.ruled.contains(&table)
    }

    /// All tables of all workspaces.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.by_id.values()
    }

    fn add(&mut self, table: Arc<Table>) {
        if table.deleted_at.is_some() {
            self.deleted.insert(table.number, table);
            return;
        }
        self.by_slug
            .entry(table.workspace.clone())
            .or_default()
            .insert(table.slug.clone(), table.clone());
        self.by_number.insert(table.number, table.clone());
        self.by_id.insert(table.id.clone(), table);
    }

    /// The newest definition of a table that is known by its number, which hashes fastest; none once it is dropped.
    pub(crate) fn newest(&self, number: TableId, id: &str) -> Option<&Arc<Table>> {
        self.by_number.get(&number).filter(|table| table.id == id)
    }

    /// The newest definition of the table with this number.
    pub(crate) fn numbered(&self, number: TableId) -> Option<&Arc<Table>> {
        self.by_number.get(&number)
    }

    /// The tables in the trash.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.deleted.values()
    }

    /// The table with this number, in the trash or not; none once it is dropped for good.
    pub(crate) fn stored(&self, number: TableId) -> Option<&Arc<Table>> {
        self.numbered(number).or_else(|| self.deleted.get(&number))
    }

    /// The table with this slug or id in a workspace.
    pub(crate) fn table(&self, workspace: &str, name: &str) -> Option<&Arc<Table>> {
        let slug = self.by_slug.get(workspace).and_then(|tables| tables.get(name));
        slug.or_else(|| self.by_id.get(name).filter(|table| table.workspace == workspace))
    }

    /// The tables of a workspace, by slug.
    pub(crate) fn tables(&self, workspace: &str) -> Vec<Arc<Table>> {
        let mut tables: Vec<Arc<Table>> = self
            .by_slug
            .get(workspace)
            .into_iter()
            .flat_map(|tables| tables.values().cloned())
            .collect();
        tables.sort_by(|a, b| a.slug.cmp(&b.slug));
        tables
    }

    pub(crate) fn workspace(&self, name: &str) -> Option<&Arc<Workspace>> {
        self.workspaces
            .iter()
            .find(|workspace| workspace.id == name || workspace.slug == name)
    }
}

/// Reads the definitions anew whenever the backend says that they changed, for as long as the store is there. A store that
/// nobody shares reads its own changes when it makes them.
pub(crate) fn keep_fresh(core: &Arc<Core>) {
    if !core.backend.is_shared() {
        return;
    }
    let mut news = core.backend.news();
    let core = Arc::downgrade(core);
    tokio::spawn(async move {
        while news.changed().await.is_ok() {
            // Changes of definitions come in rows, and whoever made one here reads it by itself.
            tokio::time::sleep(REFRESH_AFTER).await;
            let wanted = news.borrow_and_update().definitions;
            let Some(core) = core.upgrade() else { return };
            if core.catalog.load().revision >= wanted {
                continue;
            }
            if let Err(error) = core.reload().await {
                tracing::warn!(%error, "changed definitions could not be read; trying again");
                news.mark_changed();
                drop(core);
                tokio::time::sleep(REFRESH_AGAIN_AFTER).await;
            }
        }
    });
}

fn default_workspace() -> Workspace {
    Workspace {
        id: DEFAULT_WORKSPACE.into(),
        slug: DEFAULT_WORKSPACE.into(),
        name: "Default".into(),
        description: String::new(),
        settings: JsonMap::new(),
        created_at: 0,
        updated_at: 0,
    }
}

fn read<T: serde::de::DeserializeOwned>(what: &str, id: &str, body: Json) -> Result<T, Error> {
    serde_json::from_value(body)
        .map_err(|error| Error::Internal(format!("the definition of {what} {id} cannot be read: {error}")))
}
