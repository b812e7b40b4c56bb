//! Words that are alike: how badly a word of a record fits one that is searched for. It knows no index and reads no records.
//!
//! Case and accents count for nothing. A word of 4 to 7 characters may have one mistake, a longer one two; a mistake is a character
//! too many, too few, another one, or two neighbours exchanged (the optimal string alignment distance). What begins with the word
//! searched for is found as in a plain search.

use std::borrow::Cow;

use rapidfuzz::distance::osa;

use super::plan::words;
use crate::duplicates::normalised;
use crate::limits::{FUZZY_NEAR_MAX, FUZZY_WORD_CHARS_MAX};

/// Words of at least so many characters may have one mistake, or two.
const ONE_FROM_CHARS: usize = 4;
const TWO_FROM_CHARS: usize = 8;
/// What it costs that a word goes on after the one searched for, and each mistake.
const LONGER: u32 = 1;
const MISTAKE: u32 = 2;

/// A word as it is compared: without accents. It is in lower case already.
pub fn plain(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    match normalised(word, false) {
        form if form.is_empty() => Cow::Borrowed(word),
        form => Cow::Owned(form),
    }
}

/// How many mistakes a word that is searched for may have.
pub fn allowed(word: &str) -> usize {
    match word.chars().count() {
        ..ONE_FROM_CHARS => 0,
        ONE_FROM_CHARS..TWO_FROM_CHARS => 1,
        TWO_FROM_CHARS..=FUZZY_WORD_CHARS_MAX => 2,
        _ => 0,
    }
}

/// How badly a word fits one that is searched for, both in their [`plain`] form: 0 the same, 1 begins with it, 2 for each mistake.
fn distance(asked: &str, found: &str) -> Option<u32> {
    if found.starts_with(asked) {
        return Some(if found.len() == asked.len() { 0 } else { LONGER });
    }
    let allowed = allowed(asked);
    if allowed == 0 {
        return None;
    }
    let ascii = asked.is_ascii() && found.is_ascii();
    let longer = match ascii {
        true => asked.len().abs_diff(found.len()),
        false => asked.chars().count().abs_diff(found.chars().count()),
    };
    if longer > allowed {
        return None;
    }
    let args = osa::Args::default().score_cutoff(allowed);
    let mistakes = match ascii {
        true => osa::distance_with_args(asked.bytes(), found.bytes(), &args),
        false => osa::distance_with_args(asked.chars(), found.chars(), &args),
    };
    mistakes.map(|mistakes| MISTAKE * mistakes as u32)
}

/// How badly texts fit words that are searched for, in their [`plain`] form: the sum of what fits each word best. None if one has
/// nothing like it.
pub fn misfit<'t>(asked: &[String], texts: impl Iterator<Item = &'t str>) -> Option<u32> {
    let mut best: Vec<Option<u32>> = vec![None; asked.len()];
    for text in texts {
        for word in words(text) {
            let found = plain(&word);
            for (asked, best) in asked.iter().zip(&mut best) {
                if *best != Some(0) {
                    let fit = distance(asked, &found);
                    *best = [*best, fit].into_iter().flatten().min();
                }
            }
        }
        if best.iter().all(|best| *best == Some(0)) {
            return Some(0);
        }
    }
    best.into_iter().sum()
}

/// The words of a table that are to be looked for in an index in place of those searched for.
///
/// An index finds by itself what begins with a word as it is written; what is gathered here is the rest: accents and mistakes.
#[derive(Clone, Debug)]
pub struct Near {
    asked: Vec<String>,
    found: Vec<Vec<(u32, String)>>,
}

impl Near {
    /// Nothing found yet for words in their [`plain`] form.
    pub fn new(asked: Vec<String>) -> Near {
        let found = vec![Vec::new(); asked.len()];
        Near { asked, found }
    }

    /// How many characters words without accents have that may be near; none if only what has accents may.
    pub fn chars(&self) -> Option<(usize, usize)> {
        let spans = self.asked.iter().filter_map(|word| {
            let (chars, allowed) = (word.chars().count(), allowed(word));
            (allowed > 0).then_some((chars - allowed, chars + allowed))
        });
        spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Takes a word of the table, if it is near one searched for.
    pub fn take(&mut self, word: &str) {
        let form = plain(word);
        for (asked, found) in self.asked.iter().zip(&mut self.found) {
            if word.starts_with(asked.as_str()) {
                continue;
            }
            let Some(distance) = distance(asked, &form) else {
                continue;
            };
            found.push((distance, word.to_owned()));
            if found.len() >= 2 * FUZZY_NEAR_MAX {
                found.sort_unstable();
                found.truncate(FUZZY_NEAR_MAX);
            }
        }
    }

    /// Each word searched for, with the words near it: the nearest, at most [`FUZZY_NEAR_MAX`].
    pub fn finish(self) -> Vec<(String, Vec<String>)> {
        let nearest = |mut found: Vec<(u32, String)>| {
            found.sort_unstable();
            found.dedup();
            found.truncate(FUZZY_NEAR_MAX);
            found.into_iter().map(|(_, word)| word).collect()
        };
        self.asked
            .into_iter()
            .zip(self.found.into_iter().map(nearest))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, text: &str, expected: Option<u32>) {
        let asked: Vec<String> = words(asked).map(|word| plain(&word).into_owned()).collect();
        assert_eq!(
            misfit(&asked, [text].into_iter()),
            expected,
            "{asked:?} in {text:?}"
        );
    }

    #[test]
    fn every_kind_of_mistake_is_forgiven_once_in_short_words_and_twice_in_long_ones() {
        check("Maier", "Anna MAIER", Some(0));
        check("Maie", "Anna Maier", Some(1));
        for misspelt in ["Mayer", "Maer", "Maiier", "Miaer"] {
            check(misspelt, "Anna Maier", Some(2));
        }
        check("Mayr", "Anna Maier", None);
        check("schreibmschine", "Schreibmaschine", Some(2));
        check("schriebmschine", "Schreibmaschine", Some(4));
        check("schriebmschin", "Schreibmaschine", None);
        check("cta", "cat", None);
    }

    #[test]
    fn accents_and_case_count_for_nothing() {
        check("muller strasse", "Müller, Gerberstraße; Straße 5", Some(0));
        check("Škoda", "skoda", Some(0));
        check("mull", "Müller", Some(1));
        check("Þórð", "þórð", Some(0));
    }

    #[test]
    fn every_word_must_be_there_and_the_sum_counts() {
        check("anna mayer", "Maier Anna", Some(2));
        check("anna mayer", "Maier", None);
        check("", "Maier", Some(0));
    }

    #[test]
    fn an_index_is_told_what_it_would_not_find_itself() {
        let mut near = Near::new(vec!["maier".into(), "ab".into()]);
        assert_eq!(near.chars(), Some((4, 6)));
        for word in ["maier", "maierhof", "mayer", "märz", "máier", "äb", "abc", "xy"] {
            near.take(word);
        }
        let found = near.finish();
        assert_eq!(found[0], ("maier".into(), vec!["máier".into(), "mayer".into()]));
        assert_eq!(found[1], ("ab".into(), vec!["äb".to_owned()]));
    }
}
