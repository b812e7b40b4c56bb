//! Keys, hashing and sealing: the only crate that names a hash or a cipher. It stores nothing and knows no user.

pub mod checksum;
pub mod credentials;
pub mod webhook;
