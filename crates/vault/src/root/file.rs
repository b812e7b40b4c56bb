//! A root key in a file of its owner. It makes such a file and reads it, and never changes or replaces one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::text::{self, KeyTextError};
use super::{Held, RootError, RootKey, Wrapped};
use crate::context::Context;
use crate::credentials::Secret;
use crate::keys::{Key, fill_random};
use crate::limits::MAX_KEY_TEXT_BYTES;

/// What stands above the key in a file that is made here.
const COMMENTS: [&str; 2] = [
    "The root key of a Chancery vault. Back this file up, apart from the database: without it nothing",
    "in the vault can be read again. Whoever has it and the database can read everything that no password locks.",
];
/// Permissions of others than the owner to read or to write.
#[cfg(unix)]
const OF_OTHERS: u32 = 0o066;

/// A root key from a file: one line with 64 hexadecimal digits or base64, besides lines that start with `#`.
///
/// The file is read once. On Unix only its owner may be able to read and write it.
///
/// ```
/// use chancery_vault::root::{FileRoot, RootError};
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("root.key");
/// assert!(matches!(FileRoot::open(&path), Err(RootError::Missing { .. })));
/// FileRoot::create(&path)?;
/// FileRoot::open(&path)?;
/// assert!(matches!(FileRoot::create(&path), Err(RootError::Exists { .. })));
/// # Ok::<(), RootError>(())
/// ```
#[derive(Debug)]
pub struct FileRoot {
    path: PathBuf,
    held: Held,
}

impl FileRoot {
    /// Reads the key from a file.
    ///
    /// # Errors
    /// [`RootError::Missing`], [`RootError::NotFile`], [`RootError::Exposed`], [`RootError::Text`] or
    /// [`RootError::File`].
    pub fn open(path: impl Into<PathBuf>) -> Result<FileRoot, RootError> {
        let path = path.into();
        let text = read(&path)?;
        match std::str::from_utf8(&text).map_or(Err(KeyTextError::Characters), text::parse) {
            Ok(key) => Ok(FileRoot {
                path,
                held: Held::new(key),
            }),
            Err(fault) => Err(RootError::Text {
                origin: origin(&path),
                fault,
            }),
        }
    }

    /// Makes a file with a new random key, which only its owner can read from the first moment on.
    ///
    /// The file appears whole and on disk, or not at all, and no file that is there is ever replaced, even if several
    /// processes make one at the same time: one of them succeeds. Only where the file system has no links, a machine that
    /// stops in the wrong moment leaves an empty file, which [`FileRoot::open`] tells.
    ///
    /// # Errors
    /// [`RootError::Exists`] or [`RootError::File`].
    pub fn create(path: impl Into<PathBuf>) -> Result<FileRoot, RootError> {
        let path = path.into();
        let key = Key::random();
        match place(&path, &text::format(&COMMENTS, &key)) {
            Ok(()) => Ok(FileRoot {
                path,
                held: Held::new(key),
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(RootError::Exists { path }),
            Err(source) => Err(RootError::File {
                path,
                doing: "made",
                source,
            }),
        }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn origin(path: &Path) -> String {
    format!("the file '{}'", path.display())
}

#[async_trait]
impl RootKey for FileRoot {
    fn origin(&self) -> String {
        origin(&self.path)
    }

    async fn wrap(&self, place: &Context<'_>, master: &Key) -> Result<Wrapped, RootError> {
        Ok(self.held.wrap(place, master))
    }

    async fn unwrap(&self, place: &Context<'_>, wrapped: &Wrapped) -> Result<Key, RootError> {
        self.held.unwrap_own(self.origin(), place, wrapped)
    }
}

/// The text of a key file, and a byte more than the limit if it is longer.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, RootError> {
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => RootError::Missing { path: path.into() },
        _ => RootError::File {
            path: path.into(),
            doing: "read",
            source,
        },
    };
    // Before it is opened, too: to open a pipe would wait for somebody who writes.
    check(path, &fs::metadata(path).map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?)?;
    // With room for all of it, so that no digit stays behind where a vector has grown out of.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY_TEXT_BYTES + 2));
    file.take(MAX_KEY_TEXT_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    Ok(text)
}

/// Whether it is a file, and of nobody but its owner.
fn check(path: &Path, metadata: &fs::Metadata) -> Result<(), RootError> {
    if !metadata.is_file() {
        return Err(RootError::NotFile { path: path.into() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & OF_OTHERS != 0 {
            return Err(RootError::Exposed {
                path: path.into(),
                mode,
            });
        }
    }
    Ok(())
}

/// Puts a new file in its place, whole and on disk.
fn place(path: &Path, text: &Secret) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut draft = Draft::new(folder)?;
    draft.file.write_all(text.expose().as_bytes())?;
    draft.file.sync_all()?;
    match fs::hard_link(&draft.path, path) {
        // Not every file system has links.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            move_without_links(&draft.path, path)?;
        }
        linked => linked?,
    }
    drop(draft);
    sync(folder)
}

/// Takes the name with an empty file, which nobody else can do twice, and then replaces that.
fn move_without_links(from: &Path, to: &Path) -> io::Result<()> {
    private().open(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // Our own and empty. If it stays, it is reported as an empty key file.
        let _ = fs::remove_file(to);
    })
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder is no file that could be written to disk.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// How a file is made that was not there before and that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// A file under a random name, which is gone when this is dropped.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn new(folder: &Path) -> io::Result<Draft> {
        let mut name = [0; 8];
        fill_random(&mut name);
        let path = folder.join(format!(".root-key-{:016x}", u64::from_be_bytes(name)));
        let file = private().open(&path)?;
        Ok(Draft { path, file })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It was moved, or it stays behind as a file that only its owner can read.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_links_no_file_is_replaced_either() {
        let folder = tempfile::tempdir().unwrap();
        let (draft, path) = (folder.path().join("draft"), folder.path().join("root.key"));
        fs::write(&draft, "new").unwrap();
        fs::write(&path, "old").unwrap();
        let refused = move_without_links(&draft, &path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");

        fs::remove_file(&path).unwrap();
        move_without_links(&draft, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(!draft.exists());

        fs::remove_file(&path).unwrap();
        let gone = move_without_links(&draft, &path).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        assert!(!path.exists(), "the name is free again");
    }

    #[test]
    fn a_draft_is_private_while_it_is_there_and_is_gone_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::new(folder.path()).unwrap();
        let path = draft.path.clone();
        check(&path, &fs::metadata(&path).unwrap()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(draft);
        assert!(!path.exists());
    }
}
