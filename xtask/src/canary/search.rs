//! Looking for texts in files, in every form that a program may have given them. Knows nothing of where they come from.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use regex::bytes::{Regex, RegexBuilder};

/// Texts in all their forms, as one pattern.
pub(crate) struct Search {
    pattern: Regex,
    /// What each form is: of which text, and how it was written.
    forms: Vec<(Vec<u8>, String)>,
    decoy: String,
}

impl Search {
    /// Prepares a search for secrets, each with what it is, and for the decoy.
    pub(crate) fn new(secrets: &[(String, String)], decoy: &str) -> Result<Search> {
        let mut forms = Vec::new();
        for (what, text) in secrets {
            for (form, bytes) in written(text) {
                forms.push((bytes, format!("{what} {form}")));
            }
        }
        // Of the decoy it is enough that it is seen.
        for (_, bytes) in written(decoy) {
            forms.push((bytes, DECOY.to_owned()));
        }
        let mut pattern = String::from("(?-u)");
        for (at, (bytes, _)) in forms.iter().enumerate() {
            pattern.push_str(if at == 0 { "" } else { "|" });
            for byte in bytes {
                let _ = write!(pattern, "\\x{byte:02x}");
            }
        }
        pattern.push('|');
        pattern.push_str(DRAWN);
        let pattern = RegexBuilder::new(&pattern)
            .size_limit(1 << 28)
            .dfa_size_limit(1 << 28)
            .build()?;
        Ok(Search {
            pattern,
            forms,
            decoy: decoy.to_owned(),
        })
    }

    pub(crate) fn forms(&self) -> usize {
        written(&self.decoy).len()
    }

    /// What is in some bytes, each thing once.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for hit in self.pattern.find_iter(bytes) {
            let what = self.forms.iter().find(|(form, _)| form == hit.as_bytes());
            let what = what.map_or("a drawn token", |(_, what)| what.as_str());
            if !found.contains(&what) {
                found.push(what);
            }
        }
        found
    }
}

const DECOY: &str = "decoy";
/// A token that the vault drew, whichever: 30 characters of Crockford's base 32 behind its prefix.
const DRAWN: &str = "tk_[0-9A-HJKMNP-TV-Z]{30}";

/// A text in every form, each with its name.
fn written(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let each = |form: fn(&u8) -> String| bytes.iter().map(form).collect::<String>().into_bytes();
    let list = bytes.iter().map(u8::to_string).collect::<Vec<_>>();
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("in capitals", text.to_uppercase().into_bytes()),
        ("in hexadecimal digits", each(|byte| format!("{byte:02x}"))),
        ("in hexadecimal capitals", each(|byte| format!("{byte:02X}"))),
        ("percent-encoded", each(|byte| format!("%{byte:02X}"))),
        (
            "percent-encoded in small letters",
            each(|byte| format!("%{byte:02x}")),
        ),
        ("escaped as JSON", each(|byte| format!("\\u{byte:04x}"))),
        ("escaped as C", each(|byte| format!("\\x{byte:02x}"))),
        ("as a list of numbers", list.join(", ").into_bytes()),
        ("as a list of numbers without blanks", list.join(",").into_bytes()),
        (
            "in UTF-16",
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "in UTF-16, big end first",
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
    ];
    // Where in a group of three bytes it begins shifts its digits. Those that also hold bits of a neighbour are left out.
    for (name, alphabet) in [("in base64", STANDARD), ("in base64 for URLs", URL)] {
        for before in 0..3 {
            forms.push((
                name,
                base64(&[&vec![0; before][..], bytes].concat(), alphabet, before),
            ));
        }
    }
    if let Some(key) = key_bytes(text) {
        forms.push(("as its bytes", key));
    }
    let mut kept: Vec<(&'static str, Vec<u8>)> = Vec::new();
    for (name, form) in forms {
        if !kept.iter().any(|(_, other)| *other == form) {
            kept.push((name, form));
        }
    }
    kept
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The bytes that a log shows sixteen in a line, as `7365 6372 …  secret…`, which would tear everything longer apart.
fn dumped(log: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in log.split(|byte| *byte == b'\n').filter(|line| line.len() < 200) {
        let words = line.split(|byte| *byte == b' ').filter(|word| word.len() == 4);
        let groups = words.filter(|word| word.iter().all(u8::is_ascii_hexdigit));
        bytes.extend(
            groups
                .flat_map(|word| [&word[..2], &word[2..]])
                .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()),
        );
    }
    bytes
}

/// A text of a multiple of three bytes in base64.
pub(crate) fn in_base64(text: &str) -> String {
    String::from_utf8_lossy(&base64(text.as_bytes(), STANDARD, 0)).into_owned()
}

/// The digits that depend on nothing but the bytes behind the first few.
fn base64(bytes: &[u8], alphabet: &[u8; 64], before: usize) -> Vec<u8> {
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let first = (before * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    (first..last)
        .map(|digit| {
            let value = (0..6).fold(0, |value, at| value << 1 | bit(digit * 6 + at));
            alphabet[usize::from(value)]
        })
        .collect()
}

/// The bytes of a key that is written in 64 hexadecimal digits.
fn key_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = (text.len() == 64).then(|| text.as_bytes().chunks(2));
    digits?
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// What was found where.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

struct Line {
    place: String,
    files: usize,
    bytes: usize,
    /// Whether the decoy must be there; and in how many files it is.
    is_wanted: bool,
    decoys: usize,
    leaks: Vec<String>,
}

impl Report {
    /// Looks through a file, or a folder and all below it.
    pub(crate) fn look(&mut self, place: &str, path: &Path, search: &Search, is_wanted: bool) -> Result<()> {
        let mut line = Line {
            place: place.to_owned(),
            files: 0,
            bytes: 0,
            is_wanted,
            decoys: 0,
            leaks: Vec::new(),
        };
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let entries =
                    std::fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
                for entry in entries {
                    open.push(entry?.path());
                }
                continue;
            }
            // Sockets and what a database server removes meanwhile.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            line.files += 1;
            line.bytes += bytes.len();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let mut content = search.found(name.as_bytes());
            content.extend(search.found(&bytes));
            content.extend(search.found(&dumped(&bytes)));
            for what in content {
                match what {
                    DECOY => line.decoys += 1,
                    _ => line.leaks.push(format!("{what}, in {}", path.display())),
                }
            }
        }
        self.lines.push(line);
        Ok(())
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:<18}{:>7}{:>12}{:>8}{:>9}\n",
            "place", "files", "bytes", "decoy", "secrets"
        );
        for line in &self.lines {
            let decoy = match (line.decoys, line.is_wanted) {
                (0, true) => "MISSING",
                (0, false) => "-",
                _ => "seen",
            };
            let _ = writeln!(
                text,
                "{:<18}{:>7}{:>12}{decoy:>8}{:>9}",
                line.place,
                line.files,
                line.bytes,
                line.leaks.len()
            );
        }
        text
    }

    /// Fails if a secret was found, or if the decoy was not where it must be.
    pub(crate) fn judge(&self) -> Result<()> {
        let leaks: Vec<_> = self
            .lines
            .iter()
            .flat_map(|line| &line.leaks)
            .map(|leak| format!("  {leak}"))
            .collect();
        if !leaks.is_empty() {
            bail!(
                "secrets were written down (look at them with --keep):\n{}",
                leaks.join("\n")
            );
        }
        let blind = self
            .lines
            .iter()
            .filter(|line| line.is_wanted && line.decoys == 0);
        let blind: Vec<_> = blind.map(|line| line.place.as_str()).collect();
        if !blind.is_empty() {
            bail!(
                "the decoy is not in {}: a secret would not have been seen there either",
                blind.join(", ")
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kv0123456789abcdef";

    fn search() -> Search {
        let secrets = [("the value".to_owned(), SECRET.to_owned())];
        Search::new(&secrets, "decoy99aa").expect("a pattern")
    }

    /// What is said of a folder with one file of these bytes.
    fn judged(name: &str, bytes: &[u8]) -> std::result::Result<(), String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), bytes).expect("written");
        let mut report = Report::default();
        report
            .look("place", folder.path(), &search(), false)
            .expect("read");
        report.judge().map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_found_in_every_form_in_the_middle_of_anything() {
        assert_eq!(judged("file", b"nothing"), Ok(()));
        for (form, bytes) in written(SECRET) {
            let around = [&[0, 0xff, b'x'][..], &bytes, b"\0y"].concat();
            let told = judged("file", &around).expect_err(form);
            assert!(told.contains("the value"), "{form}: {told}");
        }
        assert!(judged(SECRET, b"").is_err(), "in the name of a file");
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_begins() {
        for alphabet in [STANDARD, URL] {
            for before in 0..7 {
                let bytes = [&vec![b'?'; before][..], SECRET.as_bytes(), b"ending"].concat();
                let digits = base64(&bytes, alphabet, 0);
                assert!(judged("file", &digits).is_err(), "{before}");
            }
        }
        // As others write it (RFC 4648, section 10).
        assert_eq!(base64(b"foobar", STANDARD, 0), b"Zm9vYmFy");
    }

    #[test]
    fn a_secret_is_found_in_a_dump_of_bytes() {
        let dump = "10:00:00Z TRACE 3f3f 6b76 3031 3233 3435 3637 3839 6162  ??kv0123456789ab\n\
                    10:00:00Z TRACE 6364 6566 ---- ---- ---- ---- ---- ----  cdef\n";
        assert!(judged("log", dump.as_bytes()).is_err());
    }

    #[test]
    fn a_key_is_found_as_its_bytes() {
        let key = "ab".repeat(32);
        let search = Search::new(&[("the key".to_owned(), key)], "decoy99aa").expect("a pattern");
        assert_eq!(search.found(&[0xab; 33]), ["the key as its bytes"]);
    }

    #[test]
    fn a_place_without_the_decoy_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let judged = |bytes: &[u8]| {
            std::fs::write(folder.path().join("log"), bytes).expect("written");
            let mut report = Report::default();
            report.look("log", folder.path(), &search(), true).expect("read");
            report.judge()
        };
        assert!(judged(b"a decoy99aa goes by").is_ok());
        let error = judged(b"nothing").expect_err("blind");
        assert!(error.to_string().contains("the decoy is not in log"));
    }
}
