//! Forms: some columns of a table that strangers may fill in, each time for a new record. They read nothing and change nothing.

use chancery_model::define::{self, check_name};
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Column, Issue, Json, JsonMap, Source, Table};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::kept::Kept;
use crate::limits::{FORM_BYTES_MAX, FORMS_MAX};
use crate::records::WriteOptions;
use crate::rows::HOLDER;
use crate::store::{Actor, Store};

/// Field types that show what is in other tables or in the vault, or need more than one request.
const PRIVATE: [&str; 7] = ["relation", "user", "users", "file", "files", "secret", "json"];

/// Some columns of a table for strangers to fill in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// A UUID by chance: whoever knows it and the table may fill it in.
    pub id: String,
    /// What people call it; the title of its page.
    pub name: String,
    /// What stands above the fields.
    pub description: String,
    /// What is said when it was sent.
    pub thanks: String,
    /// Whether it is taken; otherwise it is not there for strangers.
    pub open: bool,
    /// What is asked for, in this order.
    pub fields: Vec<FormField>,
    /// Who made it; none for the program itself.
    pub created_by: Option<String>,
    /// When it was made, in ms.
    pub created_at: i64,
    /// When it was last changed, in ms.
    pub updated_at: i64,
}

/// One field of a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormField {
    /// The slug of the column.
    pub column: String,
    /// What stands beside it; the name of the column if absent.
    pub label: Option<String>,
    /// What helps to fill it in.
    pub help: Option<String>,
    /// Whether it must be filled in although the column need not be.
    pub required: bool,
}

/// What changes of a form; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct FormPatch {
    /// What people call it.
    pub name: Option<String>,
    /// What stands above the fields.
    pub description: Option<String>,
    /// What is said when it was sent.
    pub thanks: Option<String>,
    /// Whether it is taken.
    pub open: Option<bool>,
    /// What is asked for, all of it.
    pub fields: Option<Vec<FormField>>,
}

impl Kept for Form {
    const WHAT: &'static str = "form";
    const KIND: &'static str = "form";
    const MOST: (&'static str, usize) = ("forms of a table", FORMS_MAX);
    const BYTES_MAX: usize = FORM_BYTES_MAX;

    fn id(&self) -> &str {
        &self.id
    }
}

impl Form {
    /// Its fields with the columns that they fill in, of those that are still there and that strangers may fill in by now.
    pub fn columns<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = (&'a FormField, &'a Column)> {
        let column = |field: &'a FormField| Some((field, table.column(&field.column)?));
        let may = |(_, column): &(&FormField, &Column)| {
            column.writable() && !PRIVATE.contains(&column.field_type.as_str())
        };
        self.fields.iter().filter_map(column).filter(may)
    }
}

impl Store {
    /// A form that strangers may fill in, by the id of its table and its own. It needs the table's setting `enableForm`.
    ///
    /// # Errors
    /// [`Error::NotFound`] too if it is closed.
    pub async fn public_form(&self, table: &str, form: &str) -> Result<(TableHandle, Form), Error> {
        let none = || Error::NotFound {
            what: "form",
            message: "There is no such form, or it is closed".into(),
        };
        let by_id = |store: &Store| {
            let catalog = store.core.catalog.load();
            catalog.by_id.get(table).map(|table| store.handle(table))
        };
        let handle = match by_id(self) {
            Some(handle) => handle,
            None => {
                self.refresh().await?;
                by_id(self).ok_or_else(none)?
            }
        };
        let enabled = handle.definition()?.settings.get(define::FORM) == Some(&Json::Bool(true));
        match handle.kept_one::<Form>(form).await {
            Ok(form) if form.open && enabled => Ok((handle, form)),
            Ok(_) | Err(Error::NotFound { .. }) => Err(none()),
            Err(error) => Err(error),
        }
    }
}

/// A refusal for strangers: which record has a value is not told to them.
fn untold(mut error: Error) -> Error {
    if let Error::Unique { holder, .. } = &mut error {
        *holder = None;
    }
    if let Error::Invalid { issues, .. } | Error::Unique { issues, .. } = &mut error {
        for issue in issues {
            issue.params.shift_remove(HOLDER);
        }
    }
    error
}

impl TableHandle {
    /// The forms of the table, by name.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn forms(&self) -> Result<Vec<Form>, Error> {
        let mut forms: Vec<Form> = self.kept().await?;
        forms.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(forms)
    }

    /// One form.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn form(&self, id: &str) -> Result<Form, Error> {
        self.kept_one(id).await
    }

    /// Makes a form.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, FormField, FormPatch, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let input = TableInput::new("wishes").column(ColumnInput::new("wish", "text"));
    /// let wishes = store.create_table(TableInput {
    ///     settings: json!({"enableForm": true}).as_object().cloned().unwrap_or_default(),
    ///     ..input
    /// }).await?;
    /// let wish = FormField { column: "wish".into(), required: true, ..Default::default() };
    /// let form = wishes.create_form("Wishes", FormPatch { fields: Some(vec![wish]), ..Default::default() }).await?;
    ///
    /// let (table, form) = store.public_form(&wishes.definition()?.id, &form.id).await?;
    /// table.submit(&form, json!({"wish": "peace"}).as_object().unwrap()).await?;
    /// assert_eq!(wishes.all().await?[0].get("wish"), "peace");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Definition`], which names every field that cannot be asked for and every column that must be; [`Error::Limit`].
    pub async fn create_form(&self, name: &str, input: FormPatch) -> Result<Form, Error> {
        let now = self.store.now();
        let form = Form {
            id: Uuid::new_v4().to_string(),
            name: name.trim().to_owned(),
            description: input.description.unwrap_or_default(),
            thanks: input.thanks.unwrap_or_default(),
            open: input.open.unwrap_or(true),
            fields: input.fields.unwrap_or_default(),
            created_by: self.store.actor.id.as_deref().map(str::to_owned),
            created_at: now,
            updated_at: now,
        };
        self.check_form(&form)?;
        self.keep(&form).await?;
        Ok(form)
    }

    /// Changes a form.
    ///
    /// # Errors
    /// As [`TableHandle::create_form`], and [`Error::NotFound`].
    pub async fn update_form(&self, id: &str, patch: FormPatch) -> Result<Form, Error> {
        let had = self.form(id).await?;
        let form = Form {
            name: patch.name.map_or(had.name, |name| name.trim().to_owned()),
            description: patch.description.unwrap_or(had.description),
            thanks: patch.thanks.unwrap_or(had.thanks),
            open: patch.open.unwrap_or(had.open),
            fields: patch.fields.unwrap_or(had.fields),
            updated_at: self.store.now(),
            ..had
        };
        self.check_form(&form)?;
        self.keep_again(&form).await?;
        Ok(form)
    }

    /// Forgets a form: nobody fills it in any more.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_form(&self, id: &str) -> Result<(), Error> {
        self.let_go::<Form>(id).await
    }

    /// Makes a record of what somebody filled in. Nothing of it is shown to them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for fields that are not asked for, are missing or do not fit, and as [`TableHandle::insert`].
    pub async fn submit(&self, form: &Form, data: &JsonMap) -> Result<(), Error> {
        let table = self.definition()?;
        let mut issues = Vec::new();
        let asked: Vec<&str> = form
            .columns(&table)
            .map(|(field, _)| field.column.as_str())
            .collect();
        for name in data.keys().filter(|name| !asked.contains(&name.as_str())) {
            let message = unknown_name("field", name, asked.iter().copied());
            issues.push(Issue::new(name.as_str(), Code::UnknownColumn, message));
        }
        for (field, column) in form.columns(&table) {
            let given = data.get(&field.column);
            let blank = given.is_none_or(|value| {
                value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
            });
            if field.required && blank {
                let missing = Issue::new(column.slug.as_str(), Code::Required, "Field is required");
                issues.push(column.worded(missing));
            }
        }
        let stranger = self.store.acting(Actor {
            id: None,
            source: Source::Form,
        });
        let options = WriteOptions {
            protected: chancery_model::admit::Protected::Refuse,
            ..WriteOptions::default()
        };
        // Of columns that are not asked for nothing is said but that, of blanks that they are.
        let told = |name: &str| issues.iter().any(|issue| issue.field == name);
        let given = data.iter().filter(|(name, _)| !told(name));
        let given = given.map(|(name, value)| (name.clone(), value.clone()));
        let made = stranger
            .handle(&table)
            .insert_knowing(&Json::Object(given.collect()), options, &issues)
            .await;
        made.map(drop).map_err(untold)
    }

    fn check_form(&self, form: &Form) -> Result<(), Error> {
        check_name("name", &form.name).map_err(Error::Definition)?;
        let table = self.definition()?;
        let mut issues = Vec::new();
        let mut wrong = |at: String, message: String| issues.push(Issue::new(at, Code::Definition, message));
        if form.fields.is_empty() {
            wrong("fields".into(), "A form asks for one field at least".into());
        }
        for (at, field) in form.fields.iter().enumerate() {
            let place = format!("fields.{at}.column");
            let name = &field.column;
            match table.column(name) {
                None => wrong(place, unknown_name("column", name, table.slugs())),
                Some(_) if form.fields[..at].iter().any(|had| had.column == *name) => {
                    wrong(place, format!("\"{name}\" stands twice"));
                }
                Some(column) if PRIVATE.contains(&column.field_type.as_str()) => {
                    let message = format!(
                        "Strangers cannot fill in \"{name}\": it is of the type {}",
                        column.field_type
                    );
                    wrong(place, message);
                }
                Some(column) if !column.writable() || table.key_column == Some(column.ordinal) => {
                    wrong(
                        place,
                        format!("\"{name}\" is written by the store, not by people"),
                    );
                }
                Some(_) => {}
            }
        }
        let missing = table.live().filter(|column| {
            let asked = form.fields.iter().any(|field| field.column == column.slug);
            column.constraints.required && column.default.is_none() && column.writable() && !asked
        });
        for column in missing {
            let message = format!(
                "No record is made without \"{}\": ask for it, or give it a default",
                column.slug
            );
            wrong("fields".into(), message);
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(Error::Definition(issues)),
        }
    }
}
