//! Marks of a value: short codes that values which mean the same mostly share, each spoilt by other mistakes. They judge nothing.

use super::values::Values;

/// How many marks a value has.
pub(super) const MARKS: usize = 5;
/// The beginning of the first word.
pub(super) const HEAD: usize = 0;
/// How it sounds, word by word, in the order of these sounds.
pub(super) const SOUND: usize = 1;
/// The end of the last word.
pub(super) const TAIL: usize = 2;
/// A longer beginning.
pub(super) const LONG_HEAD: usize = 3;
/// A longer end.
pub(super) const LONG_TAIL: usize = 4;

/// Letters of a short mark, and of a long one.
const SHORT: usize = 4;
const LONG: usize = 7;
/// Sounds of one word.
const SOUNDS: usize = 6;

/// The marks of all values, [`MARKS`] for each.
pub(super) fn marks_of(values: &Values) -> Vec<u32> {
    let mut all = vec![0; values.len() * MARKS];
    for number in 1..values.len() {
        let text = values.text(number as u32);
        all[number * MARKS..][..MARKS].copy_from_slice(&marks(text));
    }
    all
}

fn marks(text: &str) -> [u32; MARKS] {
    let mut marks = [0; MARKS];
    let first = text.split(' ').next().unwrap_or(text);
    let last = text.rsplit(' ').next().unwrap_or(text);
    let letters = || text.chars().filter(|char| *char != ' ');
    marks[HEAD] = code(first.chars().take(SHORT));
    marks[TAIL] = code(last.chars().rev().take(SHORT));
    marks[LONG_HEAD] = code(letters().take(LONG));
    marks[LONG_TAIL] = code(letters().rev().take(LONG));
    marks[SOUND] = sound(text);
    marks
}

/// A code of some letters that is never 0 (FNV-1a).
fn code(letters: impl Iterator<Item = char>) -> u32 {
    let mixed = letters.fold(0x811c_9dc5_u32, |code, letter| {
        (code ^ letter as u32).wrapping_mul(0x0100_0193)
    });
    mixed.max(1)
}

fn sound(text: &str) -> u32 {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // The sounds of a number are its digits in order: two that changed places are found.
        let mut digits: Vec<char> = text.chars().collect();
        digits.sort_unstable();
        return code(digits.into_iter());
    }
    let mut words: Vec<Vec<char>> = text.split(' ').map(word_sound).collect();
    words.sort_unstable();
    code(words.into_iter().flatten())
}

/// The consonants of a word by how they sound, as Soundex has them, with the first letter by its own; digits as they are.
fn word_sound(word: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(SOUNDS);
    let mut before = ' ';
    for (at, letter) in word.chars().enumerate() {
        let class = match letter {
            'b' | 'p' => 'b',
            'f' | 'v' | 'w' if at == 0 || letter != 'w' => 'f',
            'c' | 'k' | 'q' | 'g' | 'j' | 'x' => 'c',
            's' | 'z' => 's',
            'd' | 't' => 'd',
            'm' | 'n' => 'm',
            'l' => 'l',
            'r' => 'r',
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' if at == 0 => 'a',
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' | 'w' => {
                before = ' ';
                continue;
            }
            other => other,
        };
        if class != before {
            out.push(class);
        }
        before = class;
        if out.len() == SOUNDS {
            break;
        }
    }
    out
}
