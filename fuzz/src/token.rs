//! Tokens: which texts are some, compared with a second reading of the rules that shares no code with the first.

use chancery_vault::tokens::{Token, TokenError, TokenKind};

const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Reads any text as a token that is shown and as one that is chosen.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed = Token::parse(text);
    let expected = judged(text);
    assert_eq!(parsed.as_ref().map(Token::kind).map_err(|error| *error), expected);
    if let Ok(token) = &parsed {
        assert_eq!(token.expose(), text, "what is taken is kept byte for byte");
        assert_eq!(
            format!("{token:?}"),
            format!("Token {{ text: Secret(…), kind: {:?} }}", token.kind())
        );
    }
    let looks_drawn = shape(text).is_some();
    match Token::custom(text) {
        Ok(token) => {
            assert!(!looks_drawn && token.kind() == TokenKind::Custom);
            assert_eq!(token.expose(), text);
        }
        Err(TokenError::LooksDrawn) => assert!(looks_drawn),
        Err(error) => assert_eq!(Some(error), parsed.err()),
    }
    corrected(text);
}

/// A drawn token is told from every other text that differs in up to four of its 30 characters.
fn corrected(text: &str) {
    let Some(characters) = shape(text).filter(|_| judged(text) == Ok(TokenKind::Drawn)) else {
        return;
    };
    for at in 0..30 {
        let next = (digit(characters[at]).expect("it is one") + 1) % 32;
        let mut slipped = text.as_bytes().to_vec();
        slipped[3 + at] = ALPHABET.as_bytes()[usize::from(next)];
        let slipped = String::from_utf8(slipped).expect("ASCII");
        assert_eq!(Token::parse(&slipped).err(), Some(TokenError::Mistyped));
    }
}

/// The rules of tokens, read again.
fn judged(text: &str) -> Result<TokenKind, TokenError> {
    let bytes = text.len();
    if !(1..=255).contains(&bytes) {
        return Err(TokenError::Length { bytes });
    }
    let ends = [text.chars().next(), text.chars().next_back()];
    if ends.into_iter().flatten().any(char::is_whitespace) || text.chars().any(char::is_control) {
        return Err(TokenError::Characters);
    }
    let Some(characters) = shape(text) else {
        return Ok(TokenKind::Custom);
    };
    let digits: Option<Vec<u8>> = characters.iter().copied().map(digit).collect();
    match digits {
        Some(digits) if has_all_roots(&digits[..30]) => Ok(TokenKind::Drawn),
        _ => Err(TokenError::Mistyped),
    }
}

/// What follows `tk_`, if it is 30 to 61 letters and digits.
fn shape(text: &str) -> Option<&[u8]> {
    let rest = text.as_bytes().strip_prefix(b"tk_")?;
    ((30..=61).contains(&rest.len()) && rest.iter().all(u8::is_ascii_alphanumeric)).then_some(rest)
}

fn digit(character: u8) -> Option<u8> {
    ALPHABET
        .bytes()
        .position(|known| known == character)
        .map(|at| at as u8)
}

/// A word of the code is a polynomial that is zero at 2, 2², 2³ and 2⁴, in the field of 32 elements.
fn has_all_roots(word: &[u8]) -> bool {
    let (powers, logarithms) = tables();
    let times = |left: u8, right: u8| match (left, right) {
        (0, _) | (_, 0) => 0,
        _ => powers[(logarithms[usize::from(left)] + logarithms[usize::from(right)]) % 31],
    };
    (1..=4).all(|root| {
        let root = powers[root];
        word.iter().fold(0, |value, digit| times(value, root) ^ digit) == 0
    })
}

/// The powers of 2 modulo x⁵ + x² + 1, and which power each element is.
fn tables() -> ([u8; 31], [usize; 32]) {
    let (mut powers, mut logarithms) = ([0; 31], [0; 32]);
    let mut power = 1_u8;
    for (exponent, slot) in powers.iter_mut().enumerate() {
        *slot = power;
        logarithms[usize::from(power)] = exponent;
        power <<= 1;
        if power > 31 {
            power ^= 0b10_0101;
        }
    }
    (powers, logarithms)
}
