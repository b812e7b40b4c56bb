//! `chancery file`: files of records, in and out. It speaks the HTTP API, on a server and on a database of this machine alike; nothing
//! of a file is held in memory.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use chancery_api::files::File;
use chancery_api::records::{Record, RecordUpdate};
use clap::{Args, Subcommand};
use serde_json::Value as Json;
use ureq::http::{Method, Request, Response, header};
use url::Url;

use crate::failure::{Exit, Failure};
use crate::output::{Output, to_file};
use crate::table_text::TextTable;
use crate::target::{Change, Form, Missing, Sent, Target, TargetArgs};

/// The member of a record's data that describes its files, by column.
const FILES: &str = "_files";

/// Attach files to records, fetch, list and detach them
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  chancery file attach pets 7 cat.png
  chancery file attach pets 7 scan-1.pdf scan-2.pdf --column papers
  chancery file list pets 7
  chancery file get pets 7 cat.png -o /tmp/
  chancery file detach pets 7 cat.png")]
pub(crate) struct Files {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Attach files to a record
    #[command(after_long_help = "\
Into the place of the one that a `file` column has, behind those of a `files` column.

Examples:
  chancery file attach pets 7 cat.png
  chancery file attach pets 7 scan-1.pdf scan-2.pdf --column papers")]
    Attach {
        #[command(flatten)]
        of: OfRecord,
        /// The files
        #[arg(required = true, value_name = "FILE")]
        paths: Vec<PathBuf>,
    },
    /// Write what is in a file to stdout or a file
    #[command(after_long_help = "\
Examples:
  chancery file get pets 7 > cat.png                 the record has one file
  chancery file get pets 7 cat.png -o tom.png
  chancery file get pets 7 cat.png -o /tmp/          under its own name, into a folder")]
    Get {
        #[command(flatten)]
        of: OfRecord,
        /// Its name or id; may be left out if the record has one file
        file: Option<String>,
        /// The file to write, or the folder to write it into under its own name; stdout if absent
        #[arg(short, long, value_name = "PATH")]
        output: Option<PathBuf>,
        /// Replace a file of that name in the folder
        #[arg(long)]
        force: bool,
    },
    /// List the files of a record
    List {
        #[command(flatten)]
        of: OfRecord,
    },
    /// Take a file out of a record
    #[command(after_long_help = "\
The file itself stays until nobody names it any more, so the step can be taken back. With --permanent it is deleted for good, unless \
other records name it, or this one in another column.

Examples:
  chancery file detach pets 7 cat.png
  chancery file detach pets 7 0199c0de-… --permanent")]
    Detach {
        #[command(flatten)]
        of: OfRecord,
        /// Its name or id
        file: String,
        /// Delete the file for good
        #[arg(long)]
        permanent: bool,
    },
}

/// A record, and perhaps a column of it.
#[derive(Args, Debug)]
struct OfRecord {
    /// The table
    table: String,
    /// The record's id or key
    id: String,
    /// The column for files; may be left out if the table has one
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,
}

/// A file of a record.
struct Attached {
    column: String,
    file: File,
}

impl Files {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        match self.action {
            Action::Attach { of, paths } => attach(&*target, &of, &paths, output)?,
            Action::Get {
                of,
                file,
                output: to,
                force,
            } => get(&*target, &of, file.as_deref(), (to.as_deref(), force))?,
            Action::List { of } => list(&*target, &of, output)?,
            Action::Detach { of, file, permanent } => detach(&*target, &of, (&file, permanent), output)?,
        }
        Ok(Exit::Done)
    }
}

fn attach(target: &dyn Target, of: &OfRecord, files: &[PathBuf], output: &Output) -> Result<(), Failure> {
    // Before the first is sent: a name that is misspelt shall not leave half of them attached.
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        return Err(match missing.is_dir() {
            true => Failure::new(format!("{} is a folder", missing.display()))
                .hint("name the files in it, or pack it"),
            false => Failure::new(format!("there is no file {}", missing.display())),
        });
    }
    let mut path = path(&["api", "tables", &of.table, "records", &of.id, "files"]);
    if let Some(column) = &of.column {
        path.query_pairs_mut().append_pair("column", column);
    }
    let mut record = None;
    for (done, file) in files.iter().enumerate() {
        let (content_type, sent) = Form::new().with_file("file", file)?;
        let request = Request::post(&path[url::Position::BeforePath..])
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, "application/json");
        let sent = target
            .ask(with(request, Some(Box::new(sent)))?)
            .map_err(|failure| match done {
                0 => failure,
                done => failure.hint(format!("{done} of {} were attached before", files.len())),
            })?;
        record = Some(read(sent)?);
        if !output.json() {
            output.say(&format!("{} is attached", file.display()));
        }
    }
    match record.filter(|_| output.json()) {
        Some(record) => output.value(&record),
        None => Ok(()),
    }
}

fn get(
    target: &dyn Target,
    of: &OfRecord,
    named: Option<&str>,
    (to, force): (Option<&Path>, bool),
) -> Result<(), Failure> {
    let (_, all) = files_of(target, of)?;
    let file = &one(&all, of, named)?.file;
    if to.is_none() && io::stdout().is_terminal() && !file.media_type.starts_with("text/") {
        return Err(Failure::new(format!(
            "\"{}\" is {}, which no terminal shows",
            file.name, file.media_type
        ))
        .hint("write it into a file with -o FILE, or -o . for its own name"));
    }
    let place = path(&["api", "files", &file.id, "download"]);
    let answer = target.ask(with(Request::get(place.path()), None)?)?;
    let mut content = answer.into_body();
    let Some(to) = to else {
        let mut out = io::stdout().lock();
        io::copy(&mut content, &mut out)?;
        return Ok(out.flush()?);
    };
    let path = match to.is_dir() {
        false => to.to_owned(),
        true => {
            let path = to.join(own_name(&file.name)?);
            if path.exists() && !force {
                return Err(Failure::new(format!("{} is there already", path.display()))
                    .hint("name another file with -o, or replace it with --force"));
            }
            path
        }
    };
    let size = file.size;
    to_file(&path, |out| match io::copy(&mut content, out)? {
        copied if copied == size => Ok(()),
        copied => Err(Failure::new(format!("of {size} bytes {copied} came")).hint("try again")),
    })
}

fn list(target: &dyn Target, of: &OfRecord, output: &Output) -> Result<(), Failure> {
    let (_, all) = files_of(target, of)?;
    if output.json() {
        let all: Vec<&File> = all.iter().map(|attached| &attached.file).collect();
        return output.value(&all);
    }
    if all.is_empty() {
        output.say("the record has no files");
        return Ok(());
    }
    let mut text = TextTable::new(["column", "name", "bytes>", "type", "came", "id"]);
    for Attached { column, file } in all {
        text.row([
            column,
            file.name,
            file.size.to_string(),
            file.media_type,
            file.created_at,
            file.id,
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

fn detach(
    target: &dyn Target,
    of: &OfRecord,
    (named, permanent): (&str, bool),
    output: &Output,
) -> Result<(), Failure> {
    let (record, all) = files_of(target, of)?;
    let Attached { column, file } = one(&all, of, Some(named))?;
    let rest = match record.data.get(column) {
        Some(Json::Array(ids)) => ids.iter().filter(|id| **id != *file.id).cloned().collect(),
        _ => Json::Null,
    };
    let update = RecordUpdate {
        data: [(column.clone(), rest)].into_iter().collect(),
        metadata: None,
    };
    let record = target.change(&of.table, &of.id, Change::Merge, update, Some(record.version))?;
    if permanent {
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(path(&["api", "files", &file.id]).path());
        target.ask(with(request, None)?).map_err(|failure| {
            failure.hint("it is out of the record, and is deleted when nobody names it any more")
        })?;
    }
    match output.json() {
        true => output.value(&record),
        false => {
            let end = if permanent { " and deleted for good" } else { "" };
            output.say(&format!("\"{}\" is out of the record{end}", file.name));
            Ok(())
        }
    }
}

/// A record and its files, those of one column if one is named.
fn files_of(target: &dyn Target, of: &OfRecord) -> Result<(Record, Vec<Attached>), Failure> {
    let place = path(&["api", "tables", &of.table, "records", &of.id]);
    let record = read(target.ask(with(Request::get(place.path()), None)?)?)?;
    let mut all = Vec::new();
    let described = record.data.get(FILES).and_then(Json::as_object);
    for (column, files) in described.into_iter().flatten() {
        if of.column.as_ref().is_some_and(|wanted| wanted != column) {
            continue;
        }
        for file in serde_json::from_value::<Vec<File>>(files.clone())? {
            let column = column.clone();
            all.push(Attached { column, file });
        }
    }
    if let Some(wanted) = of.column.as_ref().filter(|_| all.is_empty()) {
        let table = target.table(&of.table)?;
        let columns = table.columns.iter().flatten();
        let for_files: Vec<&str> = columns
            .filter(|column| matches!(column.field_type.as_str(), "file" | "files"))
            .map(|column| column.slug.as_str())
            .collect();
        if !for_files.contains(&wanted.as_str()) {
            return Err(
                Failure::new(format!("\"{wanted}\" is no column for files")).hint(format!(
                    "those of \"{}\" are: {}",
                    of.table,
                    for_files.join(", ")
                )),
            );
        }
    }
    Ok((record, all))
}

/// The file that is meant: the only one, or the one with this name or id.
fn one<'a>(all: &'a [Attached], of: &OfRecord, named: Option<&str>) -> Result<&'a Attached, Failure> {
    let told = |all: &[&Attached]| {
        let each = all.iter().map(|attached| {
            let Attached { column, file } = attached;
            format!("{} ({column}, {})", file.name, file.id)
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let fits = |attached: &&Attached| match named {
        Some(named) => attached.file.id == named || attached.file.name == named,
        None => true,
    };
    let found: Vec<&Attached> = all.iter().filter(fits).collect();
    let every: Vec<&Attached> = all.iter().collect();
    match (found.as_slice(), named) {
        ([one], _) => Ok(one),
        ([], _) if all.is_empty() => Err(Failure::refused(format!(
            "record \"{}\" of table \"{}\" has no files",
            of.id, of.table
        ))),
        ([], named) => Err(Failure::refused(format!(
            "the record has no file \"{}\"",
            named.unwrap_or_default()
        ))
        .hint(format!("it has {}", told(&every)))),
        (several, None) => Err(Failure::new("the record has several files")
            .hint(format!("say which, by its name or id: {}", told(several)))),
        (several, Some(named)) => Err(Failure::new(format!("several files are called \"{named}\""))
            .hint(format!("say which by its id, or by --column: {}", told(several)))),
    }
}

/// What a file is called, as a name in a folder: it never leads out of it.
fn own_name(name: &str) -> Result<&OsStr, Failure> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    Path::new(last).file_name().ok_or_else(|| {
        Failure::new(format!("\"{name}\" is no name for a file here")).hint("name one with -o FILE")
    })
}

/// The address of a path, each part one segment, whatever it holds.
fn path(parts: &[&str]) -> Url {
    let mut url = Url::parse("http://localhost").expect("it is an address");
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(parts);
    }
    url
}

fn with(request: ureq::http::request::Builder, sent: Sent) -> Result<Request<Sent>, Failure> {
    request
        .body(sent)
        .map_err(|error| Failure::new(error.to_string()))
}

fn read(answer: Response<Box<dyn Read + '_>>) -> Result<Record, Failure> {
    Ok(serde_json::from_reader(answer.into_body())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_a_folder() {
        for (name, own) in [
            ("cat.png", Some("cat.png")),
            ("../../etc/passwd", Some("passwd")),
            ("a\\b.txt", Some("b.txt")),
            ("..", None),
            ("a/", None),
        ] {
            assert_eq!(own_name(name).ok(), own.map(OsStr::new), "{name}");
        }
    }
}
