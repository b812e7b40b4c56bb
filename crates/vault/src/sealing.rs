//! Sealing: ciphertexts that say how they were made and open in one place only. It keeps no key and reads no clock.
//!
//! The cipher of the vault stands in this file and nowhere else. A ciphertext is
//!
//! ```text
//! magic 2 | format 1 | suite 1 | flags 1 | kid 4 | salt 24 | commitment 32 | ciphertext | tag 16     suite 01
//! magic 2 | format 1 | suite 1 | flags 1 | kid 4 | salt 16 |                 ciphertext | tag 16     suite 11
//! ```
//!
//! with numbers big-endian. Every message has its own key: from the key, the salt, the first nine bytes and the [`Context`],
//! HKDF-SHA-512 (RFC 5869, both steps) makes a key of 32 bytes, a nonce of 12 and, in suite 01, the commitment. AES-256-GCM
//! seals under that, with everything before the ciphertext and the context as associated data. So no nonce can repeat under
//! a key as random nonces of 12 bytes would after 2³² messages, no byte of the head can be changed, and a ciphertext of
//! suite 01 opens under one key only: that of its commitment, which is compared before anything is opened.
//!
//! Suite 11 is for cells of columns, where 40 bytes less for each cell count. It has no commitment: it is only ever
//! opened by a key of the server, never by one that somebody chose.

use std::fmt;

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::credentials::SecretBytes;
use crate::keys::{KEY_BYTES, Key, Label, fill_random};
use crate::limits::MAX_PLAINTEXT_BYTES;

/// Bytes that sealing adds to a plaintext.
pub const OVERHEAD_BYTES: usize = HEAD_BYTES + 24 + COMMITMENT_BYTES + TAG_BYTES;
/// Bytes that sealing adds to the plaintext of a cell.
pub const CELL_OVERHEAD_BYTES: usize = HEAD_BYTES + 16 + TAG_BYTES;
/// The number of a key that is not numbered, as it is kept beside what it seals.
pub const UNNUMBERED: u32 = 0;

/// How every ciphertext starts. The first byte is no text in UTF-8 together with the second.
const MAGIC: [u8; 2] = [0xC4, 0x56];
/// The layout of the head.
const FORMAT: u8 = 1;
/// No flag has a meaning yet.
const FLAGS: u8 = 0;
/// Magic, format, suite, flags and key number.
const HEAD_BYTES: usize = 9;
const COMMITMENT_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// How a ciphertext starts as text.
const TEXT_PREFIX: &str = "vs1.";

/// Why something was not sealed or opened. No variant holds more than what stands readable in a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The plaintext is over [`MAX_PLAINTEXT_BYTES`].
    #[error("a value of {bytes} bytes is too long to seal: the limit is {MAX_PLAINTEXT_BYTES} bytes")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The bytes do not start as a ciphertext does.
    #[error("this is not a sealed value")]
    NotSealed,
    /// The layout is of another version.
    #[error("the sealed value has format {0}, which is not known")]
    Format(u8),
    /// The suite is unknown, or not the one that belongs here.
    #[error("the sealed value has suite {0:#04x}, which does not belong here")]
    Suite(u8),
    /// A flag is set that has no meaning.
    #[error("the sealed value has flags {0:#04x}, which are not known")]
    Flags(u8),
    /// Shorter than an empty plaintext sealed.
    #[error("the sealed value has {bytes} bytes; even an empty one has {least}")]
    TooShort {
        /// Its length.
        bytes: usize,
        /// The least of its suite, or of the head.
        least: usize,
    },
    /// The text is not `vs1.` and canonical base64.
    #[error(
        "this is not a sealed value as text: it starts with {TEXT_PREFIX} and goes on in base64url without padding"
    )]
    Text,
    /// It names another key than the one it was to be opened with.
    #[error("the sealed value was sealed with key {found}, not with key {offered}")]
    OtherKey {
        /// The number it names.
        found: u32,
        /// The number of the key it was to be opened with.
        offered: u32,
    },
    /// It does not open: another key, another context, or altered. Which of them cannot be known.
    #[error("the sealed value does not open here")]
    Refused,
}

/// A way of sealing, as the head names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `01`: HKDF-SHA-512 and AES-256-GCM with a commitment.
    Message,
    /// `11`: the same for a cell, with a shorter salt and without a commitment.
    Cell,
}

impl Suite {
    const fn code(self) -> u8 {
        match self {
            Suite::Message => 0x01,
            Suite::Cell => 0x11,
        }
    }

    const fn salt_bytes(self) -> usize {
        match self {
            Suite::Message => 24,
            Suite::Cell => 16,
        }
    }

    const fn commitment_bytes(self) -> usize {
        match self {
            Suite::Message => COMMITMENT_BYTES,
            Suite::Cell => 0,
        }
    }

    const fn overhead_bytes(self) -> usize {
        HEAD_BYTES + self.salt_bytes() + self.commitment_bytes() + TAG_BYTES
    }

    const fn label(self) -> Label {
        match self {
            Suite::Message => Label::Message,
            Suite::Cell => Label::Cell,
        }
    }
}

/// What a ciphertext says about itself. None of it can be believed before the ciphertext was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How it was sealed.
    pub suite: Suite,
    /// The number of the key it was sealed with.
    pub kid: u32,
}

impl Header {
    /// Reads the head of a ciphertext: enough to choose the key that opens it.
    ///
    /// # Errors
    /// [`SealError::NotSealed`], [`SealError::Format`], [`SealError::Suite`], [`SealError::Flags`] or
    /// [`SealError::TooShort`]: what of the head is not as it has to be.
    ///
    /// ```
    /// use chancery_vault::sealing::{Header, SealError};
    /// assert_eq!(Header::read(b"plain text"), Err(SealError::NotSealed));
    /// ```
    pub fn read(sealed: &[u8]) -> Result<Header, SealError> {
        if !sealed.starts_with(&MAGIC) {
            return Err(SealError::NotSealed);
        }
        let Some((&[_, _, format, suite, flags, a, b, c, d], _)) = sealed.split_first_chunk::<HEAD_BYTES>()
        else {
            return Err(too_short(sealed, HEAD_BYTES));
        };
        if format != FORMAT {
            return Err(SealError::Format(format));
        }
        let suite = [Suite::Message, Suite::Cell]
            .into_iter()
            .find(|known| known.code() == suite)
            .ok_or(SealError::Suite(suite))?;
        if flags != FLAGS {
            return Err(SealError::Flags(flags));
        }
        if sealed.len() < suite.overhead_bytes() {
            return Err(too_short(sealed, suite.overhead_bytes()));
        }
        let kid = u32::from_be_bytes([a, b, c, d]);
        Ok(Header { suite, kid })
    }

    fn write(self) -> [u8; HEAD_BYTES] {
        let [a, b, c, d] = self.kid.to_be_bytes();
        let [first, second] = MAGIC;
        [first, second, FORMAT, self.suite.code(), FLAGS, a, b, c, d]
    }
}

fn too_short(sealed: &[u8], least: usize) -> SealError {
    SealError::TooShort {
        bytes: sealed.len(),
        least,
    }
}

/// A ciphertext as text: `vs1.` and base64url without padding.
pub fn to_text(sealed: &[u8]) -> String {
    let mut text = String::with_capacity(TEXT_PREFIX.len() + sealed.len().div_ceil(3) * 4);
    text.push_str(TEXT_PREFIX);
    URL_SAFE_NO_PAD.encode_string(sealed, &mut text);
    text
}

/// The ciphertext of a text. Each has one text only: padding, unused bits that are set, and blanks are refused.
///
/// # Errors
/// [`SealError::Text`] for every other text.
///
/// ```
/// use chancery_vault::sealing::{from_text, to_text};
/// assert_eq!(to_text(&[1]), "vs1.AQ");
/// assert_eq!(from_text("vs1.AQ").as_deref(), Ok(&[1][..]));
/// assert!(from_text("vs1.AR").is_err() && from_text("vs1.AQ==").is_err() && from_text("AQ").is_err());
/// ```
pub fn from_text(text: &str) -> Result<Vec<u8>, SealError> {
    let digits = text.strip_prefix(TEXT_PREFIX).ok_or(SealError::Text)?;
    URL_SAFE_NO_PAD.decode(digits).map_err(|_| SealError::Text)
}

/// A numbered key that seals: a root key, the master key, a data key, the key of one value or that of a password.
///
/// ```
/// use chancery_vault::{context::{Context, Kind, Purpose}, keys::Key,
///     sealing::{SealError, SealingKey}};
/// let place = Context { vault: [7; 16], kind: Kind::Secret, table: b"", record: &[1; 16], column: b"", version: 1,
///     purpose: Purpose::Value, schema: 1 };
/// let key = SealingKey::new(3, Key::random());
/// let sealed = key.seal(&place, b"hunter42")?;
/// assert_eq!(key.open(&place, &sealed)?.expose(), b"hunter42");
/// let elsewhere = Context { record: &[2; 16], ..place };
/// assert_eq!(key.open(&elsewhere, &sealed).err(), Some(SealError::Refused));
/// # Ok::<(), SealError>(())
/// ```
pub struct SealingKey {
    kid: u32,
    key: Key,
}

impl SealingKey {
    /// A key under its number, or under [`UNNUMBERED`].
    pub fn new(kid: u32, key: Key) -> SealingKey {
        SealingKey { kid, key }
    }

    /// Its number, which every ciphertext names.
    pub fn kid(&self) -> u32 {
        self.kid
    }

    /// Seals bytes for one place; the result is [`OVERHEAD_BYTES`] longer.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, context: &Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        seal(Suite::Message, self.kid, &self.key, context, plaintext)
    }

    /// Opens what [`SealingKey::seal`] sealed for the same place.
    ///
    /// # Errors
    /// Those of [`Header::read`], [`SealError::OtherKey`], and [`SealError::Refused`] for everything else.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        open(Suite::Message, self.kid, &self.key, context, sealed)
    }

    /// The key of one generation of an encrypted column, from this data key.
    pub fn column_key(&self, table: &[u8], column: &[u8], generation: u64) -> ColumnKey {
        let parts = [table, column, &generation.to_be_bytes()];
        ColumnKey {
            kid: self.kid,
            key: self.key.derive(&[], Label::Column, &parts),
        }
    }

    /// The key of one generation of a blind index, from this data key. It has nothing to do with that of the column.
    pub fn index_key(&self, table: &[u8], column: &[u8], index: &[u8], generation: u64) -> IndexKey {
        let parts = [table, column, index, &generation.to_be_bytes()];
        IndexKey(self.key.derive(&[], Label::Index, &parts))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SealingKey({}, …)", self.kid)
    }
}

/// The key of one encrypted column; made by [`SealingKey::column_key`].
pub struct ColumnKey {
    kid: u32,
    key: Key,
}

impl ColumnKey {
    /// Seals a cell; the result is [`CELL_OVERHEAD_BYTES`] longer.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal(&self, context: &Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        seal(Suite::Cell, self.kid, &self.key, context, plaintext)
    }

    /// Seals a cell so that equal values have equal cells: the salt is what the index says of the plaintext, so a message key
    /// only ever seals one plaintext. The context must not name a record then.
    ///
    /// # Errors
    /// [`SealError::TooLong`].
    pub fn seal_alike(
        &self,
        context: &Context<'_>,
        plaintext: &[u8],
        index: &IndexKey,
    ) -> Result<Vec<u8>, SealError> {
        let salt = index.of(plaintext);
        seal_salted(
            Suite::Cell,
            (self.kid, &self.key),
            context,
            plaintext,
            Some(&salt),
        )
    }

    /// Opens what [`ColumnKey::seal`] sealed for the same cell.
    ///
    /// # Errors
    /// As [`SealingKey::open`].
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        open(Suite::Cell, self.kid, &self.key, context, sealed)
    }
}

impl fmt::Debug for ColumnKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ColumnKey({}, …)", self.kid)
    }
}

/// The key of one blind index; made by [`SealingKey::index_key`].
pub struct IndexKey(Key);

impl IndexKey {
    /// What is indexed instead of a value: equal for equal values, and else without meaning. The value comes normalised.
    pub fn of(&self, value: &[u8]) -> [u8; 16] {
        *self
            .0
            .mac(&[value])
            .first_chunk()
            .expect("32 bytes begin with 16")
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IndexKey(…)")
    }
}

/// Key, nonce and commitment of one message.
struct Message {
    derived: Zeroizing<[u8; KEY_BYTES + NONCE_BYTES + COMMITMENT_BYTES]>,
    commitment_bytes: usize,
}

impl Message {
    fn new(suite: Suite, key: &Key, head_and_salt: &[u8], context: &[u8]) -> Message {
        let (head, salt) = head_and_salt.split_at(HEAD_BYTES);
        let commitment_bytes = suite.commitment_bytes();
        let mut derived = Zeroizing::new([0; KEY_BYTES + NONCE_BYTES + COMMITMENT_BYTES]);
        let wanted = &mut derived[..KEY_BYTES + NONCE_BYTES + commitment_bytes];
        key.expand(salt, suite.label(), &[head, context], wanted);
        Message {
            derived,
            commitment_bytes,
        }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new_from_slice(&self.derived[..KEY_BYTES]).expect("the key has 32 bytes")
    }

    fn nonce(&self) -> &[u8; NONCE_BYTES] {
        self.derived[KEY_BYTES..]
            .first_chunk()
            .expect("the nonce is derived")
    }

    fn commitment(&self) -> &[u8] {
        &self.derived[KEY_BYTES + NONCE_BYTES..][..self.commitment_bytes]
    }
}

/// Seals under a key that its owner keeps.
pub(crate) fn seal(
    suite: Suite,
    kid: u32,
    key: &Key,
    context: &Context<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    seal_salted(suite, (kid, key), context, plaintext, None)
}

/// Seals with a salt that follows from the plaintext, or a random one.
fn seal_salted(
    suite: Suite,
    (kid, key): (u32, &Key),
    context: &Context<'_>,
    plaintext: &[u8],
    salt: Option<&[u8; 16]>,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > MAX_PLAINTEXT_BYTES {
        return Err(SealError::TooLong {
            bytes: plaintext.len(),
        });
    }
    let context = context.encode();
    // With room for all of it, so that no plaintext stays behind where a vector has grown out of.
    let mut sealed = Vec::with_capacity(suite.overhead_bytes() + plaintext.len());
    sealed.extend_from_slice(&Header { suite, kid }.write());
    sealed.resize(HEAD_BYTES + suite.salt_bytes(), 0);
    match salt {
        Some(salt) => sealed[HEAD_BYTES..].copy_from_slice(salt),
        None => fill_random(&mut sealed[HEAD_BYTES..]),
    }
    let message = Message::new(suite, key, &sealed, &context);
    sealed.extend_from_slice(message.commitment());
    let associated = [&sealed, context.as_slice()].concat();
    let start = sealed.len();
    sealed.extend_from_slice(plaintext);
    let tag = message
        .cipher()
        .encrypt_inout_detached(
            message.nonce().into(),
            &associated,
            sealed[start..].as_mut().into(),
        )
        .expect("the length was checked");
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Opens under a key that its owner keeps.
pub(crate) fn open(
    suite: Suite,
    kid: u32,
    key: &Key,
    context: &Context<'_>,
    sealed: &[u8],
) -> Result<SecretBytes, SealError> {
    let header = Header::read(sealed)?;
    if header.suite != suite {
        return Err(SealError::Suite(header.suite.code()));
    }
    if header.kid != kid {
        return Err(SealError::OtherKey {
            found: header.kid,
            offered: kid,
        });
    }
    let context = context.encode();
    let (before, rest) = sealed.split_at(suite.overhead_bytes() - TAG_BYTES);
    let (head_and_salt, commitment) = before.split_at(HEAD_BYTES + suite.salt_bytes());
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(SealError::Refused)?;
    let message = Message::new(suite, key, head_and_salt, &context);
    if !bool::from(message.commitment().ct_eq(commitment)) {
        return Err(SealError::Refused);
    }
    let associated = [before, &context].concat();
    let mut plaintext = ciphertext.to_vec();
    message
        .cipher()
        .decrypt_inout_detached(
            message.nonce().into(),
            &associated,
            plaintext.as_mut_slice().into(),
            tag.into(),
        )
        .map_err(|_| SealError::Refused)?;
    Ok(SecretBytes::new(plaintext))
}
