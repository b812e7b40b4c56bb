//! Quotes around cells, and the apostrophe before texts that a spreadsheet would run (OWASP, "CSV injection"). Reads nothing.

use memchr::{memchr, memchr3};

/// Whether a cell must stand in quotes, so that every program reads it back as it is.
pub(crate) fn needs_quotes(cell: &[u8], delimiter: u8) -> bool {
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    edge(cell.first())
        || edge(cell.last())
        || memchr3(b'"', b'\n', b'\r', cell).is_some()
        || memchr(delimiter, cell).is_some()
        || cell.first() == Some(&b'\'') && cell.len() > 1 && cell.last() == Some(&b'\'')
        || cell.starts_with("\u{feff}".as_bytes())
}

/// Whether a text needs an apostrophe: it begins like a formula, perhaps behind apostrophes of its own.
pub(crate) fn needs_guard(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\'' | 0xEF) => text
            .trim_start_matches('\'')
            .starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']),
        _ => false,
    }
}

/// Whether a text is one that got an apostrophe.
pub(crate) fn guarded(text: &str) -> bool {
    text.strip_prefix('\'').is_some_and(needs_guard)
}

/// Appends a cell that holds `text`: quoted where it must be, guarded if asked. The empty text is `""`.
pub(crate) fn write_text(out: &mut String, text: &str, delimiter: u8, guard: bool) {
    let from = out.len();
    out.push_str(text);
    finish_text(out, from, delimiter, guard);
}

/// Makes a cell of the text that `out` holds from `from` on.
pub(crate) fn finish_text(out: &mut String, from: usize, delimiter: u8, guard: bool) {
    let text = &out[from..];
    let guard = guard && needs_guard(text);
    if !text.is_empty() && !guard && !needs_quotes(text.as_bytes(), delimiter) {
        return;
    }
    let text = out.split_off(from);
    out.push('"');
    if guard {
        out.push('\'');
    }
    let mut parts = text.split('"');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        out.push_str("\"\"");
        out.push_str(part);
    }
    out.push('"');
}

/// Appends the first row. One name that needs no quotes, the last of them, gets some: the mark of an export.
pub(crate) fn write_names<'a>(out: &mut String, names: &[&'a str], delimiter: u8, marked: bool) {
    let plain = |name: &&'a str| !name.is_empty() && !needs_quotes(name.as_bytes(), delimiter);
    let mark = names.iter().rposition(plain).filter(|_| marked);
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(char::from(delimiter));
        }
        if mark == Some(index) {
            out.push('"');
            out.push_str(name);
            out.push('"');
        } else {
            write_text(out, name, delimiter, false);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, cell: &str) {
        let mut out = String::from("x,");
        write_text(&mut out, text, b',', true);
        assert_eq!(&out[2..], cell, "{text:?}");
    }

    #[test]
    fn every_beginning_of_a_formula_is_guarded() {
        check("=1+1", "\"'=1+1\"");
        check("+49", "\"'+49\"");
        check("-5", "\"'-5\"");
        check("@SUM(A1)", "\"'@SUM(A1)\"");
        check("\tx", "\"'\tx\"");
        check("\rx", "\"'\rx\"");
        check("＝1", "\"'＝1\"");
        check("＋1", "\"'＋1\"");
        check("－1", "\"'－1\"");
        check("＠x", "\"'＠x\"");
        check("'=1", "\"''=1\"");
        check("''=1", "\"'''=1\"");
    }

    #[test]
    fn other_texts_are_quoted_only_where_they_must_be() {
        check("plain", "plain");
        check("'tis", "'tis");
        check("a=b", "a=b");
        check("", "\"\"");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\nlines", "\"two\nlines\"");
        check(" x", "\" x\"");
        check("00501", "00501");
        check("日本", "日本");
    }

    #[test]
    fn guarded_texts_are_told_from_others() {
        assert!(guarded("'=1") && guarded("''=1") && guarded("'＝1"));
        assert!(!guarded("'tis") && !guarded("=1") && !guarded("'") && !guarded(""));
    }

    #[test]
    fn the_last_plain_name_carries_the_mark() {
        let names = |names: &[&str]| {
            let mut out = String::new();
            write_names(&mut out, names, b',', true);
            out
        };
        assert_eq!(names(&["a", "b"]), "a,\"b\"\r\n");
        assert_eq!(names(&["a", "b, c"]), "\"a\",\"b, c\"\r\n");
    }
}
