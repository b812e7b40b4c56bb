//! Where output goes: data to stdout, talk to stderr. Decides nothing about what is said.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::{Path, PathBuf};

use console::Style;
use serde::Serialize;

use crate::failure::Failure;

/// Writes beside a file and puts it in place at the end, so that what fails leaves no half file.
pub(crate) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let told = |error: io::Error| Failure::new(format!("{}: {error}", path.display()));
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut out = BufWriter::new(File::create(&part).map_err(told)?);
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    drop(out);
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
        return written;
    }
    std::fs::rename(&part, path).map_err(told)
}

/// The two streams, and whether data are for programs.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether `--json` was asked for.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Stdout, for data. Flush it at the end.
    pub(crate) fn data(&self) -> BufWriter<StdoutLock<'static>> {
        BufWriter::new(io::stdout().lock())
    }

    /// One line of data.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = self.data();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// One JSON value: easy to read on a terminal, one line for programs.
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut out = self.data();
        if io::stdout().is_terminal() {
            serde_json::to_writer_pretty(&mut out, value)?;
        } else {
            serde_json::to_writer(&mut out, value)?;
        }
        writeln!(out)?;
        Ok(out.flush()?)
    }

    /// Talk. Nobody listening to it is no failure.
    pub(crate) fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Something the caller should know although it worked.
    pub(crate) fn warn(&self, text: &str) {
        let mark = Style::new().for_stderr().yellow().bold().apply_to("note:");
        self.say(&format!("{mark} {text}"));
    }

    /// Says why a command did not do what it was asked.
    pub(crate) fn failure(&self, failure: &Failure) {
        let Failure::Told(told) = failure else { return };
        if self.json {
            return self.say(&failure.to_json().to_string());
        }
        let mark = Style::new().for_stderr().red().bold().apply_to("chancery:");
        let mut text = format!("{mark} {}", told.message);
        let width = told
            .issues
            .iter()
            .map(|(field, _)| console::measure_text_width(field))
            .max()
            .unwrap_or(0);
        for (field, message) in &told.issues {
            text.push_str(&format!(
                "\n  {}  {message}",
                console::pad_str(field, width, console::Alignment::Left, None)
            ));
        }
        if let Some(hint) = &told.hint {
            text.push_str(&format!(
                "\n  {} {hint}",
                Style::new().for_stderr().cyan().apply_to("hint:")
            ));
        }
        self.say(&text);
    }

    /// Whether somebody is at the keyboard and sees what we ask.
    pub(crate) fn somebody_there(&self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a question that is answered with yes or no; anything but yes is no.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let mut err = io::stderr().lock();
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}
