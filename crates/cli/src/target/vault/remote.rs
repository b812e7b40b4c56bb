//! The vault of a server: every command becomes one call of the HTTP API.

use chancery::vault::VaultError;
use chancery_api::jobs::JobList;
use chancery_api::vault::SecretState;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Method;

use super::*;
use crate::target::http::{Client, read};
use crate::target::runtime;

/// Most jobs asked for at once.
const PAGE: usize = 1_000;

/// The vault of a running server.
pub(super) struct RemoteVault {
    client: Client,
}

impl RemoteVault {
    /// A server and the key for it; nothing is sent yet.
    pub(super) fn new(server: &str, key: Option<String>) -> Result<RemoteVault, Failure> {
        Ok(RemoteVault {
            client: Client::new(server, key)?,
        })
    }

    /// Whether secrets would travel unencrypted over a network.
    pub(super) fn in_the_clear(&self) -> bool {
        self.client.in_the_clear()
    }

    fn get<T: DeserializeOwned>(&self, parts: &[&str]) -> Result<T, Failure> {
        self.client.get(self.url(parts))
    }

    fn post<T: DeserializeOwned>(&self, parts: &[&str], body: &impl Serialize) -> Result<T, Failure> {
        self.client.send_json(Method::POST, self.url(parts), body)
    }

    fn bare(&self, method: Method, url: url::Url) -> Result<(), Failure> {
        self.client.send(method, url, None, ()).map(|_| ())
    }

    fn url(&self, parts: &[&str]) -> url::Url {
        self.client.url(&[&["api", "vault"], parts].concat())
    }
}

impl VaultTarget for RemoteVault {
    fn create(&self, secret: SecretCreate) -> Result<SecretCreated, Failure> {
        self.post(&["tokens"], &secret)
    }

    fn read(&self, read: SecretRead) -> Result<SecretValue, Failure> {
        self.post(&["tokens", "read"], &read)
    }

    fn update(&self, update: SecretUpdate) -> Result<SecretVersionNumber, Failure> {
        self.post(&["tokens", "update"], &update)
    }

    fn renew(&self, renew: SecretRenew) -> Result<SecretInfo, Failure> {
        self.post(&["tokens", "renew"], &renew)
    }

    fn change_password(&self, change: SecretPassword) -> Result<SecretInfo, Failure> {
        self.post(&["tokens", "change-password"], &change)
    }

    fn delete(&self, delete: SecretDelete) -> Result<(), Failure> {
        self.post(&["tokens", "delete"], &delete)
    }

    fn restore(&self, restore: SecretRestore) -> Result<SecretInfo, Failure> {
        self.post(&["tokens", "restore"], &restore)
    }

    fn wrap(&self, wrap: SecretWrap) -> Result<SecretWrapped, Failure> {
        self.post(&["tokens", "wrap"], &wrap)
    }

    fn unwrap(&self, token: SecretToken) -> Result<SecretUnwrapped, Failure> {
        self.post(&["tokens", "unwrap"], &token)
    }

    fn wrap_info(&self, token: SecretToken) -> Result<SecretWrapInfo, Failure> {
        self.post(&["tokens", "wrap-info"], &token)
    }

    fn list(&self, query: &SecretQuery) -> Result<SecretList, Failure> {
        self.post(&["tokens", "query"], query)
    }

    fn show(&self, id: &str) -> Result<SecretInfo, Failure> {
        // Deleted ones as well, which are gone under their id.
        let query = SecretQuery {
            ids: Some(vec![id.to_owned()]),
            state: SecretState::All,
            ..SecretQuery::default()
        };
        let found = self.list(&query)?.secrets.pop();
        found.ok_or_else(|| Failure::from(VaultError::NotFound))
    }

    fn patch(&self, id: &str, patch: SecretPatch) -> Result<SecretInfo, Failure> {
        self.client
            .send_json(Method::PATCH, self.url(&["tokens", id]), &patch)
    }

    fn delete_by_id(&self, id: &str, permanent: bool) -> Result<(), Failure> {
        let mut url = self.url(&["tokens", id]);
        if permanent {
            url.query_pairs_mut().append_pair("permanent", "true");
        }
        self.bare(Method::DELETE, url)
    }

    fn restore_by_id(&self, id: &str) -> Result<SecretInfo, Failure> {
        read(
            self.client
                .send(Method::POST, self.url(&["tokens", id, "restore"]), None, ())?,
        )
    }

    fn versions(&self, id: &str) -> Result<SecretVersionList, Failure> {
        self.get(&["tokens", id, "versions"])
    }

    fn roll_back(&self, id: &str, back: SecretRollBack) -> Result<SecretVersionNumber, Failure> {
        self.post(&["tokens", id, "roll-back"], &back)
    }

    fn destroy_version(&self, id: &str, version: u64) -> Result<(), Failure> {
        let url = self.url(&["tokens", id, "versions", &version.to_string()]);
        self.bare(Method::DELETE, url)
    }

    fn audit(&self, secret: Option<&str>, cursor: Option<&str>, limit: u64) -> Result<VaultAudit, Failure> {
        let mut url = self.url(&["audit"]);
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", &limit.to_string());
            for (name, text) in [("secret", secret), ("cursor", cursor)] {
                if let Some(text) = text {
                    pairs.append_pair(name, text);
                }
            }
        }
        self.client.get(url)
    }

    fn verify(&self, verify: VaultVerify) -> Result<VaultReport, Failure> {
        self.post(&["audit", "verify"], &verify)
    }

    fn status(&self) -> Result<VaultStatus, Failure> {
        self.get(&["status"])
    }

    fn new_key(&self) -> Result<VaultKeyCreated, Failure> {
        read(self.client.send(Method::POST, self.url(&["keys"]), None, ())?)
    }

    fn retire_key(&self, kid: u32) -> Result<(), Failure> {
        self.bare(Method::DELETE, self.url(&["keys", &kid.to_string()]))
    }

    fn sweep(&self, sweep: VaultSweep) -> Result<VaultSwept, Failure> {
        self.post(&["sweep"], &sweep)
    }

    fn start_job(&self, job: VaultJobCreate) -> Result<Job, Failure> {
        self.post(&["jobs"], &job)
    }

    fn jobs(&self, kind: Option<JobKind>, limit: usize) -> Result<Vec<Job>, Failure> {
        let (mut jobs, mut cursor): (Vec<Job>, Option<String>) = (Vec::new(), None);
        while jobs.len() < limit {
            let mut url = self.client.url(&["api", "jobs"]);
            {
                let mut pairs = url.query_pairs_mut();
                pairs.append_pair("limit", &PAGE.min(limit - jobs.len()).to_string());
                if let Some(kind) = kind {
                    let name = serde_json::to_value(kind)?;
                    pairs.append_pair("kind", name.as_str().unwrap_or_default());
                }
                if let Some(cursor) = &cursor {
                    pairs.append_pair("cursor", cursor);
                }
            }
            let page: JobList = self.client.get(url)?;
            jobs.extend(page.jobs);
            cursor = page.pagination.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(jobs)
    }

    fn job(&self, id: &str) -> Result<Job, Failure> {
        self.client.get(self.client.url(&["api", "jobs", id]))
    }

    fn turn_job(&self, id: &str, turn: Turn) -> Result<Job, Failure> {
        let what = match turn {
            Turn::Pause => "pause",
            Turn::Cancel => "cancel",
        };
        let url = self.client.url(&["api", "jobs", id, what]);
        read(self.client.send(Method::POST, url, None, ())?)
    }

    fn resume_job(&self, id: &str, with: JobResume) -> Result<Job, Failure> {
        let url = self.client.url(&["api", "jobs", id, "resume"]);
        self.client.send_json(Method::POST, url, &with)
    }

    fn watch_job(&self, id: &str, see: &mut dyn FnMut(&Job)) -> Result<Watched, Failure> {
        watch(&runtime()?, || self.job(id), see)
    }

    fn works_alone(&self) -> bool {
        true
    }

    fn add_root(&self, _: &dyn RootKey) -> Result<(), Failure> {
        Err(at_hand())
    }

    fn remove_root(&self, _: &str) -> Result<(), Failure> {
        Err(at_hand())
    }
}

fn at_hand() -> Failure {
    Failure::new("root keys are changed where the database is, not over the network")
        .hint("stop the server, and name the database with --data or --database")
}
