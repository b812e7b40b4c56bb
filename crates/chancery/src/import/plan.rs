//! Everything that is decided about an import before its first row: dialect, places, types of new columns, the definition
//! as it will be. It writes nothing.

use std::sync::Arc;

use chancery_model::define::{self, ColumnInput, OptionInput, TableInput};
use chancery_model::filter::FieldRef;
use chancery_model::{Code, Issue, Table, TableId};

use super::analysis::{blocking, head};
use super::dialect::{self, Dialect};
use super::exported;
use super::file::ImportFile;
use super::mapping::{self, Places, Target};
use super::objects::{ObjectFormat, ObjectsFrom};
use super::options::{ImportOptions, Mapping};
use super::read::Format;
use super::scan::{self, Scan, Wanted};
use crate::error::Error;
use crate::export::definition::table_input;
use crate::handle::TableHandle;
use crate::schema::ColumnPatch;
use crate::store::Store;

/// An import that is ready to begin.
pub(super) struct Plan {
    pub(super) format: Format,
    pub(super) places: Places,
    /// The definition as it will be.
    pub(super) table: Arc<Table>,
    /// Columns the table has already.
    pub(super) made: usize,
    pub(super) matching: Vec<FieldRef>,
    pub(super) schema: Schema,
    /// Every row is known to be good, because the columns were made for them.
    pub(super) proven: bool,
}

/// What has to be made before the first row is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub(super) new_table: Option<TableInput>,
    pub(super) columns: Vec<ColumnInput>,
    /// Columns with the options they lack.
    pub(super) options: Vec<(String, Vec<String>)>,
    /// Options that are no longer offered, once the records have them: column and id.
    gone: Vec<(String, String)>,
    /// Columns that callers cannot write, once the records are written.
    read_only: Vec<String>,
}

impl Plan {
    /// `""` is the empty text.
    pub(super) fn sparing(&self) -> bool {
        matches!(&self.format, Format::Csv(dialect) if dialect.sparing)
    }

    pub(super) fn encoding(&self) -> &'static str {
        match &self.format {
            Format::Csv(dialect) => dialect.encoding.name(),
            Format::Objects(_) => "UTF-8",
        }
    }

    pub(super) fn delimiter(&self) -> char {
        match &self.format {
            Format::Csv(dialect) => char::from(dialect.delimiter),
            Format::Objects(_) => ',',
        }
    }
}

/// What is known of a file before its rows are read.
async fn first_look(file: &ImportFile, options: &ImportOptions) -> Result<(Dialect, Vec<String>), Error> {
    let (file, mut read) = (file.clone(), options.read.clone());
    read.header.get_or_insert(true);
    blocking(move || {
        let dialect = dialect::detect(&file, &read)?;
        Ok((dialect, head(&file, dialect)?))
    })
    .await
}

/// Whether a mapping and options make sense for a file, as far as that shows without its rows; no table is a new one.
///
/// # Errors
/// [`Error::Definition`] and [`Error::Query`] if they do not.
pub(super) async fn sense(
    handle: Option<&TableHandle>,
    file: &ImportFile,
    mapping: &Mapping,
    options: &ImportOptions,
) -> Result<(), Error> {
    let (_, header) = first_look(file, options).await?;
    match handle {
        Some(handle) => {
            let places = mapping::resolve(
                &*handle.definition()?,
                &header,
                &options.new_columns,
                mapping,
                options,
            )?;
            matching(handle, &places, options).map(|_| ())
        }
        None => {
            refuse_matching(options)?;
            let options = ImportOptions {
                create_columns: true,
                ..options.clone()
            };
            mapping::resolve(
                &Table::default(),
                &header,
                &options.new_columns,
                mapping,
                &options,
            )
            .map(|_| ())
        }
    }
}

/// A new table has nothing to match.
fn refuse_matching(options: &ImportOptions) -> Result<(), Error> {
    if !options.update_existing && options.match_on.is_empty() {
        return Ok(());
    }
    let issue = Issue::new(
        "updateExisting",
        Code::Definition,
        "A new table has no records to update",
    );
    Err(Error::Definition(vec![issue]))
}

/// Plans an import into a table.
pub(super) async fn existing(
    handle: &TableHandle,
    file: &ImportFile,
    mapping: &Mapping,
    options: &ImportOptions,
) -> Result<Plan, Error> {
    let table = handle.definition()?;
    let (dialect, header) = first_look(file, options).await?;
    let mut places = mapping::resolve(&table, &header, &options.new_columns, mapping, options)?;
    let matching = matching(handle, &places, options)?;
    let scan = look(file, dialect, &table, &places, options).await?;
    places.leave_blank(&header, mapping, |index| is_filled(scan.as_ref(), index));
    describe(&mut places, scan.as_ref(), options);
    let mut schema = Schema {
        columns: places.new.values().cloned().collect(),
        ..Schema::default()
    };
    let mut planned = Table::clone(&table);
    handle
        .store
        .decide(handle.store.now(), |context| -> Result<(), Error> {
            for column in &schema.columns {
                let made = define::check_column(column, &planned, context).map_err(Error::Definition)?;
                planned.columns.push(made);
                planned.refresh();
            }
            for (index, target) in places.targets.iter().enumerate() {
                let lacking = scan
                    .as_ref()
                    .and_then(|scan| scan.columns.get(index))
                    .map(|column| &column.lacking);
                if let (Target::Column(slug), Some(lacking)) =
                    (target, lacking.filter(|names| !names.is_empty()))
                {
                    add_options(&mut planned, slug, lacking, context);
                    schema.options.push((slug.clone(), lacking.clone()));
                }
            }
            Ok(())
        })?;
    let made = table.columns.len();
    Ok(Plan {
        format: Format::Csv(dialect),
        places,
        table: Arc::new(planned),
        made,
        matching,
        schema,
        proven: false,
    })
}

/// Whether a row has something in a column; if nobody looked, none has.
fn is_filled(scan: Option<&Scan>, index: usize) -> bool {
    let column = scan.and_then(|scan| scan.columns.get(index));
    column.is_some_and(|column| column.filled > 0)
}

fn add_options(
    table: &mut Table,
    slug: &str,
    names: &[String],
    context: &mut chancery_model::admit::Context,
) {
    let Some(ordinal) = table.column(slug).map(|column| usize::from(column.ordinal)) else {
        return;
    };
    for name in names {
        table.columns[ordinal].options.push(chancery_model::SelectOption {
            id: format!("opt-{}", (context.fresh)().simple()),
            name: name.clone(),
            ..Default::default()
        });
    }
}

/// Plans an import that makes its table.
pub(super) async fn new_table(
    store: &Store,
    file: &ImportFile,
    mut input: TableInput,
    mapping: &Mapping,
    options: &ImportOptions,
) -> Result<Plan, Error> {
    refuse_matching(options)?;
    let options = ImportOptions {
        create_columns: true,
        ..options.clone()
    };
    let (dialect, header) = first_look(file, &options).await?;
    let empty = Table {
        strict: true,
        ..Table::default()
    };
    let mut given = std::mem::take(&mut input.columns);
    given.extend(options.new_columns.iter().cloned());
    let mut places = mapping::resolve(&empty, &header, &given, mapping, &options)?;
    let scan = look(file, dialect, &empty, &places, &options).await?;
    places.leave_blank(&header, mapping, |index| is_filled(scan.as_ref(), index));
    describe(&mut places, scan.as_ref(), &options);
    input.columns = places.new.values().cloned().collect();
    let from_file = input.columns.len();
    let placed = |column: &ColumnInput| input.columns.iter().any(|made| made.name == column.name);
    let rest: Vec<ColumnInput> = given.iter().filter(|column| !placed(column)).cloned().collect();
    input.columns.extend(rest);
    let checked = |context: &mut chancery_model::admit::Context| {
        define::check_table(&input, TableId(0), &store.workspace, context)
    };
    let table = store.decide(store.now(), checked).map_err(Error::Definition)?;
    if store
        .core
        .catalog
        .load()
        .table(&store.workspace, &table.slug)
        .is_some()
    {
        let message = format!("A table \"{}\" exists already", table.slug);
        return Err(Error::Taken {
            what: "table",
            message,
        });
    }
    let plain = |column: &ColumnInput| column.constraints == Default::default();
    let inferred = given.is_empty() && input.columns.iter().all(plain) && input.columns.len() == from_file;
    let columns_only = places
        .targets
        .iter()
        .all(|target| matches!(target, Target::Column(_) | Target::Skip));
    let proven = inferred
        && columns_only
        && input.key.is_none()
        && places.external.is_none()
        && scan.as_ref().is_some_and(|scan| scan.malformed == 0);
    let schema = Schema {
        new_table: Some(input),
        ..Schema::default()
    };
    Ok(Plan {
        format: Format::Csv(dialect),
        places,
        table: Arc::new(table),
        made: 0,
        matching: Vec::new(),
        schema,
        proven,
    })
}

/// Plans an import of objects into a table.
pub(super) fn objects(
    handle: &TableHandle,
    from: ObjectsFrom,
    options: &ImportOptions,
) -> Result<Plan, Error> {
    let table = handle.definition()?;
    let mut places = object_places(&table);
    if options.external_id_column.is_some() {
        places.external = Some(places.names.len() - 1);
    }
    let matching = matching(handle, &places, options)?;
    let format = ObjectFormat {
        table: table.clone(),
        external: options.external_id_column.clone(),
        from,
        left_out: Vec::new(),
    };
    let (made, schema) = (table.columns.len(), Schema::default());
    Ok(Plan {
        format: Format::Objects(format),
        places,
        table,
        made,
        matching,
        schema,
        proven: false,
    })
}

/// The members that objects may have: the columns, the key, the id in another system.
fn object_places(table: &Table) -> Places {
    let columns: Vec<String> = table
        .ordered()
        .iter()
        .filter(|column| column.writable())
        .map(|column| column.slug.clone())
        .collect();
    let mut targets: Vec<Target> = columns.iter().cloned().map(Target::Column).collect();
    let mut names = columns;
    for (name, target) in [("id", Target::Key), ("externalId", Target::ExternalId)] {
        if table.column(name).is_none() {
            names.push(name.to_owned());
            targets.push(target);
        }
    }
    Places {
        names,
        targets,
        external: None,
        new: Default::default(),
    }
}

/// Plans making a table from its export.
pub(super) async fn export(store: &Store, file: &ImportFile, rename: Option<String>) -> Result<Plan, Error> {
    let from = file.clone();
    let head = blocking(move || exported::head(&from)).await?;
    let (part, columns) = (head.table.unwrap_or_default(), head.columns.unwrap_or_default());
    let mut schema = Schema::default();
    for column in &columns {
        let slug = column.slug.clone().unwrap_or_default();
        let gone = column
            .options
            .iter()
            .filter(|option| option.deleted)
            .filter_map(|option| option.id.clone());
        schema.gone.extend(gone.map(|id| (slug.clone(), id)));
        if column.is_read_only {
            schema.read_only.push(slug);
        }
    }
    let mut input = table_input(part, columns);
    input
        .columns
        .iter_mut()
        .for_each(|column| column.read_only = false);
    let mut left_out = Vec::new();
    if let Some(name) = rename {
        let slug = define::table_slug(&name);
        if let Some(was) = input.slug.replace(slug.clone()).filter(|was| *was != slug) {
            left_out = exported::renamed(&mut input.columns, &was, &slug);
        }
        input.name = name;
    }
    let checked = |context: &mut chancery_model::admit::Context| {
        define::check_table(&input, TableId(0), &store.workspace, context)
    };
    let table = Arc::new(store.decide(store.now(), checked).map_err(Error::Definition)?);
    if store
        .core
        .catalog
        .load()
        .table(&store.workspace, &table.slug)
        .is_some()
    {
        let message = format!(
            "A table \"{}\" exists already; give the import another name, or name that table itself to bring the records into it",
            table.slug
        );
        return Err(Error::Taken {
            what: "table",
            message,
        });
    }
    schema.new_table = Some(input);
    let format = Format::Objects(ObjectFormat {
        table: table.clone(),
        external: None,
        from: ObjectsFrom::Table,
        left_out: left_out.clone(),
    });
    let mut places = object_places(&table);
    places.targets.extend(left_out.iter().map(|_| Target::Skip));
    places.names.extend(left_out);
    Ok(Plan {
        format,
        places,
        table,
        made: 0,
        matching: Vec::new(),
        schema,
        proven: false,
    })
}

/// Reads the whole file if the types of new columns or the options that are lacking have to be found. Records and users that cells
/// name are looked up later, chunk by chunk ([`super::links`]): there may be as many as rows.
async fn look(
    file: &ImportFile,
    dialect: Dialect,
    table: &Table,
    places: &Places,
    options: &ImportOptions,
) -> Result<Option<Scan>, Error> {
    let unknown = places.new.values().any(|column| column.field_type.is_empty());
    let selects: Vec<Option<chancery_model::Column>> = places
        .targets
        .iter()
        .map(|target| match target {
            Target::Column(slug) if options.create_options => table
                .column(slug)
                .filter(|column| column.kind().flags().needs_options)
                .cloned(),
            _ => None,
        })
        .collect();
    if !unknown && selects.iter().all(Option::is_none) {
        return Ok(None);
    }
    let types = (unknown && !options.all_text).then_some(options.notation.text);
    let (file, control) = (file.clone(), options.control.clone());
    let scanned = blocking(move || {
        let options = selects.iter().map(Option::as_ref).collect();
        scan::scan(
            &file,
            dialect,
            &Wanted {
                types,
                options,
                preview: 0,
            },
            &control,
        )
    });
    scanned.await.map(Some)
}

/// Gives new columns the types that were found.
fn describe(places: &mut Places, scan: Option<&Scan>, options: &ImportOptions) {
    for (index, column) in &mut places.new {
        if !column.field_type.is_empty() {
            continue;
        }
        let scanned = scan
            .and_then(|scan| scan.columns.get(*index))
            .filter(|_| !options.all_text);
        match scanned.map(|scan| scan.choice(&options.notation.text)) {
            Some(choice) => {
                column.field_type = choice.field_type.to_owned();
                column.config = choice.config;
            }
            None => column.field_type = "text".to_owned(),
        }
    }
}

/// The fields that find records again.
fn matching(handle: &TableHandle, places: &Places, options: &ImportOptions) -> Result<Vec<FieldRef>, Error> {
    if !options.update_existing {
        return Ok(Vec::new());
    }
    let table = handle.definition()?;
    let key = table
        .key_column()
        .map(|column| Target::Column(column.slug.clone()))
        .unwrap_or(Target::Key);
    let names = if !options.match_on.is_empty() {
        options.match_on.clone()
    } else if places.external.is_some() {
        vec!["externalId".to_owned()]
    } else if places.targets.contains(&key) {
        vec![table.key_name().to_owned()]
    } else {
        let issue = Issue::new(
            "matchOn",
            Code::Required,
            "Name the columns by which records are found again, or an externalIdColumn",
        );
        return Err(Error::Definition(vec![issue]));
    };
    let fields = handle.match_fields(&names)?;
    let missing = names.iter().filter(|name| places.of_field(name).is_none());
    let issues: Vec<Issue> = missing
        .map(|name| {
            Issue::new(
                "matchOn",
                Code::UnknownColumn,
                format!("No column of the file goes into \"{name}\""),
            )
        })
        .collect();
    if issues.is_empty() {
        Ok(fields)
    } else {
        Err(Error::Definition(issues))
    }
}

impl Schema {
    /// Makes what a table that exists lacks.
    ///
    /// # Errors
    /// [`Error::Definition`] if somebody made the same meanwhile.
    pub(super) async fn apply(&self, handle: &TableHandle) -> Result<(), Error> {
        for column in &self.columns {
            handle.add_column(column.clone()).await?;
        }
        for (column, names) in &self.options {
            for name in names {
                handle
                    .add_option(
                        column,
                        OptionInput {
                            name: name.clone(),
                            ..OptionInput::default()
                        },
                    )
                    .await?;
            }
        }
        Ok(())
    }

    /// What is done once all records are written.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(super) async fn finish(&self, handle: &TableHandle) -> Result<(), Error> {
        for (column, option) in &self.gone {
            handle.delete_option(column, option).await?;
        }
        for column in &self.read_only {
            let patch = ColumnPatch {
                read_only: Some(true),
                ..ColumnPatch::default()
            };
            handle.update_column(column, patch).await?;
        }
        Ok(())
    }
}
