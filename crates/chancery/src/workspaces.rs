//! Workspaces: made, listed, changed and dropped with all their tables. Holds no records.

use chancery_model::define::{check_name, check_slug, table_slug};
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Issue, Json, JsonMap};
use chancery_storage::{Document, DocumentWrite, SchemaWrite, StorageError, WORKSPACE_KIND, Write};
use uuid::Uuid;

use crate::catalog::{DEFAULT_WORKSPACE, Workspace};
use crate::error::Error;
use crate::names::name_free;
use crate::store::{Commit, Store};

/// A workspace as a caller asks for it.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceInput {
    /// What people call it.
    pub name: String,
    /// The slug; made from the name if absent.
    pub slug: Option<String>,
    /// Help text for people.
    pub description: String,
    /// Settings.
    pub settings: JsonMap,
}

/// What changes of a workspace; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct WorkspacePatch {
    /// What people call it.
    pub name: Option<String>,
    /// Help text for people.
    pub description: Option<String>,
    /// Settings.
    pub settings: Option<JsonMap>,
}

impl Store {
    /// All workspaces that are seen, the default one first.
    pub fn workspaces(&self) -> Vec<Workspace> {
        let catalog = self.core.catalog.load();
        let there = catalog
            .workspaces
            .iter()
            .filter(|found| self.sees_workspace(&catalog, found));
        there.map(|workspace| Workspace::clone(workspace)).collect()
    }

    /// Makes a workspace.
    ///
    /// # Errors
    /// [`Error::Taken`], [`Error::Definition`].
    pub async fn create_workspace(&self, input: WorkspaceInput) -> Result<Workspace, Error> {
        let _alone = self.core.defining.lock().await;
        let slug = input.slug.unwrap_or_else(|| table_slug(&input.name));
        check_name("name", &input.name).map_err(Error::Definition)?;
        let mut issues = Vec::new();
        check_slug("slug", &slug, &mut issues);
        if !issues.is_empty() {
            return Err(Error::Definition(issues));
        }
        if self.core.catalog.load().workspace(&slug).is_some() {
            return Err(taken(&slug));
        }
        let now = self.now();
        let workspace = Workspace {
            id: Uuid::now_v7().to_string(),
            slug,
            name: input.name,
            description: input.description,
            settings: input.settings,
            created_at: now,
            updated_at: now,
        };
        match self.put_workspace(&workspace, Vec::new(), Some(0)).await {
            // Another process was faster.
            Err(Error::Storage(StorageError::DocumentConflict { kind, .. })) if kind == WORKSPACE_KIND => {
                self.reload().await?;
                Err(taken(&workspace.slug))
            }
            put => put.map(|()| workspace),
        }
    }

    /// Changes a workspace.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn update_workspace(&self, name: &str, patch: WorkspacePatch) -> Result<Workspace, Error> {
        let _alone = self.core.defining.lock().await;
        let mut workspace = self.find_workspace(name)?;
        if let Some(name) = patch.name {
            check_name("name", &name).map_err(Error::Definition)?;
            workspace.name = name;
        }
        workspace.description = patch.description.unwrap_or(workspace.description);
        workspace.settings = patch.settings.unwrap_or(workspace.settings);
        workspace.updated_at = self.now();
        self.put_workspace(&workspace, Vec::new(), None).await?;
        Ok(workspace)
    }

    /// Drops a workspace with all its tables, for good.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Definition`] for the default workspace.
    pub async fn drop_workspace(&self, name: &str) -> Result<(), Error> {
        let _alone = self.core.defining.lock().await;
        let workspace = self.find_workspace(name)?;
        if workspace.id == DEFAULT_WORKSPACE {
            let issue = Issue::new(
                "workspace",
                Code::Definition,
                "The default workspace cannot be dropped; drop its tables",
            );
            return Err(Error::Definition(vec![issue]));
        }
        let catalog = self.core.catalog.load_full();
        let mut tables = catalog.tables(&workspace.id);
        let mut documents: Vec<DocumentWrite> = tables.iter().map(|table| name_free(table)).collect();
        let deleted = catalog.deleted().filter(|table| table.workspace == workspace.id);
        tables.extend(deleted.cloned());
        documents.push(DocumentWrite::Delete {
            kind: WORKSPACE_KIND.into(),
            id: workspace.id,
        });
        let writes = tables
            .into_iter()
            .map(|table| Write::Schema(SchemaWrite::Drop(table)))
            .collect();
        self.commit(
            writes,
            self.now(),
            Commit {
                documents,
                ..Commit::default()
            },
        )
        .await?;
        self.reload().await
    }

    fn find_workspace(&self, name: &str) -> Result<Workspace, Error> {
        let catalog = self.core.catalog.load();
        let found = catalog
            .workspace(name)
            .map(|workspace| Workspace::clone(workspace));
        found.ok_or_else(|| {
            let names = catalog.workspaces.iter().map(|workspace| workspace.slug.as_str());
            Error::NotFound {
                what: "workspace",
                message: unknown_name("workspace", name, names),
            }
        })
    }

    async fn put_workspace(
        &self,
        workspace: &Workspace,
        writes: Vec<Write>,
        expected: Option<u64>,
    ) -> Result<(), Error> {
        let body: Json =
            serde_json::to_value(workspace).map_err(|error| Error::Internal(error.to_string()))?;
        let document = Document {
            kind: WORKSPACE_KIND.into(),
            id: workspace.id.clone(),
            lookup: Some(workspace.slug.clone()),
            body,
            version: 0,
        };
        let documents = vec![DocumentWrite::Put { document, expected }];
        self.commit(
            writes,
            self.now(),
            Commit {
                documents,
                ..Commit::default()
            },
        )
        .await?;
        self.reload().await
    }
}

fn taken(slug: &str) -> Error {
    Error::Taken {
        what: "workspace",
        message: format!("A workspace \"{slug}\" exists already"),
    }
}
