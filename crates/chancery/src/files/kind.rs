//! What a file is, by its bytes. What somebody says it is is not asked.

use chancery_model::field::media;

/// How many bytes of the beginning are looked at.
pub(super) const HEAD_BYTES: usize = 8 * 1024;
/// What a page begins with, in lower case.
const PAGE_MARKS: [&str; 6] = ["<!doctype html", "<html", "<head", "<body", "<script", "<iframe"];

/// The media type of a file that begins like this. Its name only says which kind of text it is.
pub(super) fn found(head: &[u8], name: &str) -> String {
    let by_bytes = match text(head) {
        Some(text) => of_text(&text),
        None => infer::get(head).map_or(media::BYTES, |found| found.mime_type()),
    };
    media::settled(by_bytes, name).to_owned()
}

fn of_text(text: &str) -> &'static str {
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    if text.contains("<svg") && text.starts_with('<') {
        return "image/svg+xml";
    }
    if PAGE_MARKS.iter().any(|mark| text.contains(mark)) {
        return "text/html";
    }
    if text.starts_with("<?xml") {
        return "text/xml";
    }
    media::TEXT
}

/// The bytes as text, if they are: UTF-8 without control characters, or what says of itself that it is UTF-16. The last character
/// may be cut off.
fn text(head: &[u8]) -> Option<String> {
    if let Some(encoding) = encoding_rs::Encoding::for_bom(head).map(|(encoding, _)| encoding) {
        return Some(encoding.decode(head).0.into_owned());
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() == HEAD_BYTES => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    // PDF and others begin with letters, and go on with bytes.
    let binary = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}');
    let known = infer::get(head).is_some_and(|kind| !kind.mime_type().starts_with("text/"));
    (!known && !text.contains(binary)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_are() {
        let check = |head: &[u8], name: &str, expected: &str| {
            assert_eq!(
                found(head, name),
                expected,
                "{name}: {:?}",
                String::from_utf8_lossy(head)
            );
        };
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.txt", "image/png");
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", "a.png", "image/jpeg");
        check(b"%PDF-1.7\n1 0 obj", "a.png", "application/pdf");
        check(
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "a.png",
            "image/svg+xml",
        );
        check(
            b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><SVG/>",
            "a.txt",
            "image/svg+xml",
        );
        check(b"  <!DOCTYPE HTML><p>", "a.txt", "text/html");
        check(b"hello <script>alert(1)</script>", "a.csv", "text/html");
        check(b"\xff\xfe<\0h\0t\0m\0l\0>\0", "a.txt", "text/html");
        check(b"a,b\n1,2\n", "a.csv", "text/csv");
        check(b"a,b\n1,2\n", "a.png", "text/plain");
        check(b"{\"a\": 1}", "a.json", "application/json");
        check("Grüße".as_bytes(), "a", "text/plain");
        check(b"PK\x03\x04 and so on", "a.zip", "application/zip");
        check(b"\0\x01\x02\x03", "a.png", "application/octet-stream");
        check(b"", "a.png", "text/plain");
    }

    #[test]
    fn a_character_that_is_cut_off_makes_no_bytes_of_a_text() {
        let long = "ä".repeat(HEAD_BYTES);
        assert_eq!(found(&long.as_bytes()[1..=1], "a"), "application/octet-stream");
        let odd = format!("a{long}");
        assert_eq!(found(&odd.as_bytes()[..HEAD_BYTES], "a"), "text/plain");
    }
}
