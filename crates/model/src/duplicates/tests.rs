//! How good the weighing is: on sets that a seeded generator makes, so that the truth is known. Normal forms and marks, too.

use std::collections::HashMap;

use super::*;

/// SplitMix64, so that every run has the same sets.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// Small numbers more often than large ones, as names are spread.
    fn skewed(&mut self, most: usize) -> usize {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((most as f64) * part.powf(1.8)) as usize % most
    }

    fn words(&mut self, count: usize) -> Vec<String> {
        const BEGIN: [&str; 16] = [
            "b", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "w", "",
        ];
        const MIDDLE: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ee", "ou"];
        const END: [&str; 8] = ["", "n", "r", "l", "s", "ck", "m", "ng"];
        let mut words: Vec<String> = Vec::new();
        while words.len() < count {
            let mut word = String::new();
            for _ in 0..2 + self.below(2) {
                word += BEGIN[self.below(16)];
                word += MIDDLE[self.below(8)];
                word += END[self.below(8)];
            }
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// What a hand, an ear or a scanner makes of a text.
    fn spoilt(&mut self, text: &str) -> String {
        const HEARD: [(&str, &str); 8] = [
            ("ck", "k"),
            ("ee", "i"),
            ("ou", "u"),
            ("ch", "tsh"),
            ("s", "z"),
            ("l", "1"),
            ("o", "0"),
            ("ai", "ay"),
        ];
        let mut letters: Vec<char> = text.chars().collect();
        if letters.is_empty() {
            return String::new();
        }
        let at = self.below(letters.len());
        let digits = letters.iter().all(char::is_ascii_digit);
        let fresh = match digits {
            true => (b'0' + self.below(10) as u8) as char,
            false => (b'a' + self.below(26) as u8) as char,
        };
        match self.below(5) {
            0 => letters.insert(at, fresh),
            1 if letters.len() > 1 => drop(letters.remove(at)),
            2 => letters[at] = fresh,
            3 if at > 0 => letters.swap(at - 1, at),
            _ => {
                let (from, to) = HEARD[self.below(8)];
                return text.replacen(from, to, 1);
            }
        }
        letters.into_iter().collect()
    }
}

struct Set {
    rows: Vec<Vec<String>>,
    /// Which thing each row is.
    things: Vec<usize>,
}

/// Persons of eight columns, and spoilt copies of some: up to so many of each, with so many mistakes each.
fn persons(seed: u64, things: usize, copies: usize, copies_max: usize, mistakes_max: usize) -> Set {
    let mut draws = Draws(seed);
    let (given, family) = (draws.words(300), draws.words(900));
    let (streets, towns) = (draws.words(500), draws.words(400));
    let mut set = Set {
        rows: Vec::new(),
        things: Vec::new(),
    };
    for thing in 0..things {
        let mut row = vec![
            given[draws.skewed(300)].clone(),
            family[draws.skewed(900)].clone(),
            (1 + draws.skewed(300)).to_string(),
            format!("{} street", streets[draws.below(500)]),
            towns[draws.skewed(400)].clone(),
            (1_000 + draws.below(5_000)).to_string(),
            format!(
                "{}{:02}{:02}",
                1930 + draws.below(80),
                1 + draws.below(12),
                1 + draws.below(28)
            ),
            (1_000_000 + draws.below(9_000_000)).to_string(),
        ];
        if draws.below(10) == 0 {
            row[draws.below(8)].clear();
        }
        set.rows.push(row);
        set.things.push(thing);
    }
    while set.rows.len() < things + copies {
        let thing = draws.below(things);
        for _ in 0..1 + draws.below(copies_max) {
            let mut row = set.rows[thing].clone();
            for _ in 0..1 + draws.below(mistakes_max) {
                let at = draws.below(8);
                match draws.below(12) {
                    0 => row[at].clear(),
                    1 => row.swap(0, 1),
                    _ => row[at] = draws.spoilt(&row[at]),
                }
            }
            set.rows.push(row);
            set.things.push(thing);
        }
    }
    set
}

fn found(set: &Set, columns: &[usize], asked: f64) -> Vec<Group> {
    let criterion = Criterion {
        compare: Compare::Fuzzy(asked),
        opaque: false,
    };
    let mut gathering = Gathering::new(vec![criterion; columns.len()]);
    for row in &set.rows {
        let forms = columns.iter().map(|column| normalised(&row[*column], false));
        let forms: Vec<Option<String>> = forms.map(|form| (!form.is_empty()).then_some(form)).collect();
        gathering.push(&forms);
    }
    let search = gathering.search(&|| true);
    let mut links = Vec::new();
    for unit in search.units() {
        search.compare(unit, &mut links);
    }
    search.groups(links, &[])
}

/// Precision and recall, by pairs.
fn quality(set: &Set, groups: &[Group]) -> (f64, f64) {
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for thing in &set.things {
        *sizes.entry(*thing).or_default() += 1;
    }
    let truth: usize = sizes.values().map(|size| size * (size - 1) / 2).sum();
    let (mut right, mut all) = (0, 0);
    for group in groups {
        for (at, a) in group.rows.iter().enumerate() {
            all += group.rows.len() - at - 1;
            let same = |b: &&u32| set.things[**b as usize] == set.things[*a as usize];
            right += group.rows[at + 1..].iter().filter(same).count();
        }
    }
    (right as f64 / all.max(1) as f64, right as f64 / truth as f64)
}

#[track_caller]
fn check(set: &Set, columns: &[usize], asked: f64, least: (f64, f64)) {
    let (precision, recall) = quality(set, &found(set, columns, asked));
    assert!(
        precision >= least.0 && recall >= least.1,
        "precision {precision:.4}, recall {recall:.4} at {asked}"
    );
}

const ALL: [usize; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

#[test]
fn one_copy_with_few_mistakes_is_found_at_any_similarity() {
    let set = persons(1, 500, 400, 1, 3);
    for asked in [0.75, 0.85, 0.95] {
        check(&set, &ALL, asked, (0.99, 0.99));
    }
}

#[test]
fn many_copies_with_many_mistakes_are_found_and_nothing_is_chained() {
    check(&persons(2, 300, 900, 5, 8), &ALL, 0.85, (0.99, 0.97));
    check(&persons(3, 150, 900, 9, 6), &ALL, 0.8, (0.99, 0.97));
}

#[test]
fn a_few_columns_are_enough_where_they_say_enough() {
    check(&persons(4, 2_000, 200, 1, 2), &[0, 1, 4, 6], 0.85, (0.95, 0.9));
}

#[test]
fn names_that_everybody_has_make_no_duplicates_of_different_people() {
    let mut set = persons(5, 1_500, 100, 1, 1);
    for row in set.rows.iter_mut().step_by(3) {
        row[4] = "London".into();
        row[5] = "1000".into();
    }
    check(&set, &ALL, 0.85, (0.98, 0.97));
}

#[test]
fn words_in_another_order_are_alike_though_they_begin_with_one_letter() {
    use super::metric::similarity;
    assert!(similarity("mathilde montgomery", "montgomery mathilde", 0.85) > 0.95);
    assert!(similarity("ann miller", "miller ann", 0.85) > 0.95);
    assert!(similarity("anna miller", "adam mason", 0.85) < 0.85);
}

#[test]
fn a_chain_of_small_differences_is_no_group() {
    let names = [
        "aaaaaaaa", "aaaaaaab", "aaaaaabb", "aaaaabbb", "aaaabbbb", "aaabbbbb", "aabbbbbb", "abbbbbbb",
    ];
    let set = Set {
        rows: names.iter().map(|name| vec![(*name).to_owned()]).collect(),
        things: (0..names.len()).collect(),
    };
    let groups = found(&set, &[0], 0.95);
    assert!(
        groups.iter().all(|group| group.rows.len() < names.len()),
        "{groups:?}"
    );
}

#[test]
fn a_form_is_what_the_text_means() {
    let check = |text: &str, expected: &str| assert_eq!(normalised(text, false), expected, "{text}");
    check("  Ströß-Müller,\tA. ", "stross muller a");
    check("O’Brien & Søn", "obrien son");
    check("Ａｎｎ ①", "ann 1");
    check("ĐÀ NẴNG", "da nang");
    check("…!", "");
    assert_eq!(normalised("McDonald's", true), "McDonalds");
}
