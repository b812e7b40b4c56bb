//! Encryptors: how the value of a secret is sealed inside the two locks of the vault. They choose no key and no place, and
//! know neither token nor password.
//!
//! The key of a value is random, and the locks of [`crate::locks`] are around that key. So whatever an encryptor does, a
//! password and the server's key are needed as before, and both can be changed without it.

use zeroize::Zeroizing;

use crate::context::Context;
use crate::credentials::SecretBytes;
use crate::keys::{Key, Label};
use crate::limits::MAX_ENCRYPTOR_NAME_BYTES;
use crate::sealing::{self, SealError, Suite, UNNUMBERED};

/// Padded values have a multiple of so many bytes.
const PADDED_BYTES: usize = 256;
/// The first byte of a padding (ISO/IEC 7816-4); zeros follow.
const PADDING: u8 = 0x80;

/// Why a value was not sealed or opened. The message is shown, so it must not hold a value or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncryptError {
    /// Sealing or opening failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// An encryptor has a name that cannot be kept.
    #[error("the name of an encryptor is 1 to {MAX_ENCRYPTOR_NAME_BYTES} of a-z, 0-9 and -")]
    Name,
    /// An encryptor from outside says something else.
    #[error("{0}")]
    Other(String),
}

/// Seals the values of secrets, and opens them.
///
/// One that changes what is sealed and leaves the sealing to [`Standard`] is short. It seals under a key of its own
/// ([`own_key`]), so that nobody who can write to the database can pass its ciphertexts off as those of another one:
///
/// ```
/// use chancery_vault::context::{Context, Kind, Purpose};
/// use chancery_vault::credentials::SecretBytes;
/// use chancery_vault::encryptor::{EncryptError, Encryptor, Standard, own_key};
/// use chancery_vault::keys::Key;
///
/// /// Says before each value how many bytes it has, and fills up to 1,000 with zeros.
/// struct Alike;
///
/// impl Encryptor for Alike {
///     fn name(&self) -> &str {
///         "alike-1000"
///     }
///
///     fn encrypt(&self, key: &Key, place: &Context<'_>, value: &[u8]) -> Result<Vec<u8>, EncryptError> {
///         if value.len() > 1000 {
///             return Err(EncryptError::Other("a value has at most 1,000 bytes here".to_owned()));
///         }
///         let mut filled = [&(value.len() as u16).to_be_bytes(), value].concat();
///         filled.resize(2 + 1000, 0);
///         let filled = SecretBytes::new(filled);
///         Standard.encrypt(&own_key(self, key), place, filled.expose())
///     }
///
///     fn decrypt(&self, key: &Key, place: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, EncryptError> {
///         let filled = Standard.decrypt(&own_key(self, key), place, sealed)?;
///         let (bytes, rest) = filled.expose().split_first_chunk().ok_or_else(altered)?;
///         let value = rest.get(..usize::from(u16::from_be_bytes(*bytes))).ok_or_else(altered)?;
///         Ok(SecretBytes::new(value.to_vec()))
///     }
/// }
///
/// fn altered() -> EncryptError {
///     EncryptError::Other("the value was not sealed here".to_owned())
/// }
///
/// let place = Context { vault: [7; 16], kind: Kind::Secret, table: b"", record: &[1; 16], column: b"", version: 1,
///     purpose: Purpose::Value, schema: 1 };
/// let key = Key::random();
/// let sealed = Alike.encrypt(&key, &place, b"hunter42")?;
/// assert_eq!(sealed.len(), Alike.encrypt(&key, &place, b"")?.len());
/// assert_eq!(Alike.decrypt(&key, &place, &sealed)?.expose(), b"hunter42");
/// assert!(Standard.decrypt(&key, &place, &sealed).is_err());
/// # Ok::<(), EncryptError>(())
/// ```
pub trait Encryptor: Send + Sync {
    /// A short name that is kept beside each value, so that it is opened by the encryptor that sealed it: 1 to 32 of
    /// `a-z`, `0-9` and `-`, the same for ever.
    fn name(&self) -> &str;

    /// Seals a value under its key for one place.
    ///
    /// # Errors
    /// Any of [`EncryptError`]; the message never holds the value.
    fn encrypt(&self, key: &Key, place: &Context<'_>, value: &[u8]) -> Result<Vec<u8>, EncryptError>;

    /// The value again, for the same key and place; anything else is refused.
    ///
    /// # Errors
    /// Any of [`EncryptError`].
    fn decrypt(&self, key: &Key, place: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, EncryptError>;
}

/// Whether an encryptor can have a name.
///
/// # Errors
/// [`EncryptError::Name`].
///
/// ```
/// use chancery_vault::encryptor::check_name;
/// assert!(check_name("padded-256").is_ok());
/// assert!(check_name("").is_err() && check_name("Padded").is_err());
/// ```
pub fn check_name(name: &str) -> Result<(), EncryptError> {
    let known = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    match (1..=MAX_ENCRYPTOR_NAME_BYTES).contains(&name.len()) && name.bytes().all(known) {
        true => Ok(()),
        false => Err(EncryptError::Name),
    }
}

/// The key under which an encryptor of this name seals a value, from the key of the value. [`Standard`] alone uses the key
/// of the value itself.
pub fn own_key(encryptor: &dyn Encryptor, key: &Key) -> Key {
    key.derive(&[], Label::Encryptor, &[encryptor.name().as_bytes()])
}

/// The encryptor of every vault that was told no other: AES-256-GCM in suite 01 of [`crate::sealing`], under the key
/// itself. What it seals is 81 bytes longer than the value, so its length tells that of the value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

impl Encryptor for Standard {
    fn name(&self) -> &str {
        "standard"
    }

    fn encrypt(&self, key: &Key, place: &Context<'_>, value: &[u8]) -> Result<Vec<u8>, EncryptError> {
        Ok(sealing::seal(Suite::Message, UNNUMBERED, key, place, value)?)
    }

    fn decrypt(&self, key: &Key, place: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, EncryptError> {
        Ok(sealing::open(Suite::Message, UNNUMBERED, key, place, sealed)?)
    }
}

/// As [`Standard`], but what is sealed is filled up to a multiple of 256 bytes, at least by one: the length of a ciphertext
/// tells that of the value to 256 bytes only. The limit on a value counts the filling.
#[derive(Clone, Copy, Debug, Default)]
pub struct Padded;

impl Encryptor for Padded {
    fn name(&self) -> &str {
        "padded-256"
    }

    fn encrypt(&self, key: &Key, place: &Context<'_>, value: &[u8]) -> Result<Vec<u8>, EncryptError> {
        let bytes = (value.len() + 1).next_multiple_of(PADDED_BYTES);
        // With room for all of it, so that no value stays behind where a vector has grown out of.
        let mut padded = Zeroizing::new(Vec::with_capacity(bytes));
        padded.extend_from_slice(value);
        padded.push(PADDING);
        padded.resize(bytes, 0);
        Standard.encrypt(&own_key(self, key), place, &padded)
    }

    fn decrypt(&self, key: &Key, place: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, EncryptError> {
        let padded = Standard.decrypt(&own_key(self, key), place, sealed)?;
        let value = unpadded(padded.expose()).ok_or(SealError::Refused)?;
        Ok(SecretBytes::new(value.to_vec()))
    }
}

/// What stands before the padding; none if there is no padding, or more of it than is needed.
fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let end = padded.iter().rposition(|&byte| byte != 0)?;
    let (value, padding) = padded.split_at(end);
    let is_needed = padded.len() == (value.len() + 1).next_multiple_of(PADDED_BYTES);
    (is_needed && padding.first() == Some(&PADDING)).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::{Kind, Purpose};
    use crate::limits::MAX_PLAINTEXT_BYTES;
    use crate::sealing::{OVERHEAD_BYTES, SealingKey};

    const PLACE: Context<'static> = Context {
        vault: [7; 16],
        kind: Kind::Secret,
        table: b"",
        record: &[1; 16],
        column: b"",
        version: 1,
        purpose: Purpose::Value,
        schema: 1,
    };
    const SHIPPED: [&dyn Encryptor; 2] = [&Standard, &Padded];

    fn key() -> Key {
        Key::from_bytes(&[9; 32]).unwrap()
    }

    #[test]
    fn the_standard_is_the_sealing_of_the_vault_itself() {
        let sealing_key = SealingKey::new(UNNUMBERED, key());
        let sealed = Standard.encrypt(&key(), &PLACE, b"hunter42").unwrap();
        assert_eq!(sealing_key.open(&PLACE, &sealed).unwrap().expose(), b"hunter42");
        let sealed = sealing_key.seal(&PLACE, b"hunter42").unwrap();
        assert_eq!(
            Standard.decrypt(&key(), &PLACE, &sealed).unwrap().expose(),
            b"hunter42"
        );
        let numbered = SealingKey::new(1, key()).seal(&PLACE, b"hunter42").unwrap();
        let other = SealError::OtherKey {
            found: 1,
            offered: UNNUMBERED,
        };
        assert_eq!(
            Standard.decrypt(&key(), &PLACE, &numbered).err(),
            Some(EncryptError::Seal(other))
        );
    }

    #[test]
    fn names_are_fixed_and_can_be_kept() {
        assert_eq!(SHIPPED.map(|one| one.name()), ["standard", "padded-256"]);
        for one in SHIPPED {
            assert_eq!(check_name(one.name()), Ok(()));
        }
        for fine in ["a", "9", "-", &"x".repeat(32)] {
            assert_eq!(check_name(fine), Ok(()), "{fine}");
        }
        for bad in ["", "A", "a b", "a_b", "ä", "a\n", &"x".repeat(33)] {
            assert_eq!(check_name(bad), Err(EncryptError::Name), "{bad}");
        }
    }

    #[test]
    fn a_value_opens_with_its_key_in_its_place_by_its_encryptor() {
        let elsewhere = Context { version: 2, ..PLACE };
        let refused = Some(EncryptError::Seal(SealError::Refused));
        for (one, other) in [(SHIPPED[0], SHIPPED[1]), (SHIPPED[1], SHIPPED[0])] {
            for bytes in [0, 1, 254, 255, 256, 257, 511, 512, 70_000] {
                let value = vec![0x80; bytes];
                let sealed = one.encrypt(&key(), &PLACE, &value).unwrap();
                assert_eq!(one.decrypt(&key(), &PLACE, &sealed).unwrap().expose(), value);
                assert_eq!(one.decrypt(&Key::random(), &PLACE, &sealed).err(), refused);
                assert_eq!(one.decrypt(&key(), &elsewhere, &sealed).err(), refused);
                assert_eq!(other.decrypt(&key(), &PLACE, &sealed).err(), refused);
            }
            let sealed = one.encrypt(&key(), &PLACE, b"hunter42").unwrap();
            for at in 0..sealed.len() {
                let mut altered = sealed.clone();
                altered[at] ^= 1;
                assert!(one.decrypt(&key(), &PLACE, &altered).is_err());
                assert!(one.decrypt(&key(), &PLACE, &sealed[..at]).is_err());
            }
        }
    }

    #[test]
    fn padded_values_have_few_lengths() {
        let length = |bytes: usize| Padded.encrypt(&key(), &PLACE, &vec![1; bytes]).unwrap().len();
        assert_eq!(length(0), OVERHEAD_BYTES + 256);
        assert_eq!(length(255), OVERHEAD_BYTES + 256);
        assert_eq!(length(256), OVERHEAD_BYTES + 512);
        assert_eq!(length(511), OVERHEAD_BYTES + 512);
    }

    #[test]
    fn a_padding_has_one_form() {
        let padded = |value: &[u8], padding: &[u8], bytes: usize| {
            let mut all = [value, padding].concat();
            all.resize(bytes, 0);
            unpadded(&all).map(<[u8]>::to_vec)
        };
        assert_eq!(padded(b"value", &[0x80], 256), Some(b"value".to_vec()));
        assert_eq!(
            padded(b"value\0\x80\0", &[0x80], 256),
            Some(b"value\0\x80\0".to_vec())
        );
        for (value, padding, bytes) in [
            (&b""[..], &[][..], 0),
            (b"", &[], 256),
            (b"value", &[], 256),
            (b"value", &[0x81], 256),
            (b"value", &[0x80], 255),
            (b"value", &[0x80], 512),
        ] {
            assert_eq!(padded(value, padding, bytes), None);
        }
        // Even with the right key, what somebody else sealed under it without a padding is refused.
        let bare = Standard
            .encrypt(&own_key(&Padded, &key()), &PLACE, b"value")
            .unwrap();
        assert_eq!(
            Padded.decrypt(&key(), &PLACE, &bare).err(),
            Some(EncryptError::Seal(SealError::Refused))
        );
    }

    #[test]
    fn the_limit_on_values_counts_their_padding() {
        let value = vec![0; MAX_PLAINTEXT_BYTES];
        assert!(Standard.encrypt(&key(), &PLACE, &value).is_ok());
        let error = Padded.encrypt(&key(), &PLACE, &value).unwrap_err();
        let bytes = MAX_PLAINTEXT_BYTES + 256;
        assert_eq!(error, EncryptError::Seal(SealError::TooLong { bytes }));
        assert!(Padded.encrypt(&key(), &PLACE, &value[1..]).is_ok());
    }

    #[test]
    fn no_error_shows_a_value_or_a_key() {
        let canary = Key::from_bytes(&[0xab; 32]).unwrap();
        let sealed = Standard.encrypt(&canary, &PLACE, b"canary").unwrap();
        for error in [
            Standard.decrypt(&key(), &PLACE, &sealed).unwrap_err(),
            Padded.decrypt(&canary, &PLACE, &sealed).unwrap_err(),
            Standard.decrypt(&canary, &PLACE, b"canary").unwrap_err(),
            check_name("canary!").unwrap_err(),
        ] {
            let told = format!("{error} {error:?}");
            for shown in ["canary", "171, 171", "abab", "99, 97"] {
                assert!(!told.contains(shown), "{told}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encrypted_is_decrypted(value in prop::collection::vec(any::<u8>(), 0..600), zeros in 0..300_usize) {
            // Zeros at the end look like padding.
            let value = [value, vec![0; zeros]].concat();
            for one in SHIPPED {
                let sealed = one.encrypt(&key(), &PLACE, &value).unwrap();
                let opened = one.decrypt(&key(), &PLACE, &sealed).unwrap();
                prop_assert_eq!(opened.expose(), value.as_slice());
            }
        }

        #[test]
        fn arbitrary_bytes_have_a_padding_of_one_form_or_none(
            value in prop::collection::vec(prop::sample::select(&[0_u8, 1, 0x80][..]), 0..600),
        ) {
            if let Some(inside) = unpadded(&value) {
                let mut again = [inside, &[PADDING]].concat();
                again.resize(again.len().next_multiple_of(PADDED_BYTES), 0);
                prop_assert_eq!(again, value);
            }
        }
    }
}
