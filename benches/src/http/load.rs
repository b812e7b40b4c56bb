//! A closed-loop load generator: callers on kept connections, each asking again when it is answered. It parses no more of
//! HTTP/1.1 than it needs to find where an answer ends.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::measure::callers;

/// Where to ask, and with which key.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The address.
    pub(crate) address: SocketAddr,
    /// The API key; empty if none is asked for.
    pub(crate) key: String,
}

/// One kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    headers: String,
}

/// An answer: its status and its body.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Server {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut headers = format!("host: {}\r\n", self.address);
        if !self.key.is_empty() {
            headers.push_str(&format!("authorization: Bearer {}\r\n", self.key));
        }
        Ok(Connection {
            stream,
            request: Vec::new(),
            answer: Vec::with_capacity(16 * 1024),
            headers,
        })
    }

    /// How many requests a second `many` callers get answered with `status`; `make` tells method, path and body.
    pub(crate) async fn rate<Make>(&self, many: usize, span: Duration, status: u16, make: Make) -> Result<f64>
    where
        Make: Fn(u64) -> (&'static str, String, String) + Clone + Send + 'static,
    {
        let mut connections = Vec::with_capacity(many);
        for _ in 0..many {
            connections.push(self.connect().await?);
        }
        let pool = std::sync::Arc::new(parking_lot::Mutex::new(connections));
        callers(many, span, move |turn| {
            let (pool, make) = (pool.clone(), make.clone());
            async move {
                let mut connection = pool.lock().pop().context("as many connections as callers")?;
                let (method, path, body) = make(turn);
                connection.ask(method, &path, body.as_bytes(), status).await?;
                pool.lock().push(connection);
                Ok(())
            }
        })
        .await
    }
}

impl Connection {
    /// Asks and expects a status; answers the body.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, body: &[u8], status: u16) -> Result<&[u8]> {
        let answer = self.send(method, path, body).await?;
        ensure!(
            answer.status == status,
            "{method} {path} answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body[..answer.body.len().min(2_000)])
        );
        Ok(answer.body)
    }

    /// Asks and waits for the whole answer.
    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.request.clear();
        write!(self.request, "{method} {path} HTTP/1.1\r\n{}", self.headers)?;
        if !body.is_empty() {
            write!(
                self.request,
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            )?;
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.receive().await
    }

    async fn receive(&mut self) -> Result<Answer<'_>> {
        self.answer.clear();
        let (head, body) = loop {
            self.more().await?;
            if let Some(end) = find(&self.answer, b"\r\n\r\n") {
                break (end, end + 4);
            }
        };
        let text = std::str::from_utf8(&self.answer[..head])?;
        let status = text.get(9..12).context("a status line")?.parse()?;
        let mut length = None;
        let mut chunked = false;
        for line in text.split("\r\n").skip(1) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse::<usize>()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
        }
        if chunked {
            let end = self.chunks(body).await?;
            return Ok(Answer {
                status,
                body: &self.answer[body..end],
            });
        }
        let end = body + length.unwrap_or(0);
        while self.answer.len() < end {
            self.more().await?;
        }
        Ok(Answer {
            status,
            body: &self.answer[body..end],
        })
    }

    /// Takes the frames of a chunked body away and answers where it ends.
    async fn chunks(&mut self, start: usize) -> Result<usize> {
        let (mut read, mut write) = (start, start);
        loop {
            let line = loop {
                match find(&self.answer[read..], b"\r\n") {
                    Some(end) => break read + end,
                    None => self.more().await?,
                }
            };
            let size = std::str::from_utf8(&self.answer[read..line])?;
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16)?;
            while self.answer.len() < line + 2 + size + 2 {
                self.more().await?;
            }
            self.answer.copy_within(line + 2..line + 2 + size, write);
            write += size;
            read = line + 2 + size + 2;
            if size == 0 {
                return Ok(write);
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.answer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The times of some requests one after another on one connection, in ms.
pub(crate) async fn times(
    server: &Server,
    turns: usize,
    make: impl Fn(usize) -> (&'static str, String, String),
) -> Result<Vec<f64>> {
    let mut connection = server.connect().await?;
    let mut times = Vec::with_capacity(turns);
    for turn in 0..turns {
        let (method, path, body) = make(turn);
        let start = Instant::now();
        connection.ask(method, &path, body.as_bytes(), 200).await?;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request with these bytes, a piece at a time.
    async fn answered(pieces: &'static [&'static str], expected: (u16, &str)) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            key: String::new(),
        };
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        let mut connection = server.connect().await.unwrap();
        let answer = connection.send("GET", "/", b"").await.unwrap();
        assert_eq!(
            (answer.status, std::str::from_utf8(answer.body).unwrap()),
            expected
        );
        served.await.unwrap();
    }

    #[tokio::test]
    async fn answers_are_read_to_their_end() {
        answered(
            &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "\r\nab", "cde"],
            (200, "abcde"),
        )
        .await;
        answered(&["HTTP/1.1 204 No Content\r\n\r\n"], (204, "")).await;
        answered(
            &[
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
                "c\r\n2\r",
                "\nde\r\n0\r\n\r\n",
            ],
            (200, "abcde"),
        )
        .await;
    }
}
