//! Slugs from names. A slug, once given, never changes; uniqueness is checked elsewhere.

use crate::limits::SLUG_BYTES_MAX;

/// The slug of a column: `Flight Date` → `flightDate`, `zip_code` stays, `ID` → `id`.
pub fn column_slug(name: &str) -> String {
    let words: Vec<String> = words(name, |c| c == '_');
    let mut slug = String::new();
    for (index, word) in words.iter().enumerate() {
        let shouted = word.chars().all(|c| !c.is_lowercase());
        let mut letters = word.chars();
        let Some(first) = letters.next() else { continue };
        let rest: String = letters.collect();
        let rest = if shouted || words.len() > 1 && index > 0 {
            rest.to_lowercase()
        } else {
            rest
        };
        if index == 0 {
            slug.extend(first.to_lowercase());
        } else {
            slug.extend(first.to_uppercase());
        }
        slug.push_str(&rest);
    }
    finish(slug, "column")
}

/// The slug of a table or workspace: `My Tasks` → `my-tasks`.
pub fn table_slug(name: &str) -> String {
    let words: Vec<String> = words(name, |c| c == '_' || c == '-')
        .iter()
        .map(|word| word.to_lowercase())
        .collect();
    finish(words.join("-"), "table")
}

fn words(name: &str, also: impl Fn(char) -> bool) -> Vec<String> {
    let parts = name.split(|c: char| !(c.is_alphanumeric() || also(c)));
    parts.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Cut to the limit at a character; never empty, never starting with a digit or an underscore.
fn finish(mut slug: String, fallback: &str) -> String {
    while slug.len() > SLUG_BYTES_MAX {
        slug.pop();
    }
    match slug.chars().next() {
        None => fallback.to_owned(),
        Some(first) if first.is_numeric() || first == '_' => format!("{}{slug}", &fallback[..1]),
        Some(_) => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_read_as_programs_write_them() {
        for (name, slug) in [
            ("Flight Date", "flightDate"),
            ("zip_code", "zip_code"),
            ("ID", "id"),
            ("firstName", "firstName"),
            ("Cost Total $", "costTotal"),
            ("IATA code", "iataCode"),
            ("2nd name", "c2ndName"),
            ("…", "column"),
            ("Größe", "größe"),
        ] {
            assert_eq!(column_slug(name), slug, "{name}");
        }
    }

    #[test]
    fn tables_read_as_addresses() {
        assert_eq!(table_slug("My Tasks"), "my-tasks");
        assert_eq!(table_slug("birdstrikes"), "birdstrikes");
    }
}
