//! Passwords, random tokens, fingerprints and signatures: what proves who somebody is. Keeps nothing.
//!
//! - A **password** is guessable, so it is hashed slowly ([`hash_password`], Argon2id).
//! - A **token** is random ([`Secret::random`]), so a fast hash is enough to keep it ([`Fingerprint`], SHA-256).
//! - A **signature** ([`Signer`], HMAC-SHA-256) lets a server recognise what it gave out itself.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::{
    Rng,
    distr::{Alphanumeric, SampleString},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Memory of one password hash, in KiB (OWASP's first recommendation for Argon2id: 19 MiB, 2 passes, 1 lane).
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;
/// Passes of one password hash over that memory.
pub const PASSWORD_PASSES: u32 = 2;
/// Characters of the random part of a token: 40 of 62 letters and digits hold 238 bits.
pub const TOKEN_CHARS: usize = 40;
/// Bytes of a signature that [`Signer::seal`] appends; half of HMAC-SHA-256, as RFC 2104 allows.
const SEAL_BYTES: usize = 16;

/// Why a credential could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The password could not be hashed: too long for the algorithm, or no memory.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// A stored hash is not one of ours.
    #[error("the stored password hash cannot be read: {0}")]
    Stored(String),
}

/// The settings of every password hash made here.
fn argon2() -> Argon2<'static> {
    let params =
        Params::new(PASSWORD_MEMORY_KIB, PASSWORD_PASSES, 1, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password for keeping, with a fresh salt; the result is a PHC string that names its own settings.
///
/// Takes tens of milliseconds and 19 MiB on purpose: call it outside an async executor.
///
/// # Errors
/// [`CredentialError::Hash`] when the password is beyond what Argon2 takes (4 GiB).
///
/// ```
/// let hash = chancery_vault::credentials::hash_password("correct horse")?;
/// assert!(hash.starts_with("$argon2id$"));
/// assert!(chancery_vault::credentials::verify_password("correct horse", &hash)?);
/// # Ok::<(), chancery_vault::credentials::CredentialError>(())
/// ```
pub fn hash_password(password: &str) -> Result<String, CredentialError> {
    argon2()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| CredentialError::Hash(error.to_string()))
}

/// Whether a password is the one a PHC string was made from. Costs as much as hashing.
///
/// # Errors
/// [`CredentialError::Stored`] when the stored string is not a PHC string.
pub fn verify_password(password: &str, stored: &str) -> Result<bool, CredentialError> {
    let parsed = PasswordHash::new(stored).map_err(|error| CredentialError::Stored(error.to_string()))?;
    Ok(argon2().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Spends as much time as [`verify_password`], so that an unknown user takes as long as a wrong password.
pub fn verify_nobody(password: &str) {
    let mut out = Zeroizing::new([0_u8; 32]);
    // The result is thrown away: only the time matters, and a failure takes none.
    let _ = argon2().hash_password_into(password.as_bytes(), b"nobody-has-this-salt", out.as_mut());
}

/// Text that must not be seen: wiped from memory when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes over text that came from outside.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// A fresh random token: `prefix` and [`TOKEN_CHARS`] letters and digits from the system's generator.
    pub fn random(prefix: &str) -> Secret {
        let mut text = String::with_capacity(prefix.len() + TOKEN_CHARS);
        text.push_str(prefix);
        Alphanumeric.append_string(&mut rand::rng(), &mut text, TOKEN_CHARS);
        Secret(text)
    }

    /// The text itself. Every call is a place to look at when secrets leak.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether two secrets are equal, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// What is kept instead of the token.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Bytes that must not be seen, for what need not be text: as [`Secret`], wiped when dropped and never printed.
///
/// Moving it leaves no copy, as the bytes stay where they were allocated; what the compiler spills to the stack while
/// working on them is beyond its reach.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over bytes; all of the vector's memory is wiped when this is dropped, its spare capacity too.
    ///
    /// ```
    /// let value = chancery_vault::credentials::SecretBytes::new(b"hunter42".to_vec());
    /// assert_eq!(value.expose(), b"hunter42");
    /// assert_eq!(format!("{value:?}"), "SecretBytes(…)");
    /// ```
    pub fn new(bytes: Vec<u8>) -> SecretBytes {
        SecretBytes(bytes)
    }

    /// The bytes themselves. Every call is a place to look at when secrets leak.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether the bytes are equal to others, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }

    /// The same as text, without a copy; none, and wiped, if it is not UTF-8.
    pub fn into_text(mut self) -> Option<Secret> {
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => Some(Secret(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretBytes(…)")
    }
}

/// The SHA-256 of a token or a body: enough to recognise it, useless for making it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of some bytes.
    pub fn of(bytes: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(bytes).into())
    }

    /// The fingerprint of several pieces; where one ends counts, so `("a", "bc")` differs from `("ab", "c")`.
    pub fn of_parts(parts: &[&[u8]]) -> Fingerprint {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Fingerprint(hash.finalize().into())
    }

    /// As text for keeping: 43 characters of URL-safe base64.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// Signs what is given out and recognises it when it comes back. One key, many purposes that never mix.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Signer([u8; 32]);

impl Signer {
    /// A signer with a fresh random key.
    pub fn random() -> Signer {
        let mut key = [0_u8; 32];
        rand::rng().fill_bytes(&mut key);
        Signer(key)
    }

    /// A signer with a kept key, as [`Signer::to_text`] wrote it; `None` when the text is not one.
    pub fn from_text(text: &str) -> Option<Signer> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        Some(Signer(bytes.as_slice().try_into().ok()?))
    }

    /// The key as text for keeping.
    pub fn to_text(&self) -> Secret {
        Secret(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// The signature of a message for one purpose, as text.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, message).finalize().into_bytes())
    }

    /// Whether a text is the signature of a message for that purpose; takes the same time either way.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &str) -> bool {
        match URL_SAFE_NO_PAD.decode(signature) {
            Ok(bytes) => self.mac(purpose, message).verify_slice(&bytes).is_ok(),
            Err(_) => false,
        }
    }

    /// The message and its signature as one opaque text. The message can be read by whoever decodes it, not changed.
    ///
    /// ```
    /// let signer = chancery_vault::credentials::Signer::random();
    /// let sealed = signer.seal("cursor", b"page 2");
    /// assert_eq!(signer.open("cursor", &sealed).as_deref(), Some(&b"page 2"[..]));
    /// assert_eq!(signer.open("other purpose", &sealed), None);
    /// ```
    pub fn seal(&self, purpose: &str, message: &[u8]) -> String {
        let tag = self.mac(purpose, message).finalize().into_bytes();
        let mut bytes = Vec::with_capacity(SEAL_BYTES + message.len());
        bytes.extend_from_slice(&tag[..SEAL_BYTES]);
        bytes.extend_from_slice(message);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The message of a sealed text; `None` when it was altered or sealed for another purpose or by another key.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (tag, message) = bytes.split_at_checked(SEAL_BYTES)?;
        self.mac(purpose, message).verify_truncated_left(tag).ok()?;
        Some(message.to_vec())
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&(purpose.len() as u64).to_le_bytes());
        mac.update(purpose.as_bytes());
        mac.update(message);
        mac
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_and_another_does_not() {
        let hash = hash_password("hunter42 and more").unwrap();
        assert!(verify_password("hunter42 and more", &hash).unwrap());
        assert!(!verify_password("hunter42 and less", &hash).unwrap());
        assert!(matches!(
            verify_password("x", "plain"),
            Err(CredentialError::Stored(_))
        ));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        assert_ne!(hash_password("same").unwrap(), hash_password("same").unwrap());
    }

    #[test]
    fn tokens_are_long_and_never_equal_and_never_printed() {
        let (one, two) = (Secret::random("chy_"), Secret::random("chy_"));
        assert_eq!(one.expose().len(), 4 + TOKEN_CHARS);
        assert!(!one.matches(two.expose()) && one.matches(one.expose()));
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }

    #[test]
    fn secret_bytes_become_text_only_if_they_are() {
        assert!(SecretBytes::new(vec![0xff]).into_text().is_none());
        let text = SecretBytes::new("grüße".into()).into_text().unwrap();
        assert_eq!(text.expose(), "grüße");
        assert!(SecretBytes::new(vec![1, 2]).matches(&[1, 2]));
        assert!(!SecretBytes::new(vec![1, 2]).matches(&[1, 2, 3]));
    }

    #[test]
    fn a_fingerprint_is_sha_256() {
        // The digest of "abc" from FIPS 180-4.
        assert_eq!(
            Fingerprint::of(b"abc").to_text(),
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
        );
        assert_ne!(
            Fingerprint::of_parts(&[b"a", b"bc"]),
            Fingerprint::of_parts(&[b"ab", b"c"])
        );
    }

    #[test]
    fn flipping_any_byte_of_a_sealed_text_is_noticed() {
        let signer = Signer::random();
        let sealed = signer.seal("cursor", b"{\"after\":[1,\"x\"]}");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            // The last character may carry unused bits; the decoder refuses those that are set.
            assert_eq!(signer.open("cursor", &altered), None, "byte {at}");
        }
        assert_eq!(Signer::random().open("cursor", &sealed), None);
        assert_eq!(signer.open("cursor", ""), None);
    }

    #[test]
    fn a_signer_survives_being_kept() {
        let signer = Signer::random();
        let kept = Signer::from_text(signer.to_text().expose()).unwrap();
        assert!(kept.verify("csrf", b"session", &signer.sign("csrf", b"session")));
        assert!(!kept.verify("cursor", b"session", &signer.sign("csrf", b"session")));
        assert!(Signer::from_text("short").is_none());
    }
}
