//! Tokens: how they are drawn, what they look like, how a mistyped one is noticed, and what they are found by. It knows no
//! record and keeps no token.
//!
//! A token that is drawn here is `tk_`, 26 characters of Crockford's base 32 (130 random bits, no time among them) and four
//! check characters. Those are of a Reed–Solomon code over the 32 characters: up to four wrong ones in a token are always
//! noticed, so each slip of a finger and each swap of neighbours, and of anything worse all but one in a million. They
//! are no protection: anybody can make them.
//!
//! A token that a caller chose is any text of 1 to 255 bytes that does not look like a drawn one. Tokens are compared
//! byte for byte: upper and lower case differ, and nothing is trimmed.

use zeroize::Zeroizing;

use crate::credentials::Secret;
use crate::keys::{MacKeys, MacPurpose, fill_random};
use crate::limits::{MAX_DRAWN_CHARS, MAX_TOKEN_BYTES};

/// How a drawn token starts.
pub const TOKEN_PREFIX: &str = "tk_";
/// Random characters of a drawn token, of five bits each.
pub const RANDOM_CHARS: usize = 26;
/// Check characters of a drawn token.
pub const CHECK_CHARS: usize = 4;

/// Characters of a drawn token, the prefix included, unless more are asked for.
pub const MIN_DRAWN_CHARS: usize = TOKEN_PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;

/// Crockford's alphabet: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a text is no token. No variant holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Empty, or over [`MAX_TOKEN_BYTES`].
    #[error("a token of {bytes} bytes is not between 1 and {MAX_TOKEN_BYTES} bytes")]
    Length {
        /// Its length.
        bytes: usize,
    },
    /// A drawn token cannot be so short or so long.
    #[error("a drawn token has {MIN_DRAWN_CHARS} to {MAX_DRAWN_CHARS} characters, not {chars}")]
    DrawnLength {
        /// What was asked for.
        chars: usize,
    },
    /// A control character, or a blank at an end, which would get lost on the way.
    #[error("a token has no control characters, and no blanks at its ends")]
    Characters,
    /// It looks like a drawn token, and its check characters are not right.
    #[error("the token is mistyped: its check characters do not belong to it")]
    Mistyped,
    /// A chosen token looks like a drawn one, so it could be taken for one with a slip.
    #[error("a chosen token must not look like a drawn one: {TOKEN_PREFIX} and 30 letters and digits")]
    LooksDrawn,
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// [`Token::random`] drew it.
    Drawn,
    /// A caller chose it.
    Custom,
}

/// What stands for a secret value and finds it. Wiped when dropped, never printed.
#[derive(Clone, Debug)]
pub struct Token {
    text: Secret,
    kind: TokenKind,
}

impl Token {
    /// A fresh token from the operating system's generator.
    ///
    /// ```
    /// use chancery_vault::tokens::{Token, TokenKind};
    /// let token = Token::random();
    /// assert!(token.expose().starts_with("tk_") && token.expose().len() == 33);
    /// assert_eq!(Token::parse(token.expose()).map(|token| token.kind()), Ok(TokenKind::Drawn));
    /// ```
    pub fn random() -> Token {
        Token::with_tail(0)
    }

    /// A fresh token of so many characters, the prefix included: as [`Token::random`], with more random characters behind.
    ///
    /// # Errors
    /// [`TokenError::DrawnLength`].
    ///
    /// ```
    /// use chancery_vault::tokens::{Token, TokenError};
    /// let token = Token::random_of(40)?;
    /// assert_eq!(token.expose().len(), 40);
    /// assert!(Token::parse(token.expose()).is_ok());
    /// assert_eq!(Token::random_of(20).err(), Some(TokenError::DrawnLength { chars: 20 }));
    /// # Ok::<(), TokenError>(())
    /// ```
    pub fn random_of(chars: usize) -> Result<Token, TokenError> {
        match chars {
            MIN_DRAWN_CHARS..=MAX_DRAWN_CHARS => Ok(Token::with_tail(chars - MIN_DRAWN_CHARS)),
            _ => Err(TokenError::DrawnLength { chars }),
        }
    }

    fn with_tail(tail: usize) -> Token {
        let mut token = Token::without_tail();
        let mut digits = Zeroizing::new(vec![0; tail]);
        fill_random(&mut digits);
        let mut text = String::with_capacity(MIN_DRAWN_CHARS + tail);
        text.push_str(token.expose());
        text.extend(
            digits
                .iter()
                .map(|digit| char::from(ALPHABET[usize::from(digit & 31)])),
        );
        token.text = Secret::new(text);
        token
    }

    fn without_tail() -> Token {
        let mut digits = Zeroizing::new([0; RANDOM_CHARS]);
        fill_random(digits.as_mut());
        // 256 is a multiple of 32: every character is as likely as any other.
        digits.iter_mut().for_each(|digit| *digit &= 31);
        let mut text = String::with_capacity(TOKEN_PREFIX.len() + RANDOM_CHARS + CHECK_CHARS);
        text.push_str(TOKEN_PREFIX);
        text.extend(
            digits
                .iter()
                .chain(&checks(digits.as_slice()))
                .map(|&digit| char::from(ALPHABET[usize::from(digit)])),
        );
        Token {
            text: Secret::new(text),
            kind: TokenKind::Drawn,
        }
    }

    /// A token that a caller chose for a new secret.
    ///
    /// # Errors
    /// [`TokenError::Length`], [`TokenError::Characters`] or [`TokenError::LooksDrawn`].
    ///
    /// ```
    /// use chancery_vault::tokens::{Token, TokenError};
    /// assert_eq!(Token::custom("smtp password").map(|token| token.expose().len()), Ok(13));
    /// assert_eq!(Token::custom("").err(), Some(TokenError::Length { bytes: 0 }));
    /// assert_eq!(Token::custom("tk_000000000000000000000000000000").err(), Some(TokenError::LooksDrawn));
    /// ```
    pub fn custom(text: &str) -> Result<Token, TokenError> {
        if drawn(text).is_some() {
            return Err(TokenError::LooksDrawn);
        }
        Token::parse(text)
    }

    /// A token that somebody shows: drawn or chosen, as it looks.
    ///
    /// # Errors
    /// [`TokenError::Length`], [`TokenError::Characters`] or [`TokenError::Mistyped`].
    ///
    /// ```
    /// use chancery_vault::tokens::{Token, TokenError};
    /// let token = Token::random().expose().to_lowercase();
    /// // Lower case is another text.
    /// assert_eq!(Token::parse(&token).err(), Some(TokenError::Mistyped));
    /// ```
    pub fn parse(text: &str) -> Result<Token, TokenError> {
        if text.is_empty() || text.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Length { bytes: text.len() });
        }
        if text.chars().any(char::is_control) || text.trim().len() != text.len() {
            return Err(TokenError::Characters);
        }
        let kind = match drawn(text) {
            None => TokenKind::Custom,
            Some(characters) if checks_out(characters) => TokenKind::Drawn,
            Some(_) => return Err(TokenError::Mistyped),
        };
        Ok(Token {
            text: Secret::new(text),
            kind,
        })
    }

    /// The text itself. Every call is a place to look at when tokens leak.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Whether it was drawn or chosen.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// What it is found by: without the vault's keys nobody can tell whether a token has this hash.
    ///
    /// ```
    /// use chancery_vault::{keys::{Key, MacKeys}, tokens::Token};
    /// let (keys, token) = (MacKeys::of(&Key::random()), Token::random());
    /// assert_eq!(token.hash(&keys), Token::parse(token.expose()).unwrap().hash(&keys));
    /// ```
    pub fn hash(&self, keys: &MacKeys) -> TokenHash {
        TokenHash(keys.mac(MacPurpose::TokenHash, &[self.expose().as_bytes()]))
    }
}

/// The keyed hash of a token (HMAC-SHA-256). It is kept, and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> TokenHash {
        TokenHash(bytes)
    }

    /// For keeping.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What follows the prefix, if a text looks like a drawn token, mistyped or not.
fn drawn(text: &str) -> Option<&[u8]> {
    let characters = text.strip_prefix(TOKEN_PREFIX)?.as_bytes();
    let looks_drawn = (MIN_DRAWN_CHARS..=MAX_DRAWN_CHARS).contains(&text.len())
        && characters.iter().all(u8::is_ascii_alphanumeric);
    looks_drawn.then_some(characters)
}

/// Whether the check characters belong to those before them. More may follow, which are not checked.
fn checks_out(characters: &[u8]) -> bool {
    let (characters, tail) = characters.split_at(RANDOM_CHARS + CHECK_CHARS);
    if !tail.iter().all(|character| ALPHABET.contains(character)) {
        return false;
    }
    let mut digits = Zeroizing::new([0; RANDOM_CHARS + CHECK_CHARS]);
    for (digit, character) in digits.iter_mut().zip(characters) {
        match ALPHABET.iter().position(|known| known == character) {
            Some(place) => *digit = place as u8,
            None => return false,
        }
    }
    let (random, check) = digits.split_at(RANDOM_CHARS);
    checks(random) == *check
}

/// The coefficients of (x + 2)(x + 2²)(x + 2³)(x + 2⁴) behind x⁴, highest power first. Its roots being four powers of the
/// primitive element in a row is what makes any two valid tokens differ in five characters or more.
const GENERATOR: [u8; CHECK_CHARS] = generator();

const fn generator() -> [u8; CHECK_CHARS] {
    // Lowest power first, starting from 1.
    let mut product = [1, 0, 0, 0, 0];
    let mut root = 1;
    let mut degree = 0;
    while degree < CHECK_CHARS {
        root = times(root, 2);
        degree += 1;
        let mut power = degree;
        while power > 0 {
            product[power] = product[power - 1] ^ times(product[power], root);
            power -= 1;
        }
        product[0] = times(product[0], root);
    }
    [product[3], product[2], product[1], product[0]]
}

/// The product in the field of 32 elements, modulo x⁵ + x² + 1.
const fn times(left: u8, right: u8) -> u8 {
    let mut product = 0;
    let mut bit = 5;
    while bit > 0 {
        bit -= 1;
        product <<= 1;
        if product & 0b10_0000 != 0 {
            product ^= 0b10_0101;
        }
        if right & (1 << bit) != 0 {
            product ^= left;
        }
    }
    product
}

/// The check digits: the remainder by the generator.
fn checks(digits: &[u8]) -> [u8; CHECK_CHARS] {
    let mut remainder = [0; CHECK_CHARS];
    for digit in digits {
        let feedback = digit ^ remainder[0];
        remainder.rotate_left(1);
        remainder[CHECK_CHARS - 1] = 0;
        for (place, coefficient) in remainder.iter_mut().zip(GENERATOR) {
            *place ^= times(feedback, coefficient);
        }
    }
    remainder
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::keys::Key;

    fn with(token: &str, changes: &[(usize, u8)]) -> String {
        let mut bytes = token.as_bytes().to_vec();
        for &(at, character) in changes {
            bytes[TOKEN_PREFIX.len() + at] = character;
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_field_has_a_primitive_element() {
        let mut power = 1;
        let powers: HashSet<u8> = (0..31)
            .map(|_| {
                power = times(power, 2);
                power
            })
            .collect();
        assert_eq!((powers.len(), power), (31, 1));
    }

    #[test]
    fn the_generator_has_the_four_roots() {
        let mut root = 1;
        for _ in 0..CHECK_CHARS {
            root = times(root, 2);
            let value = GENERATOR
                .iter()
                .fold(1, |value, coefficient| times(value, root) ^ coefficient);
            assert_eq!(value, 0);
        }
    }

    #[test]
    fn every_one_or_two_wrong_characters_are_noticed() {
        let token = Token::random();
        let all = RANDOM_CHARS + CHECK_CHARS;
        // Whether an error is noticed depends on the error alone, as the code is linear: one token stands for all.
        for first in 0..all {
            for &one in ALPHABET {
                if one == token.expose().as_bytes()[3 + first] {
                    continue;
                }
                let wrong = with(token.expose(), &[(first, one)]);
                assert_eq!(Token::parse(&wrong).err(), Some(TokenError::Mistyped));
                for second in first + 1..all {
                    for &two in ALPHABET {
                        let wrong = with(&wrong, &[(second, two)]);
                        assert_eq!(Token::parse(&wrong).err(), Some(TokenError::Mistyped));
                    }
                }
            }
        }
    }

    #[test]
    fn swapped_neighbours_and_foreign_letters_are_noticed() {
        let token = Token::random();
        for at in 0..RANDOM_CHARS + CHECK_CHARS - 1 {
            let bytes = &token.expose().as_bytes()[3 + at..][..2];
            if bytes[0] != bytes[1] {
                let swapped = with(token.expose(), &[(at, bytes[1]), (at + 1, bytes[0])]);
                assert_eq!(Token::parse(&swapped).err(), Some(TokenError::Mistyped));
            }
            for foreign in *b"ILOUilou" {
                let wrong = with(token.expose(), &[(at, foreign)]);
                assert_eq!(Token::parse(&wrong).err(), Some(TokenError::Mistyped));
            }
        }
    }

    #[test]
    fn drawn_tokens_never_repeat_and_use_the_whole_alphabet() {
        let tokens: HashSet<String> = (0..2000).map(|_| Token::random().expose().to_string()).collect();
        assert_eq!(tokens.len(), 2000);
        for at in 0..RANDOM_CHARS + CHECK_CHARS {
            let seen: HashSet<u8> = tokens.iter().map(|token| token.as_bytes()[3 + at]).collect();
            assert_eq!(seen.len(), ALPHABET.len(), "character {at}");
        }
    }

    #[test]
    fn a_chosen_token_is_taken_as_it_is() {
        let kind = |text: &str| Token::custom(text).map(|token| token.kind());
        for fine in [
            "x",
            "tk_short",
            "a b",
            "größe",
            &"x".repeat(255),
            "tk_000-00000000000000000000000000",
        ] {
            assert_eq!(kind(fine), Ok(TokenKind::Custom), "{fine}");
        }
        assert_eq!(kind(&"x".repeat(256)), Err(TokenError::Length { bytes: 256 }));
        assert_eq!(kind(&"ü".repeat(128)), Err(TokenError::Length { bytes: 256 }));
        for bad in [" x", "x ", "a\nb", "a\0b", "\u{85}x"] {
            assert_eq!(kind(bad), Err(TokenError::Characters), "{bad:?}");
        }
        assert_eq!(kind(Token::random().expose()), Err(TokenError::LooksDrawn));
    }

    #[test]
    fn a_hash_depends_on_the_vault_and_no_token_is_printed() {
        let token = Token::random();
        let (here, there) = (MacKeys::of(&Key::random()), MacKeys::of(&Key::random()));
        assert_ne!(token.hash(&here), token.hash(&there));
        assert_ne!(token.hash(&here), Token::random().hash(&here));
        let hash = token.hash(&here);
        assert_eq!(TokenHash::from_bytes(*hash.as_bytes()), hash);
        assert!(!format!("{token:?}").contains(&token.expose()[3..]));
    }
}
