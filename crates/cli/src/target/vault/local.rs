//! The vault of a database on this machine: the library, without a server. Whoever may open the database and its root key may manage it.

use chancery::credentials::Secret;
use chancery::vault::{
    By, NewPassword, NewSecret, Proof, SecretBytes, SecretQuery as Question, SecretScope,
    SecretUpdate as Update, Unlock, VaultError, WrapSource,
};
use chancery::{Issue, Store};
use chancery_api::concealed::Concealed;
use chancery_api::query::Count;
use chancery_api::records::Pagination;
use chancery_server::convert::{jobs, vault as convert};
use tokio::runtime::Runtime;

use super::*;
use crate::target::{DatabaseArgs, open_store, runtime};

/// The vault of a database that this process has open.
pub(super) struct LocalVault {
    runtime: Runtime,
    store: Store,
    vault: Vault,
}

impl LocalVault {
    /// Opens a database and its vault; nobody else may have it open.
    pub(super) fn open(
        database: &DatabaseArgs,
        root: &RootArgs,
        missing: Missing,
        output: &Output,
    ) -> Result<LocalVault, Failure> {
        let runtime = runtime()?;
        let store = runtime.block_on(open_store(database, missing, chancery::OpenOptions::default()))?;
        let opened = runtime.block_on(root.open(&store, database, missing))?;
        opened.tell(output);
        Ok(LocalVault {
            runtime,
            store,
            vault: opened.vault,
        })
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, VaultError>>) -> Result<T, Failure> {
        Ok(self.runtime.block_on(work)?)
    }
}

impl Drop for LocalVault {
    fn drop(&mut self) {
        // The last writes are on the disk already; this only lets go of the files.
        let _ = self.runtime.block_on(self.store.close());
    }
}

fn wrong(issue: Issue) -> VaultError {
    VaultError::Invalid(vec![issue])
}

fn unlock(password: Option<&Secret>) -> Unlock<'_> {
    password.map_or(Unlock::None, Unlock::Password)
}

/// Who gives a password is asked to give the right one; who gives none may do it all the same.
fn proof(password: Option<&Secret>) -> Proof<'_> {
    match password {
        Some(password) => Proof::Unlock(Unlock::Password(password)),
        None => Proof::Authority,
    }
}

fn over(expires_at: Option<Option<String>>) -> Result<Option<i64>, VaultError> {
    convert::maybe_instant("expiresAt", expires_at.flatten().as_deref()).map_err(wrong)
}

impl VaultTarget for LocalVault {
    fn create(&self, secret: SecretCreate) -> Result<SecretCreated, Failure> {
        let value = convert::value_in(secret.value, secret.value_base64).map_err(wrong)?;
        let token = convert::new_token(secret.token, secret.length).map_err(wrong)?;
        let password = convert::password(secret.password);
        let mut new = NewSecret::new(value).token(token);
        if let Some(password) = &password {
            new = new.password(password);
        }
        if let Some(at) = over(secret.expires_at)? {
            new = new.expires_at(at);
        }
        if let Some(reads) = secret.max_reads {
            new = new.max_reads(reads);
        }
        for (name, text) in secret.metadata {
            new = new.data(name, text);
        }
        let created = self.wait(self.vault.create(new))?;
        Ok(convert::created(&created))
    }

    fn read(&self, read: SecretRead) -> Result<SecretValue, Failure> {
        let password = convert::password(read.password);
        let (token, unlock) = (read.token.expose(), unlock(password.as_ref()));
        let revealed = self.wait(self.vault.read_version(token, read.version, unlock))?;
        Ok(convert::revealed(&revealed))
    }

    fn update(&self, update: SecretUpdate) -> Result<SecretVersionNumber, Failure> {
        let value = convert::value_in(update.value, update.value_base64).map_err(wrong)?;
        let password = convert::password(update.password);
        let new = update.new_password.map(convert::password);
        let update_of = Update {
            value: SecretBytes::new(value),
            proof: proof(password.as_ref()),
            password: match &new {
                None => NewPassword::Keep,
                Some(None) => NewPassword::Remove,
                Some(Some(new)) => NewPassword::Set(new),
            },
            expected: None,
        };
        let version = self.wait(self.vault.update(By::Token(update.token.expose()), update_of))?;
        Ok(SecretVersionNumber { version })
    }

    fn renew(&self, renew: SecretRenew) -> Result<SecretInfo, Failure> {
        let password = convert::password(renew.password);
        let (by, proof) = (By::Token(renew.token.expose()), proof(password.as_ref()));
        let renewed = self.wait(self.vault.renew(by, over(Some(renew.expires_at))?, proof))?;
        Ok(convert::info(renewed))
    }

    fn change_password(&self, change: SecretPassword) -> Result<SecretInfo, Failure> {
        let (old, new) = (
            convert::password(change.password),
            convert::password(change.new_password),
        );
        let by = By::Token(change.token.expose());
        let changed = self.vault.change_password(by, unlock(old.as_ref()), new.as_ref());
        Ok(convert::info(self.wait(changed)?))
    }

    fn delete(&self, delete: SecretDelete) -> Result<(), Failure> {
        let password = convert::password(delete.password);
        let (by, proof) = (By::Token(delete.token.expose()), proof(password.as_ref()));
        self.removed(by, proof, delete.permanent)
    }

    fn restore(&self, restore: SecretRestore) -> Result<SecretInfo, Failure> {
        let password = convert::password(restore.password);
        let (by, proof) = (By::Token(restore.token.expose()), proof(password.as_ref()));
        Ok(convert::info(self.wait(self.vault.restore(by, proof))?))
    }

    fn wrap(&self, wrap: SecretWrap) -> Result<SecretWrapped, Failure> {
        let (password, at) = (convert::password(wrap.password), over(wrap.expires_at)?);
        let created = match &wrap.token {
            Some(token) => {
                let source = WrapSource::Secret(token.expose(), unlock(password.as_ref()));
                self.wait(self.vault.wrap(source, at))?
            }
            None => {
                let value = convert::value_in(wrap.value, wrap.value_base64).map_err(wrong)?;
                let value = SecretBytes::new(value);
                self.wait(self.vault.wrap(WrapSource::Value(value.expose()), at))?
            }
        };
        let token = Concealed::new(created.token.expose());
        Ok(SecretWrapped { token })
    }

    fn unwrap(&self, token: SecretToken) -> Result<SecretUnwrapped, Failure> {
        let taken = self.wait(self.vault.unwrap(token.token.expose()))?;
        let (value, value_base64) = convert::value_out(&taken.value);
        Ok(SecretUnwrapped { value, value_base64 })
    }

    fn wrap_info(&self, token: SecretToken) -> Result<SecretWrapInfo, Failure> {
        let info = self.wait(self.vault.wrap_info(token.token.expose()))?;
        Ok(convert::wrap_info(info))
    }

    fn list(&self, asked: &SecretQuery) -> Result<SecretList, Failure> {
        let mut query = convert::query(asked).map_err(VaultError::Invalid)?;
        if let Some(limit) = asked.limit {
            query = query.limit(limit);
        }
        if let Some(place) = &asked.cursor {
            query = query.after(place);
        }
        let total = match asked.count {
            Count::None => None,
            Count::Estimated | Count::Exact => Some(self.wait(self.vault.count(&query))?),
        };
        let page = self.wait(self.vault.list(&query))?;
        Ok(SecretList {
            pagination: Pagination {
                total,
                ..further(page.next, asked.limit)
            },
            secrets: page.secrets.into_iter().map(convert::info).collect(),
        })
    }

    fn show(&self, id: &str) -> Result<SecretInfo, Failure> {
        let query = Question::new().ids([id]).scope(SecretScope::All);
        let mut page = self.wait(self.vault.list(&query))?;
        let found = page.secrets.pop().ok_or(VaultError::NotFound)?;
        Ok(convert::info(found))
    }

    fn patch(&self, id: &str, patch: SecretPatch) -> Result<SecretInfo, Failure> {
        let patch = convert::patch(patch, None).map_err(wrong)?;
        Ok(convert::info(self.wait(self.vault.update_record(id, patch))?))
    }

    fn delete_by_id(&self, id: &str, permanent: bool) -> Result<(), Failure> {
        self.removed(By::Id(id), Proof::Authority, permanent)
    }

    fn restore_by_id(&self, id: &str) -> Result<SecretInfo, Failure> {
        let restored = self.wait(self.vault.restore(By::Id(id), Proof::Authority))?;
        Ok(convert::info(restored))
    }

    fn versions(&self, id: &str) -> Result<SecretVersionList, Failure> {
        let versions = self.wait(self.vault.versions(By::Id(id)))?;
        Ok(SecretVersionList {
            versions: versions.iter().map(convert::version).collect(),
        })
    }

    fn roll_back(&self, id: &str, back: SecretRollBack) -> Result<SecretVersionNumber, Failure> {
        let password = convert::password(back.password);
        let proof = proof(password.as_ref());
        let version = self.wait(self.vault.roll_back(By::Id(id), back.version, proof))?;
        Ok(SecretVersionNumber { version })
    }

    fn destroy_version(&self, id: &str, version: u64) -> Result<(), Failure> {
        self.wait(self.vault.destroy_version(By::Id(id), version, Proof::Authority))
    }

    fn audit(&self, secret: Option<&str>, cursor: Option<&str>, limit: u64) -> Result<VaultAudit, Failure> {
        let page = self.wait(self.vault.audit(secret, cursor, limit))?;
        Ok(VaultAudit {
            pagination: further(page.next, Some(limit)),
            entries: page.entries.into_iter().map(convert::audit_entry).collect(),
        })
    }

    fn verify(&self, verify: VaultVerify) -> Result<VaultReport, Failure> {
        let head = verify.head.map(convert::head_in).transpose().map_err(wrong)?;
        Ok(convert::report(
            self.wait(self.vault.verify_audit(head.as_ref()))?,
        ))
    }

    fn status(&self) -> Result<VaultStatus, Failure> {
        self.wait(convert::vault_status(&self.vault))
    }

    fn new_key(&self) -> Result<VaultKeyCreated, Failure> {
        let kid = self.wait(self.vault.new_key())?;
        Ok(VaultKeyCreated { kid })
    }

    fn retire_key(&self, kid: u32) -> Result<(), Failure> {
        self.wait(self.vault.retire_key(kid))
    }

    fn sweep(&self, sweep: VaultSweep) -> Result<VaultSwept, Failure> {
        let swept = match sweep.permanent {
            true => self.wait(self.vault.delete_expired())?,
            false => self.wait(self.vault.soft_delete_expired())?,
        };
        Ok(convert::swept(swept))
    }

    fn start_job(&self, job: VaultJobCreate) -> Result<Job, Failure> {
        self.wait(jobs::start(&self.vault, job))
    }

    fn jobs(&self, kind: Option<JobKind>, limit: usize) -> Result<Vec<Job>, Failure> {
        let mut jobs = self.wait(jobs::list(&self.vault, kind))?;
        jobs.truncate(limit);
        Ok(jobs)
    }

    fn job(&self, id: &str) -> Result<Job, Failure> {
        self.wait(jobs::found(&self.vault, id))
    }

    fn turn_job(&self, id: &str, turn: Turn) -> Result<Job, Failure> {
        self.wait(jobs::stop(&self.vault, id, turn == Turn::Cancel))
    }

    fn resume_job(&self, id: &str, with: JobResume) -> Result<Job, Failure> {
        self.wait(jobs::resume(&self.vault, id, with))
    }

    fn watch_job(&self, id: &str, see: &mut dyn FnMut(&Job)) -> Result<Watched, Failure> {
        match watch(&self.runtime, || self.job(id), see)? {
            // It cannot go on without this process, so that it says so. It may be over by now.
            Watched::Interrupted(_) => match self.turn_job(id, Turn::Pause) {
                Ok(job) => Ok(Watched::Interrupted(job)),
                Err(_) => Ok(Watched::Over(self.job(id)?)),
            },
            over => Ok(over),
        }
    }

    fn works_alone(&self) -> bool {
        false
    }

    fn add_root(&self, root: &dyn RootKey) -> Result<(), Failure> {
        self.wait(self.vault.add_root(root))
    }

    fn remove_root(&self, fingerprint: &str) -> Result<(), Failure> {
        match self.runtime.block_on(self.vault.remove_root(fingerprint)) {
            Err(VaultError::NotFound) => Err(Failure::refused(format!(
                "no root key {fingerprint} opens the vault"
            ))
            .hint("`chancery vault status` lists them")),
            removed => Ok(removed?),
        }
    }
}

impl LocalVault {
    fn removed(&self, by: By<'_>, proof: Proof<'_>, permanent: bool) -> Result<(), Failure> {
        let deleted = match permanent {
            true => self.wait(self.vault.delete(by, proof))?,
            false => self.wait(self.vault.soft_delete(by, proof)).map(|_| true)?,
        };
        match deleted {
            true => Ok(()),
            false => Err(VaultError::NotFound.into()),
        }
    }
}

fn further(next: Option<String>, limit: Option<u64>) -> Pagination {
    Pagination {
        has_more: next.is_some(),
        next_cursor: next,
        limit: limit
            .and_then(|limit| u32::try_from(limit).ok())
            .unwrap_or_default(),
        ..Pagination::default()
    }
}
