//! Packed files, unpacked within limits: gzip, zstd, and zip archives that hold one file. It looks at no rows.

use std::io::{Read, Write};

use chancery_model::limits::{
    IMPORT_UNPACKED_BYTES_FREE, IMPORT_UNPACKED_BYTES_MAX, IMPORT_UNPACKED_RATIO_MAX,
};
use tempfile::NamedTempFile;
use zip::ZipArchive;
use zip::result::ZipError;

use super::file::{Anywhere, ImportFile, unreadable};
use super::options::ImportControl;
use super::scan::cancelled;
use crate::error::Error;

/// Bytes unpacked at once.
const STEP_BYTES: usize = 256 * 1024;
/// The part that every workbook has.
const WORKBOOK: &str = "xl/workbook.xml";

/// How a file is packed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    Plain,
    Gzip,
    Zstd,
    /// A zip archive, as workbooks are.
    Zip,
    /// A workbook of before 2007, or one with a password.
    OldWorkbook,
}

/// An archive.
pub(super) type Archive = ZipArchive<Box<dyn Anywhere>>;

/// How a file is packed.
///
/// # Errors
/// [`Error::File`] if it cannot be read.
pub(super) fn packing(file: &ImportFile) -> Result<Packing, Error> {
    let mut start = Vec::with_capacity(8);
    file.open()?
        .take(8)
        .read_to_end(&mut start)
        .map_err(|error| unreadable(&error))?;
    Ok(match start.as_slice() {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packing::Zstd,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Packing::Zip,
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] => Packing::OldWorkbook,
        _ => Packing::Plain,
    })
}

/// Opens a zip archive.
///
/// # Errors
/// [`Error::File`] for one that is damaged.
pub(super) fn archive(file: &ImportFile) -> Result<Archive, Error> {
    ZipArchive::new(file.open_anywhere()?).map_err(|error| broken_archive(&error))
}

/// Whether an archive is a workbook.
pub(super) fn is_workbook(archive: &Archive) -> bool {
    archive
        .file_names()
        .any(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case(WORKBOOK)))
}

/// The content of a packed file. Blocks.
///
/// # Errors
/// [`Error::File`] for damage, for more than one file in an archive, and for one that grows too much; [`Error::Limit`] beyond
/// [`IMPORT_UNPACKED_BYTES_MAX`].
pub(super) fn unpacked(
    file: &ImportFile,
    packing: Packing,
    control: &ImportControl,
) -> Result<ImportFile, Error> {
    let size = file.len()?;
    match packing {
        Packing::Gzip => pour(flate2::read::MultiGzDecoder::new(file.open()?), size, control),
        Packing::Zstd => {
            let decoder = zstd::stream::read::Decoder::new(file.open()?).map_err(|error| damaged(&error))?;
            pour(decoder, size, control)
        }
        Packing::Zip => {
            let mut archive = archive(file)?;
            let at = only_file(&archive)?;
            let entry = archive.by_index(at).map_err(|error| broken_archive(&error))?;
            let size = entry.compressed_size();
            pour(entry, size, control)
        }
        Packing::Plain | Packing::OldWorkbook => Ok(file.clone()),
    }
}

/// The place of the only file in an archive; what systems put beside it does not count.
fn only_file(archive: &Archive) -> Result<usize, Error> {
    let counts = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or_default();
        !last.is_empty() && !name.starts_with("__MACOSX/") && last != ".DS_Store"
    };
    let names: Result<Vec<_>, _> = archive.file_names().collect();
    let mut names = names.map_err(|error| broken_archive(&error))?;
    names.retain(|name| counts(name));
    match names.as_slice() {
        [name] => archive.index_for_name(name).ok_or_else(|| Error::File {
            message: "The zip archive is damaged: its file cannot be found".into(),
            hint: "Pack it again, or send the file as it is.".into(),
        }),
        many => Err(Error::File {
            message: format!("The zip archive holds {} files; one is expected", many.len()),
            hint: "Pack one CSV or JSON file, or send a workbook (.xlsx).".into(),
        }),
    }
}

/// Puts what is unpacked on the disk, as long as it keeps within the limits.
fn pour(mut source: impl Read, packed: u64, control: &ImportControl) -> Result<ImportFile, Error> {
    let mut file = NamedTempFile::new().map_err(|error| unreadable(&error))?;
    let mut step = vec![0; STEP_BYTES];
    let mut total = 0_u64;
    loop {
        let read = source.read(&mut step).map_err(|error| damaged(&error))?;
        if read == 0 {
            break;
        }
        total += read as u64;
        grown(packed, total)?;
        if control.cancelled() {
            return Err(cancelled());
        }
        file.write_all(&step[..read])
            .map_err(|error| unreadable(&error))?;
    }
    file.flush().map_err(|error| unreadable(&error))?;
    Ok(ImportFile::written(file))
}

/// Whether what is unpacked so far is within the limits.
///
/// # Errors
/// As [`unpacked`].
pub(super) fn grown(packed: u64, total: u64) -> Result<(), Error> {
    if total > IMPORT_UNPACKED_BYTES_MAX {
        return Err(Error::Limit {
            what: "bytes in an unpacked file",
            max: IMPORT_UNPACKED_BYTES_MAX,
            got: total,
        });
    }
    if total > IMPORT_UNPACKED_BYTES_FREE && total / packed.max(1) > IMPORT_UNPACKED_RATIO_MAX {
        return Err(Error::File {
            message: format!(
                "The file unpacks to more than {IMPORT_UNPACKED_RATIO_MAX} times its size, which no table does"
            ),
            hint: "Send it unpacked if it is what it seems.".into(),
        });
    }
    Ok(())
}

fn damaged(error: &std::io::Error) -> Error {
    Error::File {
        message: format!("The packed file is damaged: {error}"),
        hint: "Pack it again, or send it unpacked.".into(),
    }
}

fn broken_archive(error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(text) if text.contains("assword") => Error::File {
            message: "The zip archive has a password".into(),
            hint: "Send it without one.".into(),
        },
        error => Error::File {
            message: format!("The zip archive is damaged: {error}"),
            hint: "Pack it again, or send the file as it is.".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn text_of(bytes: &[u8]) -> Result<String, String> {
        let file = ImportFile::bytes(bytes);
        let packing = packing(&file).expect("memory can be read");
        let plain = unpacked(&file, packing, &ImportControl::default()).map_err(|error| error.to_string())?;
        let mut text = String::new();
        let mut source = plain.open().expect("it opens");
        source.read_to_string(&mut text).expect("it is text");
        Ok(text)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zip(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            let options = SimpleFileOptions::default();
            writer.start_file(*name, options).expect("memory");
            writer.write_all(text.as_bytes()).expect("memory");
        }
        writer.finish().expect("memory").into_inner()
    }

    #[test]
    fn packed_files_are_what_they_hold() {
        assert_eq!(text_of(b"a,b\n").as_deref(), Ok("a,b\n"));
        assert_eq!(text_of(&gzip(b"a,b\n")).as_deref(), Ok("a,b\n"));
        let twice = [gzip(b"a,b\n"), gzip(b"1,2\n")].concat();
        assert_eq!(text_of(&twice).as_deref(), Ok("a,b\n1,2\n"));
        let zstd = zstd::encode_all(&b"a,b\n"[..], 3).expect("memory");
        assert_eq!(text_of(&zstd).as_deref(), Ok("a,b\n"));
        let beside = zip(&[("data/people.csv", "a,b\n"), ("__MACOSX/people.csv", "x")]);
        assert_eq!(text_of(&beside).as_deref(), Ok("a,b\n"));
    }

    #[test]
    fn an_archive_of_several_files_or_none_is_refused() {
        let two = text_of(&zip(&[("a.csv", "a"), ("b.csv", "b")])).expect_err("two files");
        assert_eq!(two, "The zip archive holds 2 files; one is expected");
        let none = text_of(&zip(&[])).expect_err("no file");
        assert_eq!(none, "The zip archive holds 0 files; one is expected");
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let mut cut = gzip("a,b\n1,2\n".repeat(1_000).as_bytes());
        cut.truncate(cut.len() / 2);
        let told = text_of(&cut).expect_err("half a file");
        assert!(told.starts_with("The packed file is damaged"), "{told}");
        let bomb = zstd::encode_all(std::io::repeat(b'0').take(IMPORT_UNPACKED_BYTES_FREE + 1), 1);
        let told = text_of(&bomb.expect("memory")).expect_err("a bomb");
        assert!(
            told.starts_with("The file unpacks to more than 250 times its size"),
            "{told}"
        );
    }
}
