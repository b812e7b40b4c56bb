//! The vault, as a program that embeds it sees it.

mod audit;
mod basics;
mod behaviours;
mod behaviours_many;
mod canary;
mod cells;
mod cells_elsewhere;
mod columns;
mod crowds;
mod defects;
mod guessing;
mod jobs;
mod keys;
mod kills;
mod limited;
mod lists;
mod seeds;
mod seeds_design;
mod versions;
mod wrapping;

use std::sync::{Arc, OnceLock};

use chancery::Store;
use chancery::vault::{
    By, Created, FileRoot, KdfParams, NewPassword, NewSecret, NewToken, PasswordPolicy, Proof, RootKey,
    Secret, SecretBytes, SecretUpdate, Unlock, Vault, VaultError, VaultOptions,
};
use chancery_scenarios::watch;

/// The value of most secrets.
pub(crate) const VALUE: &str = "canary-value-4711";
/// The token of many.
pub(crate) const TOKEN: &str = "canary-token-4711";
/// A password.
pub(crate) const PASSWORD: &str = "canary-password-4711";
/// A password that opens nothing.
pub(crate) const WRONG: &str = "canary-wrong-4711";

/// What the tests keep secret and is found again: a run that is watched looks for all of it wherever it wrote.
const SECRETS: [&str; 10] = [
    VALUE,
    TOKEN,
    PASSWORD,
    WRONG,
    "correct horse",
    "wrong horse",
    "better horse",
    "hunter2",
    "canary-in-a-coal-mine",
    // How the values of encrypted columns begin.
    "DE893704004405",
];

/// A root key for all tests of a run.
pub(crate) fn root() -> Arc<dyn RootKey> {
    static ROOT: OnceLock<(tempfile::TempDir, Arc<FileRoot>)> = OnceLock::new();
    let (_, root) = ROOT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let root = FileRoot::create(folder.path().join("root.key")).expect("a key file");
        (folder, Arc::new(root))
    });
    root.clone()
}

/// Another root key than that of the tests.
pub(crate) fn other_root() -> (tempfile::TempDir, Arc<dyn RootKey>) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = FileRoot::create(folder.path().join("root.key")).expect("a key file");
    (folder, Arc::new(root))
}

/// Options with the cheapest passwords there are: the tests set and give many.
pub(crate) fn options() -> VaultOptions {
    VaultOptions {
        root: Some(root()),
        kdf: KdfParams::new(7 * 1024, 1, 1).expect("within the bounds"),
        policy: PasswordPolicy {
            min_chars: 4,
            ..PasswordPolicy::default()
        },
        ..VaultOptions::default()
    }
}

/// The vault of a store.
pub(crate) async fn vault(store: &Store) -> Vault {
    watch::look_for(&SECRETS);
    Vault::open(store, options()).await.expect("a vault opens")
}

/// The code of what something gave: `ok`, or that of its error.
pub(crate) fn code<T>(outcome: &Result<T, VaultError>) -> &'static str {
    outcome.as_ref().map_or_else(VaultError::code, |_| "ok")
}

/// A custom token.
pub(crate) fn custom(text: &str) -> NewToken {
    NewToken::Custom(Secret::new(text))
}

/// A secret with nothing but a value.
pub(crate) async fn made(vault: &Vault, value: &str) -> Created {
    vault.create(NewSecret::new(value)).await.expect("made")
}

/// A secret behind a chosen token and a password.
pub(crate) async fn guarded(vault: &Vault, token: &str, value: &str, password: &str) -> Created {
    let password = Secret::new(password);
    let new = NewSecret::new(value).token(custom(token)).password(&password);
    vault.create(new).await.expect("made")
}

/// The value behind a token that needs no password, or the code of why there is none.
pub(crate) async fn value_of(vault: &Vault, token: &str) -> Result<String, &'static str> {
    let read = vault.read(token, Unlock::None).await;
    read.map(|read| text(read.value)).map_err(|error| error.code())
}

/// The value behind a token and a password, or the code of why there is none.
pub(crate) async fn value_with(vault: &Vault, token: &str, password: &str) -> Result<String, &'static str> {
    let password = Secret::new(password);
    let read = vault.read(token, Unlock::Password(&password)).await;
    read.map(|read| text(read.value)).map_err(|error| error.code())
}

/// A value as text.
pub(crate) fn text(value: SecretBytes) -> String {
    String::from_utf8(value.expose().to_vec()).expect("a text")
}

/// Another value, by the right to manage the vault.
pub(crate) async fn updated(vault: &Vault, by: By<'_>, value: &str) -> Result<u64, VaultError> {
    let update = update_of(value, Proof::Authority);
    vault.update(by, update).await
}

/// An update that leaves the password as it is.
pub(crate) fn update_of<'a>(value: &str, proof: Proof<'a>) -> SecretUpdate<'a> {
    SecretUpdate {
        value: SecretBytes::new(value.as_bytes().to_vec()),
        proof,
        password: NewPassword::Keep,
        expected: None,
    }
}

/// What the audit says is wrong.
pub(crate) async fn faults(vault: &Vault) -> Vec<String> {
    vault.verify_audit(None).await.expect("walked").faults
}

/// All entries of the audit, oldest first, as `op outcome`.
pub(crate) async fn entries(vault: &Vault) -> Vec<String> {
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let page = vault.audit(None, after.as_deref(), 1_000).await.expect("read");
        entries.extend(
            page.entries
                .iter()
                .map(|entry| format!("{} {}", entry.op, entry.outcome)),
        );
        after = page.next;
        if after.is_none() {
            entries.reverse();
            return entries;
        }
    }
}

/// Whether a file of a folder holds a text, readable.
pub(crate) fn holds(folder: &std::path::Path, what: &str) -> bool {
    let files = std::fs::read_dir(folder).expect("a folder");
    let mut files = files.map(|file| std::fs::read(file.expect("a file").path()).expect("readable"));
    files.any(|bytes| bytes.windows(what.len()).any(|window| window == what.as_bytes()))
}
