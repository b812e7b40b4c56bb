//! Folding in SQL, as the model folds. No collation of a server folds exactly as `fold` does, so only the characters that
//! can meet those of the wanted text are folded, by name: the others cannot be equal to them either way.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::statement::Statement;

/// The one character whose lower case is two.
const TWO: char = '\u{130}';
/// Its lower case.
const TWO_FOLDED: &str = "i\u{307}";

/// What has to be folded so that a text meets a folded one.
pub(super) struct Folding<'a> {
    needle: &'a str,
    from: String,
    to: String,
    two: bool,
}

/// For each character, the others whose lower case it is.
fn uppers() -> &'static HashMap<char, Vec<char>> {
    static UPPERS: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    UPPERS.get_or_init(|| {
        let mut uppers: HashMap<char, Vec<char>> = HashMap::new();
        for upper in '\0'..=char::MAX {
            let mut lower = upper.to_lowercase();
            if let (Some(only), None) = (lower.next(), lower.next())
                && only != upper
            {
                uppers.entry(only).or_default().push(upper);
            }
        }
        uppers
    })
}

impl<'a> Folding<'a> {
    /// What it takes to look for a folded text.
    pub(super) fn of(needle: &'a str) -> Folding<'a> {
        let mut folding = Folding {
            needle,
            from: String::new(),
            to: String::new(),
            two: needle.contains(['i', '\u{307}']),
        };
        for lower in needle.chars() {
            for upper in uppers().get(&lower).into_iter().flatten() {
                if !folding.from.contains(*upper) {
                    folding.from.push(*upper);
                    folding.to.push(lower);
                }
            }
        }
        folding
    }

    /// Appends the condition that an expression contains the text, case ignored.
    pub(super) fn write(&self, expression: &str, out: &mut Statement) {
        out.push("strpos(");
        out.push(if self.from.is_empty() { "" } else { "translate(" });
        match self.two {
            true => {
                out.push("replace(")
                    .push(expression)
                    .push(", ")
                    .bind(TWO.to_string().as_str());
                out.push(", ").bind(TWO_FOLDED).push(")")
            }
            false => out.push(expression),
        };
        if !self.from.is_empty() {
            out.push(", ")
                .bind(self.from.as_str())
                .push(", ")
                .bind(self.to.as_str())
                .push(")");
        }
        out.push(", ").bind(self.needle).push(") > 0");
    }
}

#[cfg(test)]
mod tests {
    use chancery_model::filter::{contains_folded, fold};

    use super::*;

    /// What the server does with the condition.
    fn holds(folding: &Folding<'_>, text: &str) -> bool {
        let text = match folding.two {
            true => text.replace(TWO, TWO_FOLDED),
            false => text.to_owned(),
        };
        let translate = |c: char| {
            let at = folding.from.chars().position(|from| from == c);
            at.and_then(|at| folding.to.chars().nth(at)).unwrap_or(c)
        };
        text.chars()
            .map(translate)
            .collect::<String>()
            .contains(folding.needle)
    }

    #[test]
    fn one_character_folds_to_two_and_folded_ones_stay() {
        for c in '\0'..=char::MAX {
            let lower: Vec<char> = c.to_lowercase().collect();
            assert!(lower.len() == 1 || c == TWO, "{c:?}");
            assert!(lower.iter().all(|c| c.to_lowercase().eq([*c])), "{c:?}");
        }
    }

    #[test]
    fn every_character_is_found_by_every_form_of_it() {
        for c in '\0'..=char::MAX {
            for text in [format!("a{c}K"), format!("{c}")] {
                let folded = fold(&text);
                let folding = Folding::of(&folded);
                assert!(holds(&folding, &text), "{c:?}");
            }
        }
        let texts = [
            "İstanbul",
            "i\u{307}stanbul",
            "\u{212a}elvin",
            "KELVIN",
            "ÄPFEL",
            "äpfel",
            "ẞ",
            "ß",
            "Σς",
            "I\u{307}",
        ];
        for text in texts {
            for needle in texts
                .iter()
                .flat_map(|text| [*text, &text[..text.chars().next().map_or(0, char::len_utf8)]])
            {
                let folded = fold(needle);
                let expected = contains_folded(text, &folded);
                assert_eq!(holds(&Folding::of(&folded), text), expected, "{needle} in {text}");
            }
        }
    }
}
