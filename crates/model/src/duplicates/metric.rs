//! How alike two normal forms are, from 0 to 1. Knows no weights.

use rapidfuzz::distance::{jaro_winkler, osa};

/// What stands for words in another order.
const REORDERED: f64 = 0.98;

/// How alike two different forms are. Numbers count their differing digits, as a digit more or less is another number; texts are
/// compared by Jaro and Winkler, where that is less than asked also with their words in order.
pub(super) fn similarity(a: &str, b: &str, asked: f64) -> f64 {
    if is_number(a) && is_number(b) {
        return osa::normalized_similarity(a.bytes(), b.bytes());
    }
    let plain = texts(a, b);
    if plain < asked && may_be_reordered(a, b) {
        return plain.max(REORDERED * texts(&ordered(a), &ordered(b)));
    }
    plain
}

/// Whether words may have changed places: they mostly changed the first letter, or a later word begins as the other text does.
fn may_be_reordered(a: &str, b: &str) -> bool {
    let (Some((first_a, rest_a)), Some((first_b, rest_b))) = (a.split_once(' '), b.split_once(' ')) else {
        return false;
    };
    let begins = |rest: &str, as_in: &str| {
        let letter = as_in.as_bytes().first();
        rest.split(' ').any(|word| word.as_bytes().first() == letter)
    };
    a.as_bytes().first() != b.as_bytes().first()
        || (first_a != first_b && begins(rest_a, first_b) && begins(rest_b, first_a))
}

fn texts(a: &str, b: &str) -> f64 {
    match a.is_ascii() && b.is_ascii() {
        true => jaro_winkler::similarity(a.bytes(), b.bytes()),
        false => jaro_winkler::similarity(a.chars(), b.chars()),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn ordered(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    words.join(" ")
}
