//! Files that are no text: pictures, documents, programs. What is told by its beginning is named, so that whoever chose the wrong file sees which.

use std::io::{BufRead, BufReader};

use super::decode;
use super::file::{ImportFile, unreadable};
use crate::error::Error;

/// Bytes that are looked at.
const LOOK_BYTES: usize = 64 * 1024;
/// Of how many bytes one may be a control character.
const CONTROLS_OF: usize = 20;

/// How files begin that people take for others.
const BEGINNINGS: [(&[u8], &str); 13] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"RIFF", "a picture, sound or film"),
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
];

/// Refuses a file that is no text.
///
/// # Errors
/// [`Error::File`] that says what it seems to be.
pub(super) fn refuse(file: &ImportFile) -> Result<(), Error> {
    let mut reader = BufReader::with_capacity(LOOK_BYTES, file.open()?);
    let start = reader.fill_buf().map_err(|error| unreadable(&error))?;
    let Some(what) = kind(start) else {
        return Ok(());
    };
    Err(Error::File {
        message: format!("The file is {what}, not a table"),
        hint: "Send CSV, TSV, JSON or an Excel workbook (.xlsx), packed or not.".into(),
    })
}

fn kind(start: &[u8]) -> Option<&'static str> {
    let known = BEGINNINGS
        .iter()
        .find(|(beginning, _)| start.starts_with(beginning));
    if let Some((_, what)) = known {
        return Some(what);
    }
    if decode::is_wide(start) {
        return None;
    }
    let control = |byte: &&u8| **byte < b' ' && !b"\t\n\r\x0b\x0c\x1a\x1b".contains(byte);
    let controls = start.iter().filter(control).count();
    (controls * CONTROLS_OF > start.len()).then_some("no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_from_text_in_any_encoding() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some("a PNG picture"));
        assert_eq!(kind(&[1, 2, 3, 0, 0, 200, 7, 8]), Some("no text"));
        assert_eq!(kind(b"name,town\nAnn,Brno\n"), None);
        assert_eq!(kind("name,město\n".as_bytes()), None);
        let wide: Vec<u8> = "name,town\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(kind(&wide), None);
        // One byte that does not belong there is for whoever reads the rows.
        assert_eq!(kind(b"name,town\nAnn,Br\0no and more\n"), None);
        assert_eq!(kind(b""), None);
    }
}
