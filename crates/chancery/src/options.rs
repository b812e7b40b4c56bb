//! The options of select columns: added, changed and deleted here. Records keep what they hold.

use chancery_model::column::SelectOption;
use chancery_model::define::{self, OptionInput};
use chancery_model::issue::unknown_name;
use chancery_model::{Code, Issue};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::schema::find;

/// What changes of an option; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct OptionPatch {
    /// What people see.
    pub name: Option<String>,
    /// A colour; the inner none clears it.
    pub color: Option<Option<String>>,
    /// An icon; the inner none clears it.
    pub icon: Option<Option<String>>,
    /// Place in the order people see.
    pub order_index: Option<i64>,
}

impl TableHandle {
    /// Adds an option to a select column.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn add_option(&self, column: &str, input: OptionInput) -> Result<SelectOption, Error> {
        let id = input
            .id
            .clone()
            .unwrap_or_else(|| format!("opt-{}", uuid::Uuid::now_v7().simple()));
        self.change_options(column, |options| {
            if options.iter().any(|option| option.id == id) {
                return Err(vec![Issue::new(
                    "id",
                    Code::Unique,
                    format!("An option {id} exists already"),
                )]);
            }
            let order_index = options
                .iter()
                .map(|option| option.order_index)
                .max()
                .unwrap_or(-1)
                + 1;
            let OptionInput {
                name, color, icon, ..
            } = input.clone();
            options.push(SelectOption {
                id: id.clone(),
                name,
                color,
                icon,
                order_index,
                ..SelectOption::default()
            });
            Ok(())
        })
        .await?;
        self.option(column, &id)
    }

    /// Changes an option.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn update_option(
        &self,
        column: &str,
        option: &str,
        patch: OptionPatch,
    ) -> Result<SelectOption, Error> {
        self.option(column, option)?;
        self.change_options(column, |options| {
            for target in options.iter_mut().filter(|candidate| candidate.id == option) {
                patch.name.clone().inspect(|name| target.name.clone_from(name));
                patch
                    .color
                    .clone()
                    .inspect(|color| target.color.clone_from(color));
                patch.icon.clone().inspect(|icon| target.icon.clone_from(icon));
                patch.order_index.inspect(|index| target.order_index = *index);
            }
            Ok(())
        })
        .await?;
        self.option(column, option)
    }

    /// Deletes an option: records that hold it keep it, new ones cannot take it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_option(&self, column: &str, option: &str) -> Result<(), Error> {
        self.option(column, option)?;
        let now = self.store.now();
        self.change_options(column, |options| {
            for target in options.iter_mut().filter(|candidate| candidate.id == option) {
                target.deleted_at = Some(now);
            }
            Ok(())
        })
        .await
    }

    /// The live option with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn option(&self, column: &str, option: &str) -> Result<SelectOption, Error> {
        let column = self.column(column)?;
        let found = column
            .live_options()
            .find(|candidate| candidate.id == option)
            .cloned();
        found.ok_or_else(|| {
            let ids = column.live_options().map(|option| option.id.as_str());
            Error::NotFound {
                what: "option",
                message: unknown_name("option", option, ids),
            }
        })
    }

    async fn change_options(
        &self,
        name: &str,
        edit: impl Fn(&mut Vec<SelectOption>) -> Result<(), Vec<Issue>>,
    ) -> Result<(), Error> {
        let ordinal = find(&*self.definition()?, name)?;
        self.change(|table| {
            let column = &mut table.columns[usize::from(ordinal)];
            if !column.kind().flags().needs_options {
                let message = format!("A {} column has no options", column.field_type);
                return Err(vec![Issue::new("options", Code::Definition, message)]);
            }
            edit(&mut column.options)?;
            let mut issues = Vec::new();
            define::check_made(column, &mut issues);
            if issues.is_empty() { Ok(()) } else { Err(issues) }
        })
        .await?;
        Ok(())
    }
}
