//! The tables that files are described in, and their rows: in a workspace of their own that nobody reaches by name, and forgetful, as
//! those of the vault are. No row holds a content.

use chancery_model::define::{ColumnInput, TableInput};
use chancery_model::{Json, TableId};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::held::Reader;
use crate::record::Record;
use crate::store::Store;

/// The id of the workspace that the tables are in. It is in no list, so no name leads there.
pub(crate) const FILES_WORKSPACE: &str = "~files";
/// One row for each file.
pub(crate) const FILES: &str = "files";
/// One row for each file and each table of which a record named it since it was last found to be in no use there.
pub(crate) const USES: &str = "uses";
/// The column of the uses that says that one ended.
pub(crate) const ENDED: &str = "ended";

/// How far a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FileState {
    /// Its content is kept.
    #[default]
    Ready,
    /// Somebody was given a URL to send it to.
    Awaited,
}

/// A row of the files.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FileRow {
    /// A UUID.
    pub(crate) id: String,
    /// The workspace whose records may name it.
    pub(crate) workspace: String,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// The media type of its thumbnail, if it has one.
    pub(crate) thumbnail: Option<String>,
    pub(crate) downloads: u64,
    pub(crate) state: FileState,
}

/// A row of the uses.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct UseRow {
    /// [`UseRow::key`].
    pub(crate) id: String,
    pub(crate) file: String,
    pub(crate) table_number: u32,
    /// A revision at which no record of the table named it; none as long as one may. Whoever names it anew takes that back.
    pub(crate) ended: Option<u64>,
}

impl UseRow {
    pub(crate) fn new(file: &str, table: TableId) -> UseRow {
        UseRow {
            id: UseRow::key(file, table),
            file: file.to_owned(),
            table_number: table.0,
            ended: None,
        }
    }

    pub(crate) fn key(file: &str, table: TableId) -> String {
        format!("{file}.{}", table.0)
    }
}

/// The two tables.
pub(crate) struct Tables {
    pub(crate) files: TableHandle,
    pub(crate) uses: TableHandle,
}

impl Store {
    /// The same store where the tables of files are.
    fn beside_files(&self) -> Store {
        let mut own = self.within(FILES_WORKSPACE);
        own.reader = Reader::of(self.core.backend.clone());
        own.rights = None;
        own
    }

    /// The tables, if a file was ever kept.
    pub(crate) async fn known_file_tables(&self) -> Result<Option<Tables>, Error> {
        let own = self.beside_files();
        if let Some(tables) = tables(&own) {
            return Ok(Some(tables));
        }
        // Another process may have made them.
        own.refresh().await?;
        Ok(tables(&own))
    }

    /// The tables, made if they are not there.
    pub(crate) async fn file_tables(&self) -> Result<Tables, Error> {
        if let Some(tables) = self.known_file_tables().await? {
            return Ok(tables);
        }
        // What is done at most once is the upload, and not this.
        let own = self.repeatable().beside_files();
        for (slug, columns) in TABLES {
            if own.table(slug).is_ok() {
                continue;
            }
            match own.create_table(input(slug, columns)).await {
                // Somebody else was faster.
                Err(Error::Taken { .. }) => own.reload().await?,
                made => drop(made?),
            }
        }
        tables(&self.beside_files()).ok_or_else(|| Error::Internal("the tables of files are gone".into()))
    }
}

fn tables(own: &Store) -> Option<Tables> {
    Some(Tables {
        files: own.table(FILES).ok()?,
        uses: own.table(USES).ok()?,
    })
}

/// A column: slug, field type, and whether it is found by.
type ColumnOf = (&'static str, &'static str, bool);

const TABLES: [(&str, &[ColumnOf]); 2] = [
    (
        FILES,
        &[
            ("workspace", "text", false),
            ("name", "text", false),
            ("size", "number", false),
            ("sha256", "text", false),
            ("media_type", "text", false),
            ("width", "number", false),
            ("height", "number", false),
            ("thumbnail", "text", false),
            ("downloads", "number", false),
            ("state", "text", false),
        ],
    ),
    (
        USES,
        &[
            ("file", "text", true),
            ("table_number", "number", false),
            (ENDED, "number", false),
        ],
    ),
];

fn input(slug: &str, columns: &[ColumnOf]) -> TableInput {
    let mut input = TableInput::new(slug);
    input.slug = Some(slug.to_owned());
    input.key = Some("id".to_owned());
    input.strict = true;
    input.soft_delete = false;
    input.columns.push(ColumnInput::new("id", "text"));
    for (slug, field_type, indexed) in columns {
        let mut column = ColumnInput::new(*slug, *field_type);
        column.slug = Some((*slug).to_owned());
        column.indexed = *indexed;
        input.columns.push(column);
    }
    input
}

/// A row of what is stored.
pub(crate) fn read<T: serde::de::DeserializeOwned>(record: &Record) -> Result<T, Error> {
    serde_json::from_value(Json::Object(record.data()))
        .map_err(|error| Error::Internal(format!("a row of the files cannot be read: {error}")))
}

/// A row as it is stored.
pub(crate) fn written<T: Serialize>(row: &T) -> Json {
    serde_json::to_value(row).unwrap_or_default()
}
