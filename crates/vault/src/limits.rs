//! Every limit of this crate in one place. It enforces none of them.

/// Bytes of a plaintext that is sealed in one piece: 64 MiB. AES-GCM itself would take a thousand times more.
pub const MAX_PLAINTEXT_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a password. Longer ones are refused, never cut.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// Characters of a new password, at least, unless its policy says otherwise.
pub const MIN_PASSWORD_CHARS: usize = 12;

/// The least memory of Argon2id, in KiB: 7 MiB, the smallest that OWASP recommends.
pub const MIN_KDF_MEMORY_KIB: u32 = 7 * 1024;
/// The most memory of Argon2id, in KiB: 256 MiB.
pub const MAX_KDF_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes of Argon2id over its memory.
pub const MAX_KDF_PASSES: u32 = 10;
/// The most lanes of Argon2id.
pub const MAX_KDF_LANES: u32 = 8;

/// Most characters of a drawn token.
pub const MAX_DRAWN_CHARS: usize = 64;
/// Bytes of a token that a caller chose.
pub const MAX_TOKEN_BYTES: usize = 255;

/// Bytes of a text that holds a root key, comments included.
pub const MAX_KEY_TEXT_BYTES: usize = 4096;

/// Bytes of the name of an encryptor.
pub const MAX_ENCRYPTOR_NAME_BYTES: usize = 32;
