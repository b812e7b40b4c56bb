//! A form with a file, as a browser sends one. Sends nothing itself.

use std::fs::File;
use std::io::{self, Read};

use crate::failure::Failure;

/// A `multipart/form-data` body (RFC 7578) that streams one file.
pub(crate) struct Form {
    boundary: String,
    head: Vec<u8>,
}

impl Form {
    pub(crate) fn new() -> Form {
        // The boundary must not stand in the file; the time and the process make it improbable, its length unlikely.
        let time = jiff::Timestamp::now().as_nanosecond();
        Form {
            boundary: format!("chancery-{time:x}-{:x}-6e1f0b52d9", std::process::id()),
            head: Vec::new(),
        }
    }

    fn part(&mut self, disposition: &str) {
        let part = format!(
            "--{}\r\nContent-Disposition: form-data; {disposition}\r\n",
            self.boundary
        );
        self.head.extend_from_slice(part.as_bytes());
    }

    pub(crate) fn field(&mut self, name: &str, value: &str) {
        self.part(&format!("name=\"{name}\""));
        self.head.extend_from_slice(b"\r\n");
        self.head.extend_from_slice(value.as_bytes());
        self.head.extend_from_slice(b"\r\n");
    }

    /// The content type and the body, a file in one of its fields.
    pub(crate) fn with_file(
        mut self,
        field: &str,
        path: &std::path::Path,
    ) -> Result<(String, impl Read + Send + 'static), Failure> {
        let file = File::open(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let name = path.file_name().map_or_else(
            || "file".into(),
            |name| name.to_string_lossy().replace(['"', '\r', '\n'], "_"),
        );
        self.part(&format!("name=\"{field}\"; filename=\"{name}\""));
        self.head
            .extend_from_slice(b"Content-Type: application/octet-stream\r\n\r\n");
        let tail = format!("\r\n--{}--\r\n", self.boundary).into_bytes();
        let body = io::Cursor::new(self.head)
            .chain(file)
            .chain(io::Cursor::new(tail));
        Ok((format!("multipart/form-data; boundary={}", self.boundary), body))
    }
}
