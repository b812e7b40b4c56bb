//! Whatever comes in, as the rows of one plain file: packed files unpacked, workbooks and JSON objects written as cells.
//! It decides nothing about values.

use std::io::{BufRead, BufReader};

use super::binary;
use super::file::{FileFormat, ImportFile, unreadable};
use super::flat;
use super::options::{ImportControl, ReadOptions};
use super::sheet;
use super::unpack::{self, Packing};
use crate::error::Error;

/// Bytes in which it shows whether a file is JSON.
const LOOK_BYTES: usize = 64 * 1024;

/// The rows of a file: itself if it is plain text in rows, otherwise what was made out of it. Blocks.
///
/// # Errors
/// [`Error::File`] for what cannot be read as what it is, or is something else than the caller said; [`Error::Limit`].
pub(super) fn rows(
    file: &ImportFile,
    read: &ReadOptions,
    control: &ImportControl,
) -> Result<ImportFile, Error> {
    if file.origin().is_some() {
        return Ok(file.clone());
    }
    let packing = unpack::packing(file)?;
    let workbook = match packing {
        Packing::Zip => unpack::is_workbook(&unpack::archive(file)?),
        _ => false,
    };
    let found = if workbook {
        Some((FileFormat::Xlsx, file.clone()))
    } else {
        let plain = plain(file, packing, control)?;
        binary::refuse(&plain)?;
        let json = match read.format {
            Some(format) => format == FileFormat::Json,
            None => is_json(&plain)?,
        };
        let format = if json { FileFormat::Json } else { FileFormat::Csv };
        Some((format, plain)).filter(|_| read.format != Some(FileFormat::Xlsx))
    };
    match found {
        Some((FileFormat::Xlsx, file)) if matches!(read.format, None | Some(FileFormat::Xlsx)) => {
            sheet::rows(&file, read.sheet.as_deref(), control)
        }
        Some((FileFormat::Json, file)) => {
            refuse_export(&file)?;
            flat::rows(&file, control)
        }
        Some((FileFormat::Csv, file)) => Ok(file),
        _ => Err(not_said(read.format)),
    }
}

/// The content of a packed file, or the file itself.
///
/// # Errors
/// As [`rows`].
pub(super) fn plain(
    file: &ImportFile,
    packing: Packing,
    control: &ImportControl,
) -> Result<ImportFile, Error> {
    if packing == Packing::OldWorkbook {
        return Err(Error::File {
            message: "The file is a workbook of before 2007, or one with a password".into(),
            hint: "Save it as .xlsx without a password, or as CSV.".into(),
        });
    }
    let plain = unpack::unpacked(file, packing, control)?;
    if packing != Packing::Plain && unpack::packing(&plain)? != Packing::Plain {
        return Err(Error::File {
            message: "The file is packed twice".into(),
            hint: "Unpack it once and send what comes out.".into(),
        });
    }
    Ok(plain)
}

fn not_said(format: Option<FileFormat>) -> Error {
    let what = match format {
        Some(FileFormat::Xlsx) => "no workbook (.xlsx)",
        Some(FileFormat::Json) => "no JSON",
        _ => "a workbook, no CSV",
    };
    Error::File {
        message: format!("The file is {what}"),
        hint: "Send the file that was meant, or leave the format out: it is found out.".into(),
    }
}

/// Refuses the export of a whole table, which is no list of records.
fn refuse_export(file: &ImportFile) -> Result<(), Error> {
    let mut reader = BufReader::with_capacity(LOOK_BYTES, file.open()?);
    let start = reader.fill_buf().map_err(|error| unreadable(&error))?;
    let begins = start
        .trim_ascii_start()
        .strip_prefix(b"{")
        .map(<[u8]>::trim_ascii_start);
    let versioned = begins.is_some_and(|rest| rest.starts_with(b"\"version\""));
    if !versioned || !start.windows(b"\"table\"".len()).any(|part| part == b"\"table\"") {
        return Ok(());
    }
    Err(Error::File {
        message: "The file is the export of a whole table, with its columns".into(),
        hint: "Make the table of it with POST /api/tables/import/json or chancery import, or add its records to one with POST …/import/json.".into(),
    })
}

/// Whether a file begins as JSON objects do: `{"` or `[{`, whatever space is between.
fn is_json(file: &ImportFile) -> Result<bool, Error> {
    let mut reader = BufReader::with_capacity(LOOK_BYTES, file.open()?);
    let start = reader.fill_buf().map_err(|error| unreadable(&error))?;
    let start = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    let after = |mark: u8| start.strip_prefix(&[mark]).map(<[u8]>::trim_ascii_start);
    Ok(match (after(b'{'), after(b'[')) {
        (Some(rest), _) => matches!(rest.first(), Some(b'"' | b'}')),
        (_, Some(rest)) => matches!(rest.first(), Some(b'{')) || rest.trim_ascii() == b"]",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_from_cells_by_its_beginning() {
        let check = |text: &str, json: bool| {
            assert_eq!(
                is_json(&ImportFile::bytes(text.as_bytes())).expect("memory can be read"),
                json,
                "{text}"
            );
        };
        check("[{\"a\": 1}]", true);
        check("\u{feff}\n [ \n {\"a\": 1}]", true);
        check("{\"a\": 1}\n{\"a\": 2}", true);
        check("[]", true);
        check("[id],[name]\n1,x", false);
        check("{id},name\n1,x", false);
        check("a,b\n[{,1", false);
        check("", false);
    }
}
