//! The vault's cryptography from outside: published vectors, goldens, and what sealing and locks promise. Tests of one file
//! alone stand in that file.

#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

mod frozen;
mod goldens;
mod hostile;
mod locks;
mod places;
mod published;
mod root;
mod sealing;
