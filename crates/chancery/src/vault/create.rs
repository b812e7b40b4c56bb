//! Making secrets. Everything is checked and sealed before the transaction begins.

use std::collections::BTreeMap;

use chancery_model::{Code, Issue};
use chancery_vault::context::Purpose;
use chancery_vault::credentials::{Secret, SecretBytes};
use chancery_vault::keys::Key;
use chancery_vault::locks::Locks;
use chancery_vault::passwords::PasswordKey;
use chancery_vault::sealing;
use chancery_vault::tokens::{Token, TokenError};
use uuid::Uuid;

use super::audit::Event;
use super::error::VaultError;
use super::keyring::Keyring;
use super::session::{PasswordSession, Unlock};
use super::tables::{Row, SECRETS, SecretKind, SecretRow, VERSIONS, VersionRow, VersionState, hex};
use super::types::{By, Created, NewSecret, NewToken, SecretStatus};
use super::{Step, Vault, VaultOp, issue};
use crate::error::Error;
use crate::limits::{
    VAULT_DATA_FIELDS_MAX, VAULT_DATA_NAME_BYTES_MAX, VAULT_DATA_TEXT_BYTES_MAX, VAULT_READS_MAX,
    VAULT_VALUE_BYTES_MAX,
};

/// How often a token is drawn again that somebody has. With 130 random bits once would do.
const DRAWS: usize = 3;

impl Vault {
    /// Makes a secret and answers its token, which is told here only.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] with everything that is wrong, [`VaultError::TokenTaken`], [`VaultError::TokenReserved`],
    /// [`VaultError::Sealed`], [`VaultError::Busy`], [`VaultError::Store`].
    pub async fn create(&self, new: NewSecret<'_>) -> Result<Created, VaultError> {
        self.create_as(VaultOp::Create, SecretKind::Secret, None, new)
            .await
    }

    pub(super) async fn create_as(
        &self,
        op: VaultOp,
        kind: SecretKind,
        origin: Option<String>,
        new: NewSecret<'_>,
    ) -> Result<Created, VaultError> {
        let created = self.drawn_and_created(op, kind, origin, &new).await;
        self.written_down(op, None, created).await
    }

    async fn drawn_and_created(
        &self,
        op: VaultOp,
        kind: SecretKind,
        origin: Option<String>,
        new: &NewSecret<'_>,
    ) -> Result<Created, VaultError> {
        self.check_new(new)?;
        for _ in 0..DRAWS {
            let token = draw(&new.token)?;
            match self.try_create(op, kind, origin.clone(), &token, new).await {
                Err(VaultError::TokenTaken) if !matches!(new.token, NewToken::Custom(_)) => {}
                created => return created,
            }
        }
        Err(VaultError::TokenTaken)
    }

    async fn try_create(
        &self,
        op: VaultOp,
        kind: SecretKind,
        origin: Option<String>,
        token: &Token,
        new: &NewSecret<'_>,
    ) -> Result<Created, VaultError> {
        let mut keyring = self.keyring()?;
        let session = self.session_of(new.unlock);
        // A key may have been made since by another process: what is new is sealed with the newest.
        let created = loop {
            let id = Uuid::now_v7().to_string();
            let setting = keyring.setting()?.id();
            let password = match session.as_deref() {
                None => None,
                Some(session) => Some(session.key(&keyring, setting).await?),
            };
            let mut version = self.sealed(&keyring, &id, 1, &new.value, password.as_deref())?;
            let mut row = SecretRow {
                token_hash: hex(token.hash(&keyring.mac).as_bytes()),
                token_sealed: sealed_token(&keyring, &id, token)?,
                kind,
                custom: matches!(new.token, NewToken::Custom(_)),
                version: 1,
                setting: version.setting,
                password_hash: version.password_hash.clone(),
                expires_at: new.expires_at,
                reads_max: new.max_reads,
                reads_left: new.max_reads,
                origin: origin.clone(),
                data: new.data.clone(),
                id,
                ..SecretRow::default()
            };
            row.claim(&mut version, &keyring.mac);
            row.row_version = 1;
            row.sign(&keyring.mac);
            let inserted = self
                .attempt(async |step| {
                    if !step.seals_with(&keyring)? {
                        return Ok(false);
                    }
                    step.table(SECRETS)?.insert(row.to_json()).await?;
                    step.table(VERSIONS)?.insert(version.to_json()).await?;
                    step.note(Event::of(op, &row), "ok").await?;
                    Ok(true)
                })
                .await;
            match inserted {
                Ok(true) => break row,
                Ok(false) => keyring = self.refreshed().await?,
                Err(VaultError::Store(Error::Unique { .. })) => {
                    return Err(self.why_taken(token).await?);
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Created {
            token: token.clone(),
            id: created.id,
            version: 1,
        })
    }

    async fn why_taken(&self, token: &Token) -> Result<VaultError, VaultError> {
        let found = self.look_up(By::Token(token.expose())).await?;
        Ok(match found.map(|row| row.status(self.now())) {
            Some(SecretStatus::Deleted) => VaultError::TokenReserved,
            _ => VaultError::TokenTaken,
        })
    }

    /// A value as a version: under a key of its own, which the locks hold.
    pub(super) fn sealed(
        &self,
        keyring: &Keyring,
        secret: &str,
        number: u64,
        value: &SecretBytes,
        password: Option<&PasswordKey>,
    ) -> Result<VersionRow, VaultError> {
        let place = keyring.place(secret, number, Purpose::Value);
        let (key, encryptor) = (Key::random(), self.encryptor());
        let failed = VaultError::DecryptionFailed {
            what: "the value could not be sealed",
        };
        let body = encryptor
            .encrypt(&key, &place, value.expose())
            .map_err(|_| failed)?;
        let server = keyring.active()?;
        let locks = Locks { server, password };
        Ok(VersionRow {
            id: VersionRow::key(secret, number),
            secret: secret.to_owned(),
            number,
            state: VersionState::Live,
            kid: server.kid(),
            setting: password.map(PasswordKey::setting),
            password_hash: password.map(|password| verifier(keyring, secret, password)),
            locked: Some(sealing::to_text(&locks.lock(&place, &key))),
            body: Some(sealing::to_text(&body)),
            encryptor: encryptor.name().to_owned(),
            bytes: value.expose().len() as u64,
            // It is a version of the secret once that claims it.
            ..VersionRow::default()
        })
    }

    /// The session that somebody unlocks with; none without a password.
    pub(super) fn session_of<'a>(&self, unlock: Unlock<'a>) -> Option<Held<'a>> {
        match unlock {
            Unlock::None => None,
            Unlock::Password(password) => Some(Held::Own(self.unlock(password.clone()))),
            Unlock::Session(session) => Some(Held::Given(session)),
        }
    }

    fn check_new(&self, new: &NewSecret<'_>) -> Result<(), VaultError> {
        let mut issues = Vec::new();
        check_value(new.value.expose(), &mut issues);
        check_data(&new.data, &mut issues);
        let password = match new.unlock {
            Unlock::None => None,
            Unlock::Password(password) => Some(password),
            Unlock::Session(session) => Some(session.password()),
        };
        if let Some(password) = password {
            self.check_password("password", password, &mut issues);
        }
        if let NewToken::Custom(token) = &new.token {
            if token.expose().is_empty() {
                return Err(VaultError::TokenRequired);
            }
            if let Err(error) = Token::custom(token.expose()) {
                issues.push(issue("token", error.to_string()));
            }
            let validator = self.inner.options.validator.as_ref();
            if let Some(Err(message)) = validator.map(|own| own.validate_token(token.expose())) {
                issues.push(issue("token", message));
            }
        }
        match new.max_reads {
            Some(0) => issues.push(issue("maxReads", "A secret can be read at least once")),
            Some(reads) if reads > VAULT_READS_MAX => {
                issues.push(too_much("maxReads", "reads", VAULT_READS_MAX, reads));
            }
            _ => {}
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(VaultError::Invalid(issues)),
        }
    }

    /// Whether a password may be set.
    pub(super) fn check_password(&self, field: &str, password: &Secret, issues: &mut Vec<Issue>) {
        let options = &self.inner.options;
        if let Err(broken) = options.policy.check(password.expose()) {
            issues.extend(broken.iter().map(|rule| issue(field, rule.to_string())));
        }
        let validator = options.validator.as_ref();
        if let Some(Err(message)) = validator.map(|own| own.validate_password(password.expose())) {
            issues.push(issue(field, message));
        }
    }
}

impl Step<'_> {
    /// Whether the key that something was sealed with is still the one for what is new.
    pub(super) fn seals_with(&self, keyring: &Keyring) -> Result<bool, VaultError> {
        let held = self.keyring()?;
        Ok(held.active()?.kid() == keyring.active()?.kid())
    }
}

/// A session that was given, or one for this call.
pub(super) enum Held<'a> {
    Own(PasswordSession),
    Given(&'a PasswordSession),
}

impl std::ops::Deref for Held<'_> {
    type Target = PasswordSession;

    fn deref(&self) -> &PasswordSession {
        match self {
            Held::Own(session) => session,
            Held::Given(session) => session,
        }
    }
}

fn draw(token: &NewToken) -> Result<Token, VaultError> {
    let refused = |error: TokenError| {
        let field = match error {
            TokenError::DrawnLength { .. } => "length",
            _ => "token",
        };
        VaultError::Invalid(vec![issue(field, error.to_string())])
    };
    match token {
        NewToken::Drawn => Ok(Token::random()),
        NewToken::DrawnOf(chars) => Token::random_of(*chars).map_err(refused),
        NewToken::Custom(text) => Token::custom(text.expose()).map_err(refused),
    }
}

pub(super) fn sealed_token(keyring: &Keyring, id: &str, token: &Token) -> Result<String, VaultError> {
    let place = keyring.place(id, 0, Purpose::Token);
    let sealed = keyring.tokens.seal(&place, token.expose().as_bytes());
    let sealed = sealed.map_err(|_| VaultError::DecryptionFailed { what: "the token" })?;
    Ok(sealing::to_text(&sealed))
}

/// What a password is recognised by, for one secret. Whoever has no root key can try no password with it.
pub(super) fn verifier(keyring: &Keyring, secret: &str, password: &PasswordKey) -> String {
    hex(&password.verifier(&keyring.mac, &keyring.place(secret, 0, Purpose::InnerLock)))
}

pub(super) fn check_value(value: &[u8], issues: &mut Vec<Issue>) {
    if value.len() as u64 > VAULT_VALUE_BYTES_MAX {
        issues.push(too_much(
            "value",
            "bytes",
            VAULT_VALUE_BYTES_MAX,
            value.len() as u64,
        ));
    }
}

pub(super) fn check_data(data: &BTreeMap<String, String>, issues: &mut Vec<Issue>) {
    if data.len() > VAULT_DATA_FIELDS_MAX {
        let (max, got) = (VAULT_DATA_FIELDS_MAX as u64, data.len() as u64);
        issues.push(too_much("data", "fields", max, got));
    }
    for (name, text) in data {
        let field = format!("data.{name}");
        if name.is_empty() || name.len() > VAULT_DATA_NAME_BYTES_MAX || name.chars().any(char::is_control) {
            let message = format!(
                "The name of a metadata field has 1 to {VAULT_DATA_NAME_BYTES_MAX} bytes and no control characters"
            );
            issues.push(issue(&field, message));
        }
        if text.len() > VAULT_DATA_TEXT_BYTES_MAX {
            let (max, got) = (VAULT_DATA_TEXT_BYTES_MAX as u64, text.len() as u64);
            issues.push(too_much(&field, "bytes", max, got));
        }
    }
}

fn too_much(field: &str, what: &str, max: u64, got: u64) -> Issue {
    Issue::new(
        field,
        Code::Limit,
        format!("{field} has at most {max} {what}, not {got}"),
    )
    .with("max", max)
    .with("got", got)
}
