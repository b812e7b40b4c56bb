//! The checksum of a file, as `sha256sum` prints it. It keeps no file in memory.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Bytes read at a time.
const STEP_BYTES: usize = 128 * 1024;

/// The SHA-256 of everything that comes, in hexadecimal digits.
///
/// # Errors
/// Those of the reader.
///
/// ```
/// let sum = chancery_vault::checksum::sha256(&mut "abc".as_bytes()).unwrap();
/// assert!(sum.starts_with("ba7816bf"));
/// ```
pub fn sha256(from: &mut dyn Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        match from.read(&mut step) {
            Ok(0) => break,
            Ok(read) => hash.update(&step[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(digits(&hash.finalize()))
}

/// A SHA-256 that is fed piece by piece.
#[derive(Clone, Default)]
pub struct Sum(Sha256);

impl Sum {
    /// Takes the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum of all that came, in hexadecimal digits.
    ///
    /// ```
    /// let mut sum = chancery_vault::checksum::Sum::default();
    /// sum.add(b"a");
    /// sum.add(b"bc");
    /// assert_eq!(sum.digits(), chancery_vault::checksum::sha256(&mut "abc".as_bytes()).unwrap());
    /// ```
    pub fn digits(self) -> String {
        digits(&self.0.finalize())
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
