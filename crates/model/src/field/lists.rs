//! Lists as text, the way they stand in cells of files: names with commas between them, as CSV has them. Knows no field type.

use crate::column::Column;
use crate::{Code, Issue};

/// Appends names as a comma list that [`split`] reads.
pub fn write<'a>(names: impl Iterator<Item = &'a str>, out: &mut String) {
    for (at, name) in names.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        if name.is_empty() || name.contains([',', '"', '\n', '\r']) || name.trim() != name {
            out.push('"');
            out.push_str(&name.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(name);
        }
    }
}

/// The issue of a text that [`split`] does not read.
pub(super) fn unreadable(column: &Column) -> Issue {
    let message = "A quoted name does not end, or something stands beside it; write High, \"Later, if ever\"";
    Issue::new(&column.slug, Code::Format, message)
}

/// The items of a JSON array of texts, which is another way to write them; none if it is no such array.
pub fn json_items(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    text.starts_with('[')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// The items of a comma list; an item in double quotes may hold commas, and quotes doubled (as in CSV, RFC 4180).
/// `None` if a quote does not end or text stands beside a quoted item.
pub fn split(text: &str) -> Option<Vec<String>> {
    if let Some(items) = json_items(text) {
        return Some(items);
    }
    let mut items = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Some(items);
    }
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (item, after) = rest
                .split_once(',')
                .map_or((rest, None), |(item, after)| (item, Some(after)));
            items.push(item.trim_end().to_owned());
            match after {
                Some(after) => rest = after.trim_start(),
                None => return Some(items),
            }
            continue;
        };
        let mut item = String::new();
        let mut inside = quoted;
        let after = loop {
            let (part, after) = inside.split_once('"')?;
            item.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    item.push('"');
                    inside = more;
                }
                None => break after.trim_start(),
            }
        };
        items.push(item);
        if after.is_empty() {
            return Some(items);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_csv_is() {
        let split = |text: &str| split(text).map(|items| items.join("|"));
        for (text, expected) in [
            ("High, Low", Some("High|Low")),
            ("High,Low", Some("High|Low")),
            (r#""a, b", c"#, Some("a, b|c")),
            (r#""say ""hi""", c"#, Some("say \"hi\"|c")),
            ("a,,b", Some("a||b")),
            ("a,", Some("a|")),
            ("", Some("")),
            (r#""a" b"#, None),
            (r#""a"#, None),
        ] {
            assert_eq!(split(text).as_deref(), expected, "{text}");
        }
    }
}
