//! A root key as text: 64 hexadecimal digits, or base64. It reads no file and no variable.

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeSliceError, Engine};
use zeroize::Zeroizing;

use crate::credentials::Secret;
use crate::keys::{KEY_BYTES, Key};
use crate::limits::MAX_KEY_TEXT_BYTES;

/// What a root key is, and how one is made.
pub(super) const EXPECTED: &str =
    "32 random bytes as 64 hexadecimal digits or in base64, as `openssl rand -hex 32` makes them";
/// Hexadecimal digits of a key.
const HEX_DIGITS: usize = 2 * KEY_BYTES;
/// How a line of a key file starts that is no key.
const COMMENT: char = '#';

/// Why a text is no root key. No variant holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// There is nothing but blanks and comments.
    #[error("it is empty")]
    Empty,
    /// Over [`MAX_KEY_TEXT_BYTES`].
    #[error("it has more than {MAX_KEY_TEXT_BYTES} bytes")]
    TooLong,
    /// More than one line could be the key.
    #[error("it has {lines} lines that could be the key")]
    Lines {
        /// How many.
        lines: usize,
    },
    /// Hexadecimal digits, but not 64.
    #[error("it has {digits} hexadecimal digits, not {HEX_DIGITS}")]
    Digits {
        /// How many.
        digits: usize,
    },
    /// Base64, but not of 32 bytes.
    #[error("it is base64 of {bytes} bytes, not of {KEY_BYTES}")]
    Bytes {
        /// Of how many.
        bytes: usize,
    },
    /// Neither hexadecimal digits nor base64.
    #[error("it is neither hexadecimal digits nor base64")]
    Characters,
}

/// The key of a text: one line that is neither blank nor a comment, with blanks around it or not.
pub(super) fn parse(text: &str) -> Result<Key, KeyTextError> {
    if text.len() > MAX_KEY_TEXT_BYTES {
        return Err(KeyTextError::TooLong);
    }
    let is_key = |line: &&str| !line.is_empty() && !line.starts_with(COMMENT);
    let mut lines = text.lines().map(str::trim).filter(is_key);
    let line = lines.next().ok_or(KeyTextError::Empty)?;
    match lines.count() {
        0 => {}
        more => return Err(KeyTextError::Lines { lines: 1 + more }),
    }
    // Digits alone are never taken for base64: half of a key would otherwise be a key in another spelling.
    match line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => from_hex(line),
        false => from_base64(line),
    }
}

fn from_hex(line: &str) -> Result<Key, KeyTextError> {
    if line.len() != HEX_DIGITS {
        return Err(KeyTextError::Digits { digits: line.len() });
    }
    let mut key = Key::zero();
    for (byte, digits) in key.slot().iter_mut().zip(line.as_bytes().as_chunks::<2>().0) {
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16).unwrap_or_default() as u8);
        *byte = high << 4 | low;
    }
    Ok(key)
}

fn from_base64(line: &str) -> Result<Key, KeyTextError> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // More than is ever written, so that the bytes never move.
    let mut bytes = Zeroizing::new(vec![0; line.len()]);
    for alphabet in [&STANDARD, &URL_SAFE] {
        match GeneralPurpose::new(alphabet, lenient).decode_slice(line, &mut bytes) {
            Ok(written) => {
                return Key::from_bytes(&bytes[..written]).ok_or(KeyTextError::Bytes { bytes: written });
            }
            // What the decoder found it would tell; it is part of a key.
            Err(DecodeSliceError::DecodeError(_) | DecodeSliceError::OutputSliceTooSmall) => {}
        }
    }
    Err(KeyTextError::Characters)
}

/// A key as 64 hexadecimal digits, behind lines of comment.
pub(super) fn format(comments: &[&str], key: &Key) -> Secret {
    // With room for all of it, so that no digit stays behind where a text has grown out of.
    let room = comments.iter().map(|comment| comment.len() + 3).sum::<usize>() + HEX_DIGITS + 1;
    let mut text = String::with_capacity(room);
    for comment in comments {
        text.extend([COMMENT, ' ']);
        text.push_str(comment);
        text.push('\n');
    }
    let nibbles = key.expose().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)));
    text.push('\n');
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "fbefbe0102030405060708090a0b0c0d0e0f101112131415161718191a1bfffe";

    fn check(text: &str, expected: Result<(), KeyTextError>) {
        let parsed = parse(text);
        if let Ok(key) = &parsed {
            assert_eq!(format(&[], key).expose().trim(), HEX, "{text}");
        }
        assert_eq!(parsed.map(|_| ()), expected, "{text}");
    }

    #[test]
    fn a_key_is_read_in_each_of_its_spellings() {
        let key = parse(HEX).unwrap();
        let bytes = key.expose();
        for spelling in [
            HEX.to_uppercase(),
            format!(" \t{HEX}\r\n"),
            format!("# a key\n\n  # in hex\n{HEX}\n# behind it"),
            general_purpose::STANDARD.encode(bytes),
            general_purpose::STANDARD_NO_PAD.encode(bytes),
            general_purpose::URL_SAFE.encode(bytes),
            general_purpose::URL_SAFE_NO_PAD.encode(bytes),
            format!("\n{}\n", general_purpose::STANDARD.encode(bytes)),
        ] {
            check(&spelling, Ok(()));
        }
        assert!(
            general_purpose::STANDARD.encode(bytes).contains('+'),
            "the two alphabets differ"
        );
    }

    #[test]
    fn each_fault_has_its_error() {
        check("", Err(KeyTextError::Empty));
        check(" \n\t", Err(KeyTextError::Empty));
        check("# only a comment", Err(KeyTextError::Empty));
        check(&HEX[1..], Err(KeyTextError::Digits { digits: 63 }));
        check(&format!("{HEX}0"), Err(KeyTextError::Digits { digits: 65 }));
        // As base64 this would be 32 bytes.
        check(&HEX[..43], Err(KeyTextError::Digits { digits: 43 }));
        check("c2hvcnQ=", Err(KeyTextError::Bytes { bytes: 5 }));
        check(&"zz".repeat(32), Err(KeyTextError::Bytes { bytes: 48 }));
        check(
            &format!("0x{}", &HEX[2..]),
            Err(KeyTextError::Bytes { bytes: 48 }),
        );
        check("correct horse", Err(KeyTextError::Characters));
        check(&format!("\"{HEX}\""), Err(KeyTextError::Characters));
        check(&HEX.replacen('f', "ſ", 1), Err(KeyTextError::Characters));
        check(&format!("{HEX}\n{HEX}"), Err(KeyTextError::Lines { lines: 2 }));
        let (whole, half) = HEX.split_at(32);
        check(&format!("{whole}\n{half}"), Err(KeyTextError::Lines { lines: 2 }));
        check(&"#".repeat(MAX_KEY_TEXT_BYTES + 1), Err(KeyTextError::TooLong));
        check(&format!("{HEX}\n#{}", "x".repeat(4096 - 66)), Ok(()));
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_a_key_or_is_refused(text in "[0-9a-zA-Z+/=_ #\n-]{0,90}|\\PC{0,50}") {
            if let Ok(key) = parse(&text) {
                let again = parse(format(&["again", ""], &key).expose()).unwrap();
                prop_assert_eq!(again.expose(), key.expose());
            }
        }

        #[test]
        fn every_key_survives_being_written(bytes: [u8; 32]) {
            let key = Key::from_bytes(&bytes).unwrap();
            let texts = [
                format(&["a", "b"], &key).expose().to_owned(),
                general_purpose::STANDARD.encode(bytes),
                general_purpose::URL_SAFE_NO_PAD.encode(bytes),
            ];
            for text in texts {
                let again = parse(&text).unwrap();
                prop_assert_eq!(again.expose(), &bytes);
            }
        }
    }
}
