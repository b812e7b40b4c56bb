//! Keys: what they are, what is derived from them for which purpose, and codes under them. It seals nothing and keeps no key.
//!
//! Everything is derived by HKDF-SHA-512 (RFC 5869) under a [`Label`], so that no two purposes ever share a key.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand::{TryRng, rngs::SysRng};
use sha2::{Sha256, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// What a derived key is for. No two purposes share a label, so no two share a key.
///
/// A label that is in use is never changed and never given to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// Key, nonce and commitment of a message in suite 01.
    Message,
    /// Key and nonce of a cell in suite 11.
    Cell,
    /// The key of a column, from a data key.
    Column,
    /// The key of a blind index, from a data key.
    Index,
    /// The key of the inner lock, from a password.
    PasswordLock,
    /// What recognises a password again, from a password.
    PasswordProof,
    /// The name of a key by which people tell it from others.
    Fingerprint,
    /// Hashes by which tokens are found.
    TokenHash,
    /// Authenticity of the rows of the audit.
    Audit,
    /// Hashes by which attempts are counted.
    Attempts,
    /// Authenticity of stored Argon2id settings.
    KdfSetting,
    /// What is kept of a password's proof.
    PasswordVerifier,
    /// Authenticity of rows of the vault's tables.
    Row,
    /// The root key of a vault, from a passphrase.
    RootPassphrase,
    /// The key of an encryptor that is not the standard one, from the key of a value.
    Encryptor,
    /// Codes by which a request that comes twice is recognised.
    Request,
}

impl Label {
    /// All labels.
    pub const ALL: [Label; 16] = [
        Label::Message,
        Label::Cell,
        Label::Column,
        Label::Index,
        Label::PasswordLock,
        Label::PasswordProof,
        Label::Fingerprint,
        Label::TokenHash,
        Label::Audit,
        Label::Attempts,
        Label::KdfSetting,
        Label::PasswordVerifier,
        Label::Row,
        Label::RootPassphrase,
        Label::Encryptor,
        Label::Request,
    ];

    /// The text that enters the derivation.
    pub const fn text(self) -> &'static str {
        match self {
            Label::Message => "chancery vault 1 message",
            Label::Cell => "chancery vault 1 cell",
            Label::Column => "chancery vault 1 column key",
            Label::Index => "chancery vault 1 index key",
            Label::PasswordLock => "chancery vault 1 password lock",
            Label::PasswordProof => "chancery vault 1 password proof",
            Label::Fingerprint => "chancery vault 1 fingerprint",
            Label::TokenHash => "chancery vault 1 token hash",
            Label::Audit => "chancery vault 1 audit",
            Label::Attempts => "chancery vault 1 attempts",
            Label::KdfSetting => "chancery vault 1 kdf setting",
            Label::PasswordVerifier => "chancery vault 1 password verifier",
            Label::Row => "chancery vault 1 row",
            Label::RootPassphrase => "chancery vault 1 root passphrase",
            Label::Encryptor => "chancery vault 1 encryptor",
            Label::Request => "chancery vault 1 request",
        }
    }
}

/// Fills a slice from the operating system's generator.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // Not a generator of our own process: a copy of a running virtual machine would draw the same salts twice.
    SysRng
        .try_fill_bytes(bytes)
        .expect("the operating system gives random bytes");
}

/// A key of 32 bytes, wiped when dropped, never printed and never copied.
///
/// ```
/// use chancery_vault::keys::Key;
/// let key = Key::random();
/// assert_eq!(format!("{key:?}"), "Key(…)");
/// assert_eq!(key.fingerprint().len(), 16);
/// ```
pub struct Key(Box<[u8; KEY_BYTES]>);

impl Key {
    /// A fresh key from the operating system's generator.
    pub fn random() -> Key {
        let mut key = Key::zero();
        fill_random(key.0.as_mut());
        key
    }

    /// A key that was kept; none unless there are 32 bytes. The bytes it is made from are the caller's to wipe.
    pub fn from_bytes(bytes: &[u8]) -> Option<Key> {
        if bytes.len() != KEY_BYTES {
            return None;
        }
        let mut key = Key::zero();
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes themselves. Every call is a place to look at when keys leak.
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Sixteen hexadecimal digits that name the key and tell nothing else about it.
    pub fn fingerprint(&self) -> String {
        let mut name = [0; 8];
        self.expand(&[], Label::Fingerprint, &[], &mut name);
        name.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A key for one purpose and some parts; another purpose or other parts make another key.
    pub(crate) fn derive(&self, salt: &[u8], label: Label, parts: &[&[u8]]) -> Key {
        let mut key = Key::zero();
        self.expand(salt, label, parts, key.0.as_mut());
        key
    }

    /// The code of some parts, each after its length; 32 bytes of HMAC-SHA-256.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.hmac(parts).finalize().into_bytes().into()
    }

    fn hmac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.expose()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// Where a derivation elsewhere in this crate writes its key.
    pub(crate) fn slot(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }

    pub(crate) fn zero() -> Key {
        Key(Box::new([0; KEY_BYTES]))
    }

    /// HKDF-SHA-512 of this key, with the label and each part after its length as the info.
    pub(crate) fn expand(&self, salt: &[u8], label: Label, parts: &[&[u8]], out: &mut [u8]) {
        let (mut extracted, hkdf) = Hkdf::<Sha512>::extract(Some(salt), self.0.as_slice());
        expand(&hkdf, label, parts, out);
        extracted.as_mut_slice().zeroize();
    }

    /// The key after the first of the two steps of HKDF.
    pub(crate) fn extract(&self, salt: &[u8]) -> Extracted {
        let (mut extracted, _) = Hkdf::<Sha512>::extract(Some(salt), self.0.as_slice());
        let kept = Zeroizing::new(extracted.to_vec());
        extracted.as_mut_slice().zeroize();
        Extracted(kept)
    }
}

/// What the first step of HKDF makes of a key and a salt, for whoever derives from them again and again; wiped when dropped.
pub(crate) struct Extracted(Zeroizing<Vec<u8>>);

impl Extracted {
    /// What [`Key::derive`] derives with that salt.
    pub(crate) fn derive(&self, label: Label, parts: &[&[u8]]) -> Key {
        let hkdf = Hkdf::<Sha512>::from_prk(&self.0).expect("it has the 64 bytes that SHA-512 gives");
        let mut key = Key::zero();
        expand(&hkdf, label, parts, key.0.as_mut());
        key
    }
}

/// The second step of HKDF, with the label and each part after its length as the info.
fn expand(hkdf: &Hkdf<Sha512>, label: Label, parts: &[&[u8]], out: &mut [u8]) {
    let label = label.text().as_bytes();
    let info_bytes = parts.iter().map(|part| 8 + part.len()).sum::<usize>() + 8 + label.len();
    let mut info = Vec::with_capacity(info_bytes);
    for part in std::iter::once(&label).chain(parts) {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    hkdf.expand(&info, out)
        .expect("at most 76 bytes are asked for, and HKDF gives thousands");
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

/// What is authenticated or looked up under a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacPurpose {
    /// Finding a token.
    TokenHash,
    /// The rows of the audit.
    Audit,
    /// Counting attempts.
    Attempts,
    /// Stored Argon2id settings.
    KdfSetting,
    /// What is kept to recognise a password.
    PasswordVerifier,
    /// Rows of the vault's tables.
    Row,
    /// Recognising a request that comes twice.
    Request,
}

impl MacPurpose {
    /// All purposes, in the order of their keys.
    pub const ALL: [MacPurpose; 7] = [
        MacPurpose::TokenHash,
        MacPurpose::Audit,
        MacPurpose::Attempts,
        MacPurpose::KdfSetting,
        MacPurpose::PasswordVerifier,
        MacPurpose::Row,
        MacPurpose::Request,
    ];

    const fn label(self) -> Label {
        match self {
            MacPurpose::TokenHash => Label::TokenHash,
            MacPurpose::Audit => Label::Audit,
            MacPurpose::Attempts => Label::Attempts,
            MacPurpose::KdfSetting => Label::KdfSetting,
            MacPurpose::PasswordVerifier => Label::PasswordVerifier,
            MacPurpose::Row => Label::Row,
            MacPurpose::Request => Label::Request,
        }
    }
}

/// The keys by which a vault recognises things: HMAC-SHA-256, one key for each purpose, all from the master key.
///
/// ```
/// use chancery_vault::keys::{Key, MacKeys, MacPurpose};
/// let keys = MacKeys::of(&Key::random());
/// let mac = keys.mac(MacPurpose::Audit, &[b"row 1", b"read"]);
/// assert!(keys.verify(MacPurpose::Audit, &[b"row 1", b"read"], &mac));
/// assert!(!keys.verify(MacPurpose::Audit, &[b"row 1r", b"ead"], &mac));
/// assert!(!keys.verify(MacPurpose::Attempts, &[b"row 1", b"read"], &mac));
/// ```
pub struct MacKeys([Key; MacPurpose::ALL.len()]);

impl MacKeys {
    /// The keys of a master key: always the same ones.
    pub fn of(master: &Key) -> MacKeys {
        MacKeys(MacPurpose::ALL.map(|purpose| master.derive(&[], purpose.label(), &[])))
    }

    /// The code of some parts for one purpose; where one part ends and the next begins counts.
    pub fn mac(&self, purpose: MacPurpose, parts: &[&[u8]]) -> [u8; 32] {
        self.0[purpose as usize].mac(parts)
    }

    /// Whether a code is that of the parts; takes the same time either way.
    pub fn verify(&self, purpose: MacPurpose, parts: &[&[u8]], code: &[u8]) -> bool {
        self.0[purpose as usize].hmac(parts).verify_slice(code).is_ok()
    }
}

impl fmt::Debug for MacKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MacKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_labels_are_alike() {
        let texts: HashSet<&str> = Label::ALL.iter().map(|label| label.text()).collect();
        assert_eq!(texts.len(), Label::ALL.len());
    }

    #[test]
    fn no_two_purposes_share_a_key() {
        let master = Key::random();
        let keys: HashSet<[u8; 32]> = Label::ALL
            .iter()
            .map(|label| *master.derive(&[], *label, &[]).expose())
            .collect();
        assert_eq!(keys.len(), Label::ALL.len());
        for (place, purpose) in MacPurpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, place, "keys are found by the order of purposes");
        }
    }

    #[test]
    fn where_a_part_ends_makes_another_key() {
        let key = Key::random();
        let derive = |parts: &[&[u8]]| *key.derive(&[], Label::Column, parts).expose();
        assert_ne!(derive(&[b"a", b"bc"]), derive(&[b"ab", b"c"]));
        assert_ne!(derive(&[b"a"]), derive(&[b"a", b""]));
        assert_ne!(derive(&[]), derive(&[b""]));
        assert_eq!(derive(&[b"a"]), derive(&[b"a"]));
    }

    #[test]
    fn both_steps_apart_make_the_same_key() {
        let key = Key::random();
        for (salt, parts) in [(&b""[..], &[][..]), (b"a salt", &[&b"one"[..], b"two"][..])] {
            let apart = key.extract(salt).derive(Label::PasswordProof, parts);
            assert_eq!(
                apart.expose(),
                key.derive(salt, Label::PasswordProof, parts).expose()
            );
        }
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert!(Key::from_bytes(&[1; 31]).is_none() && Key::from_bytes(&[1; 33]).is_none());
        assert_eq!(Key::from_bytes(&[1; 32]).unwrap().expose(), &[1; 32]);
        assert_ne!(Key::random().expose(), Key::random().expose());
    }
}
