//! Normal forms: what a value is compared by. Knows no other value than the one before it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Compare;
use crate::limits::COMPARED_BYTES_MAX;
use crate::{Column, Value};

/// What a value is compared by; none of a blank one, and whether only its beginning and a digest stand for it.
pub fn form(
    value: &Value,
    column: &Column,
    compare: Compare,
    case_sensitive: bool,
) -> Option<(String, bool)> {
    let text = plain(value)?;
    let exact = matches!(compare, Compare::Exact);
    let formed = match (exact, column.kind().id()) {
        (true, _) if case_sensitive => text,
        (true, _) => Cow::Owned(text.to_lowercase()),
        (false, "phone") => Cow::Owned(text.chars().filter(char::is_ascii_digit).collect()),
        (false, "email") => Cow::Owned(text.trim().to_lowercase()),
        (false, "url") => Cow::Owned(bare_url(&text)),
        (false, _) if matches!(value, Value::Text(_)) && !is_opaque(column) => {
            Cow::Owned(normalised(&text, case_sensitive))
        }
        (false, _) => text,
    };
    // A text of nothing but signs is told from others by these.
    let formed = match formed.is_empty() {
        true => plain(value)?.trim().to_owned(),
        false => formed.into_owned(),
    };
    (!formed.is_empty()).then(|| shortened(formed))
}

/// Whether the values of a column are names of something, so that their letters say nothing.
pub(super) fn is_opaque(column: &Column) -> bool {
    let flags = column.kind().flags();
    flags.needs_options
        || flags.reference
        || column.constraints.reference.is_some()
        || column.encrypted.is_some()
}

fn plain(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        _ if value.is_blank() => return None,
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
        Value::Int(int) => Cow::Owned(int.to_string()),
        Value::Float(_) => match value.clone().by_value() {
            Value::Int(int) => Cow::Owned(int.to_string()),
            Value::Float(float) => Cow::Owned(float.to_string()),
            _ => return None,
        },
        Value::Decimal(decimal) => Cow::Owned(decimal.normalize().to_string()),
        Value::List(entries) => {
            let mut entries = entries.clone();
            entries.sort();
            Cow::Owned(entries.join("\u{1f}"))
        }
        Value::Json(json) => Cow::Owned(json.to_string()),
        Value::Null => return None,
    })
}

/// Small letters without accents, marks and signs, words with one space between: `Ströß-Müller, A.` is `stross muller a`.
pub fn normalised(text: &str, case_sensitive: bool) -> String {
    let mut out = String::with_capacity(text.len().min(2 * COMPARED_BYTES_MAX));
    let mut gap = false;
    let mut put = |char: char, gap: &mut bool| {
        if std::mem::take(gap) && !out.is_empty() {
            out.push(' ');
        }
        if case_sensitive {
            out.push(char);
        } else {
            out.extend(char.to_lowercase());
        }
    };
    if text.is_ascii() {
        for char in text.chars() {
            match char {
                '\'' | '`' => {}
                _ if char.is_ascii_alphanumeric() => put(char, &mut gap),
                _ => gap = true,
            }
        }
        return out;
    }
    for char in text.nfkd() {
        match char {
            '\'' | '’' | '‘' | '`' | '´' | 'ʼ' => {}
            _ if is_combining_mark(char) => {}
            'ß' | 'ẞ' => ['s', 's'].into_iter().for_each(|char| put(char, &mut gap)),
            'æ' | 'Æ' => ['a', 'e'].into_iter().for_each(|char| put(char, &mut gap)),
            'œ' | 'Œ' => ['o', 'e'].into_iter().for_each(|char| put(char, &mut gap)),
            'ø' | 'Ø' => put('o', &mut gap),
            'đ' | 'Đ' | 'ð' => put('d', &mut gap),
            'ł' | 'Ł' => put('l', &mut gap),
            'ı' => put('i', &mut gap),
            _ if char.is_alphanumeric() => put(char, &mut gap),
            _ => gap = true,
        }
    }
    out
}

fn bare_url(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    let text = text.strip_prefix("www.").unwrap_or(text);
    text.trim_end_matches('/').to_owned()
}

/// The form itself, or its beginning with a digest of all of it: equal forms stay equal, different ones different.
fn shortened(mut form: String) -> (String, bool) {
    if form.len() <= COMPARED_BYTES_MAX {
        return (form, false);
    }
    let digest = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(form.as_bytes());
        hasher.finish()
    };
    let digests = format!("#{:016x}{:016x}", digest(1), digest(2));
    let end = form.floor_char_boundary(COMPARED_BYTES_MAX - digests.len());
    form.truncate(end);
    form.push_str(&digests);
    (form, true)
}
