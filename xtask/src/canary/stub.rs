//! A receiver that writes down every request it gets, and is content with it: a collector of traces, a receiver of webhooks.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long something may take to arrive.
const WITHIN: Duration = Duration::from_secs(30);

pub(crate) struct Stub {
    pub(crate) url: String,
    folder: PathBuf,
}

impl Stub {
    /// Listens until the program ends.
    pub(crate) fn start(folder: &Path) -> Result<Stub> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        let url = format!("http://{}", listener.local_addr()?);
        let into = folder.to_owned();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let file = into.join(format!("{number}"));
                std::thread::spawn(move || write_down(stream, &file));
            }
        });
        Ok(Stub {
            url,
            folder: folder.to_owned(),
        })
    }

    /// Waits until some bytes have come.
    pub(crate) fn wait_for(&self, bytes: &[u8]) -> Result<()> {
        let deadline = Instant::now() + WITHIN;
        loop {
            for entry in std::fs::read_dir(&self.folder)? {
                let told = std::fs::read(entry?.path())?;
                if told.windows(bytes.len()).any(|window| window == bytes) {
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                bail!("nothing of what was expected came to {}", self.folder.display());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Requests of one connection, until it ends. Each is answered once its body is there, whose length is told.
fn write_down(mut stream: TcpStream, file: &Path) -> Option<()> {
    let mut all = std::fs::File::create(file).ok()?;
    let mut waiting = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        all.write_all(&buffer[..read]).ok()?;
        waiting.extend_from_slice(&buffer[..read]);
        while let Some(length) = request_length(&waiting) {
            waiting.drain(..length);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .ok()?;
        }
    }
}

/// The bytes of the first request, if all of it is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    if text.contains("transfer-encoding: chunked") {
        let end = bytes[head..]
            .windows(5)
            .position(|window| window == b"0\r\n\r\n")?;
        return Some(head + end + 5);
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= head + length).then_some(head + length)
}
