//! How numbers and dates are written in a locale (facts of CLDR 46, `numbers` and `dateFormats/short`). Translates nothing.

use chancery_model::field::{DateOrder, TextFormat};

use super::options::Notation;

/// Languages and regions whose numbers are written like `1.234,5`.
const COMMA_DOT: &[&str] = &[
    "da", "de", "el", "es", "gl", "hr", "id", "is", "it", "nl", "pt", "ro", "sl", "sr", "tr", "vi", "ca",
    "eu", "mk", "bs", "az",
];
/// Languages whose numbers are written like `1 234,5` (the space is a no-break space of some width).
const COMMA_SPACE: &[&str] = &[
    "bg", "cs", "et", "fi", "fr", "hu", "hy", "ka", "kk", "lt", "lv", "nb", "nn", "no", "pl", "ru", "sk",
    "sq", "sv", "uk", "be",
];
/// Languages whose numbers are written like `1,234.5`.
const DOT_COMMA: &[&str] = &[
    "en", "zh", "ja", "ko", "th", "he", "hi", "bn", "ta", "te", "ms", "fil", "ga", "cy", "mt", "sw", "ur",
    "fa", "ar",
];
/// Languages that write the year first.
const YEAR_FIRST: &[&str] = &["zh", "ja", "ko", "hu", "lt", "sv", "eu", "fa"];

/// Locales by which a notation is named, one for each.
const NAMES: &[&str] = &[
    "en-US", "en-GB", "de-DE", "fr-FR", "de-CH", "sv-SE", "ja-JP", "en-CA", "en-ZA", "fr-CA", "eu",
];

/// A locale of a notation.
pub(super) fn locale(wanted: Notation) -> Option<&'static str> {
    NAMES.iter().copied().find(|name| notation(name) == Some(wanted))
}

pub(super) fn notation(locale: &str) -> Option<Notation> {
    let mut parts = locale.split(['-', '_']);
    let language = parts.next()?.to_ascii_lowercase();
    let region = parts.next_back().unwrap_or("").to_ascii_uppercase();
    let (decimal, group) = match (language.as_str(), region.as_str()) {
        ("de" | "it" | "fr", "CH") | ("de", "LI") => ('.', Some('’')),
        ("de", "AT") => (',', Some('\u{a0}')),
        ("es", "MX" | "US" | "GT" | "HN" | "NI" | "PA" | "PE" | "PR" | "SV" | "DO") => ('.', Some(',')),
        ("pt", "PT" | "AO" | "MZ") => (',', Some('\u{a0}')),
        ("en", "ZA") => (',', Some('\u{a0}')),
        ("fr", "CA") => (',', Some('\u{a0}')),
        (language, _) if COMMA_DOT.contains(&language) => (',', Some('.')),
        (language, _) if COMMA_SPACE.contains(&language) => (',', Some('\u{a0}')),
        (language, _) if DOT_COMMA.contains(&language) => ('.', Some(',')),
        _ => return None,
    };
    let date_order = match (language.as_str(), region.as_str()) {
        ("en", "" | "US" | "PH") | ("es", "US" | "PR") => DateOrder::MonthFirst,
        ("en" | "fr", "CA") | ("en", "ZA") => DateOrder::Iso,
        (language, _) if YEAR_FIRST.contains(&language) => DateOrder::Iso,
        _ => DateOrder::DayFirst,
    };
    Some(Notation {
        text: TextFormat {
            decimal,
            group,
            date_order,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(locale: &str, decimal: char, group: char, order: DateOrder) {
        let found = notation(locale).expect("a known locale");
        assert_eq!(
            (found.text.decimal, found.text.group, found.text.date_order),
            (decimal, Some(group), order)
        );
    }

    #[test]
    fn a_locale_says_how_numbers_and_dates_are_written() {
        check("de-DE", ',', '.', DateOrder::DayFirst);
        check("de", ',', '.', DateOrder::DayFirst);
        check("de_CH", '.', '’', DateOrder::DayFirst);
        check("en-US", '.', ',', DateOrder::MonthFirst);
        check("en-GB", '.', ',', DateOrder::DayFirst);
        check("fr-FR", ',', '\u{a0}', DateOrder::DayFirst);
        check("cs-CZ", ',', '\u{a0}', DateOrder::DayFirst);
        check("ja-JP", '.', ',', DateOrder::Iso);
        for name in NAMES {
            let again = notation(name).and_then(locale);
            assert_eq!(again.and_then(notation), notation(name), "{name}");
        }
        assert_eq!(locale(Notation::default()), None);
        assert_eq!(notation("xx"), None);
        assert_eq!(notation(""), None);
    }
}
