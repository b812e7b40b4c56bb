//! Values, tokens and passwords on their way in: from files, from stdin, or asked for without being shown. Never from the command line,
//! which other users of the machine can see and which shells write down.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chancery_api::concealed::Concealed;
use clap::Args;

use crate::failure::Failure;

/// Most bytes that are read of anything (16 MiB); the vault takes less.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where a token comes from.
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// A file whose first line is the token; - for stdin. Without it the token is the first line of stdin, or asked for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Only `-`, for stdin: a token itself does not belong on a command line
    #[arg(value_name = "-", hide = true)]
    dash: Option<String>,
}

/// Where a password comes from, if there is one.
#[derive(Args, Debug)]
pub(crate) struct PasswordArgs {
    /// It has a password: the next line of stdin, or asked for
    #[arg(long)]
    password: bool,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The file with the password, if one is named.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.password_file.as_deref()
    }
}

/// Where a value comes from.
#[derive(Args, Debug)]
pub(crate) struct ValueArgs {
    /// A file with the value, taken as it is; without it the value is what is left of stdin, without its last line break, or asked for
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Stdin as far as it is not read yet, or the keyboard.
pub(crate) struct SecretInput {
    /// None if somebody is there to be asked.
    stdin: Option<Vec<u8>>,
}

impl SecretInput {
    /// Nothing is read yet.
    pub(crate) fn new() -> SecretInput {
        SecretInput {
            stdin: (!io::stdin().is_terminal()).then(Vec::new),
        }
    }

    /// A token.
    pub(crate) fn token(&mut self, args: &TokenArgs) -> Result<Concealed, Failure> {
        if args.dash.as_ref().is_some_and(|text| text != "-") {
            return Err(
                Failure::new("a token does not belong on a command line, which others can see")
                    .hint("put it on stdin, or name a file with --token-file"),
            );
        }
        match named(args.token_file.as_deref()) {
            Some(path) => first_line(path),
            None => self.line("Token"),
        }
    }

    /// A token that is chosen, from a file.
    pub(crate) fn token_of(&mut self, file: &Path) -> Result<Concealed, Failure> {
        match named(Some(file)) {
            Some(path) => first_line(path),
            None => self.line("Token"),
        }
    }

    /// The password of something that is there.
    pub(crate) fn password(&mut self, args: &PasswordArgs) -> Result<Option<Concealed>, Failure> {
        match (
            named(args.password_file.as_deref()),
            args.password || args.password_file.is_some(),
        ) {
            (Some(path), _) => first_line(path).map(Some),
            (None, true) => self.line("Password").map(Some),
            (None, false) => Ok(None),
        }
    }

    /// The password of what is there, which must be given.
    pub(crate) fn old_password(&mut self, file: Option<&Path>) -> Result<Concealed, Failure> {
        match named(file) {
            Some(path) => first_line(path),
            None => self.line("Old password"),
        }
    }

    /// A password that is set: asked for twice.
    pub(crate) fn new_password(&mut self, file: Option<&Path>) -> Result<Concealed, Failure> {
        if let Some(path) = named(file) {
            return first_line(path);
        }
        let password = self.line("New password")?;
        if self.stdin.is_none() && self.line("Again")?.expose() != password.expose() {
            return Err(Failure::new("the two passwords differ"));
        }
        Ok(password)
    }

    /// A value: as text, or in base64 if it is none.
    pub(crate) fn value(
        &mut self,
        args: &ValueArgs,
    ) -> Result<(Option<Concealed>, Option<Concealed>), Failure> {
        let bytes = match named(args.file.as_deref()) {
            Some(path) => whole(path)?,
            None if self.stdin.is_none() => self.line("Value")?.take().into_bytes(),
            None => {
                let mut rest = self.rest()?;
                if rest.last() == Some(&b'\n') {
                    rest.pop();
                    if rest.last() == Some(&b'\r') {
                        rest.pop();
                    }
                }
                rest
            }
        };
        Ok(match String::from_utf8(bytes) {
            Ok(text) => (Some(Concealed::new(text)), None),
            Err(error) => (None, Some(Concealed::new(STANDARD.encode(error.as_bytes())))),
        })
    }

    /// The next line of stdin, or what is typed.
    fn line(&mut self, what: &str) -> Result<Concealed, Failure> {
        if self.stdin.is_none() {
            let mut err = io::stderr().lock();
            write!(err, "{what}: ")?;
            err.flush()?;
            return Ok(Concealed::new(console::Term::stderr().read_secure_line()?));
        }
        let rest = self.rest()?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (rest[..end].to_vec(), rest[end + 1..].to_vec()),
            None => (rest, Vec::new()),
        };
        self.stdin = Some(after);
        let line = text(line, "stdin")?;
        match line.expose().is_empty() && end.is_none() {
            true => Err(Failure::new(format!("stdin holds no {}", what.to_lowercase()))
                .hint("what no file gives is read from stdin: the token, then the password, a line each, then the value")),
            false => Ok(line),
        }
    }

    /// All of stdin that is left.
    fn rest(&mut self) -> Result<Vec<u8>, Failure> {
        let mut rest = self.stdin.take().unwrap_or_default();
        if rest.is_empty() {
            read(io::stdin().lock(), "stdin", &mut rest)?;
        }
        self.stdin = Some(Vec::new());
        Ok(rest)
    }
}

/// A file that is named, unless it is `-`.
fn named(file: Option<&Path>) -> Option<&Path> {
    file.filter(|path| *path != Path::new("-"))
}

fn read(from: impl Read, name: &str, into: &mut Vec<u8>) -> Result<(), Failure> {
    let told = |error: io::Error| Failure::new(format!("{name}: {error}"));
    from.take(BYTES_MAX + 1).read_to_end(into).map_err(told)?;
    match into.len() as u64 > BYTES_MAX {
        true => Err(Failure::refused(format!(
            "{name} has more than {BYTES_MAX} bytes"
        ))),
        false => Ok(()),
    }
}

fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| Failure::new(format!("{name}: {error}")))?;
    let mut bytes = Vec::new();
    read(file, &name, &mut bytes)?;
    Ok(bytes)
}

fn first_line(path: &Path) -> Result<Concealed, Failure> {
    let mut bytes = whole(path)?;
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        bytes.truncate(end);
    }
    text(bytes, &path.display().to_string())
}

/// A line as text, without the rest of its line break.
fn text(mut line: Vec<u8>, name: &str) -> Result<Concealed, Failure> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line)
        .map(Concealed::new)
        .map_err(|_| Failure::refused(format!("{name} holds no text")))
}
