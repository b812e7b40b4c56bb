//! The root key of the vault: where it is taken from, and what becomes of a vault without it. It never replaces a key, and makes one
//! only for a store that has no vault yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery::Store;
use chancery::credentials::Secret;
use chancery::vault::{
    EnvRoot, FileRoot, KdfParams, KdfPool, PassphraseRoot, RootError, RootKey, Vault, VaultError,
    VaultOptions,
};
use clap::Args;

use crate::failure::Failure;
use crate::output::Output;
use crate::target::{DatabaseArgs, Missing, variable};

/// The variable that may hold the root key.
const VARIABLE: &str = "CHANCERY_VAULT_KEY";
/// The file of the root key, beside the database.
const FILE: &str = "vault.key";

/// Where the root key of the vault is.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The key of the vault")]
pub(crate) struct RootArgs {
    /// The file of the vault's root key; made if the store has no vault yet [env: CHANCERY_VAULT_KEY holds the key itself]
    /// [default: vault.key beside the database]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        conflicts_with = "vault_passphrase_file"
    )]
    vault_key_file: Option<PathBuf>,
    /// A file with the passphrase that locks the vault, instead of a key
    #[arg(long, global = true, value_name = "PATH")]
    vault_passphrase_file: Option<PathBuf>,
}

/// What came of opening a vault.
pub(crate) struct Opened {
    pub(crate) vault: Vault,
    /// Why it stays sealed, if it does.
    pub(crate) sealed: Option<String>,
    /// The key file that was made for it.
    pub(crate) made: Option<PathBuf>,
}

impl Opened {
    /// Says what the operator has to know.
    pub(crate) fn tell(&self, output: &Output) {
        if let Some(path) = &self.made {
            output.warn(&made(path));
        }
        if let Some(why) = &self.sealed {
            output.warn(&format!("the vault stays sealed: {why}"));
        }
    }
}

impl RootArgs {
    /// Opens the vault of a store, and makes it if that is wanted. If the key is missing or wrong it stays sealed.
    pub(crate) async fn open(
        &self,
        store: &Store,
        database: &DatabaseArgs,
        missing: Missing,
    ) -> Result<Opened, Failure> {
        let vault = Vault::open(store, VaultOptions::default()).await?;
        let roots = vault.roots().await?;
        let locking = roots.iter().filter(|root| root.opens);
        let names: Vec<&str> = locking.map(|root| root.fingerprint.as_str()).collect();
        let (mut made, mut sealed) = (None, None);
        if names.is_empty() && missing == Missing::Refuse {
            sealed = Some("there is none yet; `chancery vault create` makes it".to_owned());
            return Ok(Opened { vault, sealed, made });
        }
        match self.root(database, names.is_empty(), &mut made) {
            Ok(Some(root)) => match vault.unseal(&*root).await {
                Ok(()) => {}
                Err(VaultError::Root(error)) => sealed = Some(because(&error, &names)),
                Err(error @ VaultError::Tampered { .. }) => sealed = Some(error.to_string()),
                Err(error) => return Err(error.into()),
            },
            Ok(None) => sealed = Some(no_key(&names)),
            Err(error) => sealed = Some(because(&error, &names)),
        }
        Ok(Opened { vault, sealed, made })
    }

    /// The root key; none if nobody says where it is.
    fn root(
        &self,
        database: &DatabaseArgs,
        is_new: bool,
        made: &mut Option<PathBuf>,
    ) -> Result<Option<Arc<dyn RootKey>>, RootError> {
        if let Some(path) = &self.vault_key_file {
            return of_file(path, is_new, made).map(Some);
        }
        if let Some(path) = &self.vault_passphrase_file {
            return of_passphrase(path).map(Some);
        }
        if variable(VARIABLE).is_some() {
            return Ok(Some(Arc::new(EnvRoot::read(VARIABLE)?)));
        }
        match database.file() {
            Some(database) => of_file(&database.with_file_name(FILE), is_new, made).map(Some),
            None => Ok(None),
        }
    }
}

/// What the operator has to know of a key file that was made.
pub(crate) fn made(path: &Path) -> String {
    format!(
        "made {}, the root key of the vault: back it up, apart from the database; without it nothing in the vault can be read again",
        path.display()
    )
}

/// The key in a file, which is made for a store without a vault.
fn of_file(path: &Path, is_new: bool, made: &mut Option<PathBuf>) -> Result<Arc<dyn RootKey>, RootError> {
    match FileRoot::open(path) {
        Err(RootError::Missing { .. }) if is_new => {
            let root = FileRoot::create(path)?;
            *made = Some(path.to_owned());
            Ok(Arc::new(root))
        }
        opened => Ok(Arc::new(opened?)),
    }
}

/// The key that is made of a passphrase: the first line of a file.
pub(crate) fn of_passphrase(path: &Path) -> Result<Arc<dyn RootKey>, RootError> {
    let text = std::fs::read_to_string(path).map_err(|source| RootError::File {
        path: path.to_owned(),
        doing: "read",
        source,
    })?;
    let text = Secret::new(text);
    let line = Secret::new(text.expose().lines().next().unwrap_or_default());
    let pool = Arc::new(KdfPool::new(1, KdfParams::HIGH.memory_kib()));
    Ok(Arc::new(PassphraseRoot::new(line, KdfParams::HIGH, pool)?))
}

fn because(error: &RootError, names: &[&str]) -> String {
    match names.is_empty() {
        true => error.to_string(),
        false => format!("{error}; it is locked by the root key {}", names.join(" and by ")),
    }
}

fn no_key(names: &[&str]) -> String {
    let way = format!("give its root key with --vault-key-file, --vault-passphrase-file or {VARIABLE}");
    match names.is_empty() {
        true => way,
        false => format!("it is locked by the root key {}; {way}", names.join(" and by ")),
    }
}
