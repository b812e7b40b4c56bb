//! Keys, hashing and sealing: the only crate that names a hash or a cipher. It stores nothing but the file of a root key,
//! if it is asked to, and knows no user.

pub mod checksum;
pub mod context;
pub mod credentials;
pub mod encryptor;
pub mod keys;
pub mod limits;
pub mod locks;
pub mod passwords;
pub mod policy;
pub mod root;
pub mod sealing;
pub mod tokens;
pub mod webhook;
