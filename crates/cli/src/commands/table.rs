//! `chancery table`: tables and their columns. Records are another command.

use std::io::Write;

use chancery_api::columns::{Column, ColumnCreate, ColumnMask, OptionCreate, Validation};
use chancery_api::tables::{Table as WireTable, TableCreate};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::column_type::ChangeType;
use crate::failure::{Exit, Failure};
use crate::input::typed;
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{Missing, Target, TargetArgs};

/// Make, show and drop tables and columns
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  chancery table create Tasks -c title:text:required -c 'status:select:options=todo|done' -c due:date
  chancery table list
  chancery table show tasks
  chancery table columns add tasks price:currency:currency=EUR:indexed
  chancery table drop tasks --yes"
)]
pub(crate) struct Table {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tables
    List {
        /// Those in the trash instead
        #[arg(long)]
        deleted: bool,
    },
    /// Make a table
    #[command(
        long_about = "Make a table.\n\n\
A column is NAME:TYPE, then any of required, unique, indexed, primary, encrypted (or encrypted=last4, encrypted=email: what is \
shown of it), and settings as name=value: default=…, \
options=a|b|c (for select and multiSelect), min=…, max=…, minLength=…, maxLength=…, pattern=…, and those of the type \
(currency=EUR, precision=2 …).",
        after_long_help = "\
Examples:
  chancery table create Tasks -c title:text:required -c priority:number:min=1:max=5:default=3
  chancery table create People -c name:text -c iban:text:encrypted=last4 -c mail:email:encrypted=email:unique
  chancery table create Products --key-column sku -c sku:text -c price:currency:currency=EUR"
    )]
    Create {
        /// What people call it; the slug is made from it
        name: String,
        /// A column: name:type[:setting…]
        #[arg(long = "column", short, value_name = "COLUMN")]
        columns: Vec<String>,
        /// The column that is the key, instead of an id of the store's own
        #[arg(long, value_name = "COLUMN")]
        key_column: Option<String>,
        /// The slug, when it should not be made from the name
        #[arg(long)]
        slug: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Show a table with its columns and sizes
    #[command(after_long_help = "Examples:\n  chancery table show tasks\n  chancery table show tasks --json")]
    Show {
        /// The table
        table: String,
    },
    /// Drop a table: it goes to the trash with all that it holds, or with --permanent is gone for good
    #[command(
        after_long_help = "Examples:\n  chancery table drop tasks --yes\n  chancery table restore tasks\n  chancery table drop tasks --permanent"
    )]
    Drop {
        /// The table; with --permanent also one in the trash
        table: String,
        /// For good, with its records: nothing brings it back
        #[arg(long)]
        permanent: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Bring a table back from the trash, with all that it held
    #[command(after_long_help = "Examples:\n  chancery table list --deleted\n  chancery table restore tasks")]
    Restore {
        /// Its id, or its slug: then the last one dropped
        table: String,
    },
    /// Add, list, delete and restore columns
    #[command(arg_required_else_help = true, disable_help_subcommand = true)]
    Columns {
        #[command(subcommand)]
        action: ColumnAction,
    },
}

#[derive(Debug, Subcommand)]
enum ColumnAction {
    /// List the columns of a table
    List {
        /// The table
        table: String,
        /// Those that were deleted instead
        #[arg(long)]
        deleted: bool,
    },
    /// Add a column; records that exist have nothing in it
    #[command(after_long_help = "Examples:\n  chancery table columns add tasks due:date:indexed")]
    Add {
        /// The table
        table: String,
        /// name:type[:setting…], as in `table create`
        column: String,
    },
    /// Give a column another type, with all its values; the old ones come back when it is changed back
    ChangeType(ChangeType),
    /// Delete a column: its values are no longer seen, until `restore` brings it back
    Delete {
        /// The table
        table: String,
        /// The column
        column: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Bring a deleted column back, with its values
    #[command(after_long_help = "Examples:\n  chancery table columns restore tasks due")]
    Restore {
        /// The table
        table: String,
        /// Its id, or its slug: then the last one deleted
        column: String,
    },
}

impl Table {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        match self.action {
            Action::List { deleted: false } => list(&*self.target.open(Missing::Refuse)?, output)?,
            Action::List { deleted: true } => list_deleted(&*self.target.open(Missing::Refuse)?, output)?,
            Action::Create {
                name,
                columns,
                key_column,
                slug,
                description,
            } => {
                let columns = columns
                    .iter()
                    .map(|text| column(text))
                    .collect::<Result<_, _>>()?;
                let create = TableCreate {
                    name,
                    slug,
                    description,
                    key: key_column,
                    columns,
                    ..TableCreate::default()
                };
                let made = self.target.open(Missing::Make)?.create_table(create)?;
                match output.json() {
                    true => output.value(&made)?,
                    false => output.line(&made.slug)?,
                }
            }
            Action::Show { table } => show(&*self.target.open(Missing::Refuse)?, &table, output)?,
            Action::Drop {
                table,
                permanent,
                yes,
            } => {
                let target = self.target.open(Missing::Refuse)?;
                match permanent {
                    true => purge_table(&*target, &table, yes, output)?,
                    false => drop_table(&*target, &table, yes, output)?,
                }
            }
            Action::Restore { table } => {
                let back = self.target.open(Missing::Refuse)?.restore_table(&table)?;
                match output.json() {
                    true => output.value(&back)?,
                    false => output.say(&format!("{} is back", back.slug)),
                }
            }
            Action::Columns { action } => {
                return columns(&*self.target.open(Missing::Refuse)?, action, output);
            }
        }
        Ok(Exit::Done)
    }
}

fn list(target: &dyn Target, output: &Output) -> Result<(), Failure> {
    let tables = target.tables()?;
    if output.json() {
        return output.value(&tables);
    }
    if tables.is_empty() {
        output.say("no table yet; `chancery table create` makes one, `chancery import FILE --create` too");
        return Ok(());
    }
    let mut text = TextTable::new(["table", "records>", "columns>", "name"]);
    for table in tables {
        let stats = target.stats(&table.id)?;
        text.row([
            table.slug,
            thousands(stats.records),
            stats.columns.to_string(),
            table.name,
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

fn list_deleted(target: &dyn Target, output: &Output) -> Result<(), Failure> {
    let tables = target.deleted_tables()?;
    if output.json() {
        return output.value(&tables);
    }
    if tables.is_empty() {
        output.say("no table is in the trash");
        return Ok(());
    }
    let mut text = TextTable::new(["table", "deleted", "id", "name"]);
    for table in tables {
        text.row([
            table.slug,
            table.deleted_at.unwrap_or_default(),
            table.id,
            table.name,
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

fn show(target: &dyn Target, name: &str, output: &Output) -> Result<(), Failure> {
    let table = target.table(name)?;
    let stats = target.stats(&table.id)?;
    if output.json() {
        let mut value = serde_json::to_value(&table)?;
        value["stats"] = json!(stats);
        return output.value(&value);
    }
    let mut out = output.data();
    writeln!(out, "{}  ({})", console::style(&table.name).bold(), table.slug)?;
    if let Some(description) = &table.description {
        writeln!(out, "{description}")?;
    }
    let trash = match stats.deleted {
        0 => String::new(),
        deleted => format!(", {} in the trash", thousands(deleted)),
    };
    writeln!(
        out,
        "{} records{trash}, key {}\n",
        thousands(stats.records),
        table.key
    )?;
    column_table(&table).write(&mut out)?;
    Ok(out.flush()?)
}

fn column_table(table: &WireTable) -> TextTable {
    let mut text = TextTable::new(["column", "type", "settings", "name"]);
    for column in table.columns.iter().flatten() {
        text.row([
            column.slug.clone(),
            column.field_type.clone(),
            settings(column),
            column.name.clone(),
        ]);
    }
    text
}

/// What is special about a column, in words.
fn settings(column: &Column) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut flag = |set: bool, word: &str| set.then(|| words.push(word.to_owned()));
    flag(column.is_primary, "primary");
    flag(column.validation.required, "required");
    flag(column.validation.unique, "unique");
    flag(column.indexed, "indexed");
    if !column.options.is_empty() {
        let names: Vec<&str> = column.options.iter().map(|option| option.name.as_str()).collect();
        words.push(names.join("|"));
    }
    words.extend(
        column
            .config
            .iter()
            .map(|(name, value)| format!("{name}={}", plain(value))),
    );
    words.extend(
        column
            .default_value
            .iter()
            .map(|value| format!("default={}", plain(value))),
    );
    words.join(" ")
}

/// A JSON value as a person writes it.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn drop_table(target: &dyn Target, name: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    let table = target.table(name)?;
    let records = thousands(target.stats(&table.id)?.records);
    agree(
        output,
        &format!("Drop table \"{}\" with {records} records?", table.slug),
        yes,
    )?;
    target.delete_table(&table.id)?;
    output.say(&format!(
        "dropped {} ({records} records); chancery table restore {} brings it back",
        table.slug, table.slug
    ));
    Ok(())
}

fn purge_table(target: &dyn Target, name: &str, yes: bool, output: &Output) -> Result<(), Failure> {
    let named = |table: &WireTable| table.id == name || table.slug == name;
    let table = match target.table(name) {
        Ok(table) => table,
        Err(absent) => target.deleted_tables()?.into_iter().find(named).ok_or(absent)?,
    };
    agree(
        output,
        &format!("Drop table \"{}\" with all its records for good?", table.slug),
        yes,
    )?;
    target.purge_table(&table.id)?;
    output.say(&format!("dropped {} for good", table.slug));
    Ok(())
}

/// Goes on if somebody agrees, now or with --yes.
fn agree(output: &Output, question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !output.somebody_there() {
        return Err(Failure::new("nobody is there to ask whether this is meant").hint("add --yes"));
    }
    match output.confirm(question)? {
        true => Ok(()),
        false => Err(Failure::new("left as it is")),
    }
}

fn columns(target: &dyn Target, action: ColumnAction, output: &Output) -> Result<Exit, Failure> {
    match action {
        ColumnAction::List { table, deleted } => {
            let mut table = target.table(&table)?;
            if deleted {
                table.columns = Some(target.deleted_columns(&table.id)?);
            }
            if output.json() {
                output.value(&table.columns)?;
                return Ok(Exit::Done);
            }
            let mut out = output.data();
            column_table(&table).write(&mut out)?;
            out.flush()?;
        }
        ColumnAction::Add { table, column: text } => {
            let added = target.add_column(&table, column(&text)?)?;
            match output.json() {
                true => output.value(&added),
                false => output.line(&added.slug),
            }?;
        }
        ColumnAction::ChangeType(change) => return change.run(target, output),
        ColumnAction::Delete { table, column, yes } => {
            agree(
                output,
                &format!("Delete column \"{column}\" of \"{table}\" with its values?"),
                yes,
            )?;
            target.delete_column(&table, &column)?;
            output.say(&format!(
                "deleted {table}.{column}; chancery table columns restore {table} {column} brings it back"
            ));
        }
        ColumnAction::Restore { table, column } => {
            let back = target.restore_column(&table, &column)?;
            match output.json() {
                true => output.value(&back)?,
                false => output.say(&format!("{table}.{} is back", back.slug)),
            }
        }
    }
    Ok(Exit::Done)
}

/// A column as it is written on the command line: `price:currency:currency=EUR:required`.
fn column(text: &str) -> Result<ColumnCreate, Failure> {
    let wrong = |message: String| {
        Failure::new(message).hint("write name:type[:setting…], such as title:text:required")
    };
    let mut parts = text.split(':').map(str::trim);
    let (Some(name), Some(field_type)) = (parts.next().filter(|name| !name.is_empty()), parts.next()) else {
        return Err(wrong(format!("\"{text}\" is no column")));
    };
    let mut column = ColumnCreate {
        name: name.to_owned(),
        field_type: field_type.to_owned(),
        ..ColumnCreate::default()
    };
    let mut rules = Validation::default();
    for part in parts {
        match part.split_once('=') {
            Some((setting, value)) => set(&mut column, &mut rules, setting, value).map_err(&wrong)?,
            None => match part {
                "required" => rules.required = true,
                "unique" => rules.unique = true,
                "indexed" => column.indexed = Some(true),
                "encrypted" => drop(column.encrypted.get_or_insert_default()),
                "primary" => column.is_primary = Some(true),
                other => {
                    return Err(wrong(format!(
                        "\"{other}\" is no setting of a column; there are required, unique, indexed, primary, encrypted and name=value"
                    )));
                }
            },
        }
    }
    // What is found or kept unique without being opened is what its index is for.
    let found = rules.unique || column.indexed == Some(true);
    if let Some(encryption) = &mut column.encrypted {
        encryption.indexed = found;
    }
    column.validation = Some(rules);
    Ok(column)
}

pub(crate) fn mask(name: &str) -> Result<ColumnMask, String> {
    serde_json::from_value(Json::from(name))
        .map_err(|_| format!("\"{name}\" is no mask; there are full, last4 and email"))
}

fn set(column: &mut ColumnCreate, rules: &mut Validation, setting: &str, value: &str) -> Result<(), String> {
    let whole = || {
        value
            .parse::<u64>()
            .map_err(|_| format!("{setting}={value}: a whole number is needed"))
    };
    let number = || {
        let number = serde_json::from_str::<serde_json::Number>(value);
        number.map_err(|_| format!("{setting}={value}: a number is needed"))
    };
    match setting {
        "default" => column.default_value = Some(typed(value, &column.field_type)),
        "encrypted" | "mask" => column.encrypted.get_or_insert_default().mask = mask(value)?,
        "options" => {
            let named = |name: &str| OptionCreate {
                name: name.trim().to_owned(),
                ..OptionCreate::default()
            };
            column.options = Some(value.split('|').map(named).collect());
        }
        // Stars are limited by the type's own setting.
        "min" | "max" if column.field_type != "rating" => match setting {
            "min" => rules.min = Some(number()?),
            _ => rules.max = Some(number()?),
        },
        "minLength" => rules.min_length = Some(whole()?),
        "maxLength" => rules.max_length = Some(whole()?),
        "pattern" => rules.pattern = Some(value.to_owned()),
        other => {
            let json = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
            column
                .config
                .get_or_insert_default()
                .insert(other.to_owned(), json);
        }
    }
    Ok(())
}

/// `1204` as `1,204`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_reads_as_it_is_written() {
        let price = column("Price: currency:currency=EUR:precision=0:required:default=5").unwrap();
        assert_eq!(
            (price.name.as_str(), price.field_type.as_str()),
            ("Price", "currency")
        );
        assert_eq!(
            price.config,
            Some(
                json!({"currency": "EUR", "precision": 0})
                    .as_object()
                    .unwrap()
                    .clone()
            )
        );
        assert!(price.validation.unwrap().required);
        assert_eq!(price.default_value, Some(json!(5)));
        let status = column("status:select:options=todo|in work:indexed").unwrap();
        assert_eq!(status.options.unwrap()[1].name, "in work");
        assert_eq!(status.indexed, Some(true));
        assert_eq!(
            column("n:number:min=1").unwrap().validation.unwrap().min,
            Some(1.into())
        );
    }

    #[test]
    fn what_is_no_column_is_refused() {
        for text in [
            "",
            "name",
            ":text",
            "a:text:requird",
            "a:number:min=x",
            "a:text:maxLength=-1",
        ] {
            assert!(column(text).is_err(), "{text}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
