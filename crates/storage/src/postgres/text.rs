//! Texts as the server takes them. PostgreSQL's texts hold every character but U+0000; here it is written as two others,
//! in a way that keeps the order of texts, and what begins with what. It decides no comparisons.

use std::borrow::Cow;

/// Written before [`ZERO`] or [`ONE`].
const MARK: char = '\u{1}';
/// After the mark: U+0000.
const ZERO: char = '\u{1}';
/// After the mark: U+0001, which is the mark itself.
const ONE: char = '\u{2}';

/// A text in the form that is stored. U+0000 becomes 01 01 and U+0001 becomes 01 02, so that both still sort before
/// U+0002 and in their order; every other text is itself.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte <= 1) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => out.extend([MARK, ZERO]),
            MARK => out.extend([MARK, ONE]),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The text that is stored in this form.
pub(super) fn unescape(stored: &str) -> String {
    if !stored.contains(MARK) {
        return stored.to_owned();
    }
    let mut out = String::with_capacity(stored.len());
    let mut chars = stored.chars();
    while let Some(c) = chars.next() {
        match c {
            MARK if chars.next() == Some(ZERO) => out.push('\0'),
            c => out.push(c),
        }
    }
    out
}

/// Whether a text means the same inside another one in stored form. The characters of the form may stand across two
/// others there, so that one who looks for them must look again at the real text.
pub(super) fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &[&str] = &[
        "",
        "\0",
        "\0\0",
        "\u{1}",
        "\u{1}\u{1}",
        "\0\u{1}",
        "\u{1}\0",
        "\u{2}",
        "\u{1}\u{2}",
        "\0\u{2}",
        "a",
        "a\0",
        "a\0b",
        "a\u{1}",
        "a\u{1}b",
        "a\u{2}",
        "aa",
        "ä\0",
    ];

    #[test]
    fn every_text_reads_back() {
        for text in ODD {
            assert_eq!(unescape(&escape(text)), *text, "{text:?}");
            assert!(!escape(text).contains('\0'));
        }
    }

    #[test]
    fn order_and_beginnings_stay() {
        for a in ODD {
            for b in ODD {
                assert_eq!(
                    escape(a).as_bytes().cmp(escape(b).as_bytes()),
                    a.cmp(b),
                    "{a:?} {b:?}"
                );
                assert_eq!(
                    escape(a).starts_with(&*escape(b)),
                    a.starts_with(b),
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
