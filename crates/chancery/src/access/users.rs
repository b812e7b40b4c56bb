//! Users and their sessions. What a role allows is said in `grants`.

use std::sync::Arc;

use chancery_model::{Code, Issue};
use chancery_storage::{Document, DocumentWrite, StorageError};
use chancery_vault::credentials::{Fingerprint, Secret, verify_nobody, verify_password};
use serde::{Deserialize, Serialize};

use super::grants::{Grant, check_grants};
use super::{
    Access, AccessError, PASSWORD_CHARS_MIN, Principal, SESSION_MS, Scope, SessionBody, body,
    keys::check_name, now_ms, read,
};
use crate::limits::{EMAIL_BYTES_MAX, PASSWORD_BYTES_MAX, USERS_MAX};
use crate::sweep::removal;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Nothing but what grants give.
    Guest,
    /// Read.
    Viewer,
    /// Read and comment.
    Commenter,
    /// Read and write records and tables.
    Editor,
    /// Everything but owners.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// The scope a key would need to do as much.
    pub fn scope(self) -> Scope {
        match self {
            Role::Guest => Scope::None,
            Role::Viewer | Role::Commenter => Scope::Read,
            Role::Editor => Scope::Write,
            Role::Admin | Role::Owner => Scope::Admin,
        }
    }
}

/// A person who signs in. Never holds the password or its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// A UUID.
    pub id: String,
    /// Who signs in; in lower case.
    pub email: String,
    /// What people call the user.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the user may do something else.
    pub grants: Vec<Grant>,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user was made, in ms.
    pub created_at: i64,
    /// When the user last signed in, in ms.
    pub last_sign_in_at: Option<i64>,
}

/// A user to make.
#[derive(Clone)]
pub struct UserInput {
    /// Who will sign in.
    pub email: String,
    /// What people call the user.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the user may do something else; see [`crate::Store::check_grants`].
    pub grants: Vec<Grant>,
    /// 8 characters to 1,024 bytes.
    pub password: Secret,
}

/// What to change of a user; absent keeps. A new password, role, status or other grants end the user's sessions.
#[derive(Clone, Default)]
pub struct UserChange {
    /// The new name.
    pub name: Option<String>,
    /// The new role.
    pub role: Option<Role>,
    /// The new grants, all of them; see [`crate::Store::check_grants`].
    pub grants: Option<Vec<Grant>>,
    /// Whether the user may sign in.
    pub active: Option<bool>,
    /// The new password.
    pub password: Option<Secret>,
}

/// A session that began.
pub struct SignedIn {
    /// What proves it from now on; kept nowhere.
    pub token: Secret,
    /// Whose it is.
    pub user: User,
    /// When it ends, in ms.
    pub expires_at: i64,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserBody {
    email: String,
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<Grant>,
    active: bool,
    password_hash: String,
    /// Rises when a password, role, status or grant changes; sessions of a lower one are over.
    generation: u64,
    created_at: i64,
    last_sign_in_at: Option<i64>,
}

impl UserBody {
    fn user(&self, id: &str) -> User {
        User {
            id: id.to_owned(),
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            grants: self.grants.clone(),
            active: self.active,
            created_at: self.created_at,
            last_sign_in_at: self.last_sign_in_at,
        }
    }
}

impl Access {
    /// Whether nobody has been made yet.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn needs_setup(&self) -> Result<bool, AccessError> {
        Ok(self.document("setup", "first").await?.is_none())
    }

    /// Makes the first user, an owner. Of two that try at once, one wins.
    ///
    /// # Errors
    /// [`AccessError::SetupDone`] after the first time, [`AccessError::Invalid`].
    pub async fn create_first(&self, input: UserInput) -> Result<User, AccessError> {
        if !self.needs_setup().await? {
            return Err(AccessError::SetupDone);
        }
        let (user, document) = self
            .new_user(UserInput {
                role: Role::Owner,
                ..input
            })
            .await?;
        let first = Document {
            kind: "setup".into(),
            id: "first".into(),
            lookup: None,
            body: serde_json::json!({"userId": user.id}),
            version: 0,
        };
        let writes = vec![
            DocumentWrite::Put {
                document: first,
                expected: Some(0),
            },
            DocumentWrite::Put {
                document,
                expected: Some(0),
            },
        ];
        match self.write(writes).await {
            Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => Err(AccessError::SetupDone),
            done => done.map(|()| user),
        }
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`AccessError::EmailTaken`], [`AccessError::Invalid`], [`AccessError::Limit`].
    pub async fn create_user(&self, input: UserInput) -> Result<User, AccessError> {
        if self.users().await?.len() >= USERS_MAX {
            return Err(AccessError::Limit {
                what: "users",
                max: USERS_MAX,
            });
        }
        let email = fold(&input.email);
        if self.lookup("user", &email).await?.is_some() {
            return Err(AccessError::EmailTaken(email));
        }
        let (user, document) = self.new_user(input).await?;
        match self
            .write(vec![DocumentWrite::Put {
                document,
                expected: Some(0),
            }])
            .await
        {
            Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => {
                Err(AccessError::EmailTaken(email))
            }
            done => done.map(|()| user),
        }
    }

    async fn new_user(&self, input: UserInput) -> Result<(User, Document), AccessError> {
        let mut issues = Vec::new();
        check_email(&input.email, &mut issues);
        check_name(&input.name, &mut issues);
        check_password(&input.password, &mut issues);
        check_grants(input.role.scope(), &input.grants, &mut issues);
        if !issues.is_empty() {
            return Err(AccessError::Invalid(issues));
        }
        let made = UserBody {
            email: fold(&input.email),
            name: input.name.trim().to_owned(),
            role: input.role,
            grants: input.grants,
            active: true,
            password_hash: self.hash(input.password.expose().to_owned()).await?,
            generation: 1,
            created_at: now_ms(),
            last_sign_in_at: None,
        };
        let id = uuid::Uuid::now_v7().to_string();
        let user = made.user(&id);
        let lookup = Some(made.email.clone());
        Ok((
            user,
            Document {
                kind: "user".into(),
                id,
                lookup,
                body: body(&made)?,
                version: 0,
            },
        ))
    }

    /// All users, by e-mail.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn users(&self) -> Result<Vec<User>, AccessError> {
        let all = self.all::<UserBody>("user").await?;
        let mut users: Vec<User> = all
            .iter()
            .map(|(document, kept)| kept.user(&document.id))
            .collect();
        users.sort_by(|a, b| a.email.cmp(&b.email));
        Ok(users)
    }

    /// What people call a user; none if there is no such one.
    pub(crate) async fn user_name(&self, id: &str) -> Result<Option<String>, AccessError> {
        let found = self.document("user", id).await?;
        let user = found.map(|document| read::<UserBody>(&document)).transpose()?;
        Ok(user.map(|user| {
            if user.name.is_empty() {
                user.email
            } else {
                user.name
            }
        }))
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`AccessError::NotFound`], [`AccessError::LastOwner`], [`AccessError::Invalid`], [`AccessError::Changed`].
    pub async fn update_user(&self, id: &str, change: UserChange) -> Result<User, AccessError> {
        let missing = || AccessError::NotFound {
            what: "user",
            id: id.to_owned(),
        };
        let document = self.document("user", id).await?.ok_or_else(missing)?;
        let mut kept: UserBody = read(&document)?;
        let mut issues = Vec::new();
        if let Some(name) = &change.name {
            check_name(name, &mut issues);
        }
        if let Some(password) = &change.password {
            check_password(password, &mut issues);
        }
        let grants = change.grants.as_ref().unwrap_or(&kept.grants);
        check_grants(change.role.unwrap_or(kept.role).scope(), grants, &mut issues);
        if !issues.is_empty() {
            return Err(AccessError::Invalid(issues));
        }
        let stays_owner =
            change.role.unwrap_or(kept.role) == Role::Owner && change.active.unwrap_or(kept.active);
        if kept.role == Role::Owner && kept.active && !stays_owner {
            let owners = self
                .users()
                .await?
                .iter()
                .filter(|user| user.role == Role::Owner && user.active)
                .count();
            if owners < 2 {
                return Err(AccessError::LastOwner);
            }
        }
        if let Some(name) = change.name {
            kept.name = name.trim().to_owned();
        }
        let less = change.role.is_some() || change.grants.is_some() || change.active.is_some();
        if less || change.password.is_some() {
            kept.generation += 1;
        }
        kept.role = change.role.unwrap_or(kept.role);
        kept.grants = change.grants.unwrap_or(kept.grants);
        kept.active = change.active.unwrap_or(kept.active);
        if let Some(password) = change.password {
            kept.password_hash = self.hash(password.expose().to_owned()).await?;
        }
        let user = kept.user(id);
        match self
            .put(
                "user",
                id,
                Some(kept.email.clone()),
                body(&kept)?,
                Some(document.version),
            )
            .await
        {
            Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => {
                return Err(AccessError::Changed("user"));
            }
            done => done?,
        }
        self.forget();
        Ok(user)
    }

    /// Begins a session. An unknown e-mail takes as long as a wrong password and is answered alike.
    ///
    /// # Errors
    /// [`AccessError::WrongCredentials`].
    pub async fn sign_in(&self, email: &str, password: Secret) -> Result<SignedIn, AccessError> {
        let document = match self.lookup("user", &fold(email)).await? {
            Some(document) if password.expose().len() <= PASSWORD_BYTES_MAX => document,
            _ => {
                self.slowly(move || verify_nobody(password.expose())).await?;
                return Err(AccessError::WrongCredentials);
            }
        };
        let mut kept: UserBody = read(&document)?;
        let stored = kept.password_hash.clone();
        let right = self
            .slowly(move || verify_password(password.expose(), &stored))
            .await??;
        if !right || !kept.active {
            return Err(AccessError::WrongCredentials);
        }
        let now = now_ms();
        kept.last_sign_in_at = Some(now);
        let token = Secret::random("chs_");
        let expires_at = now + SESSION_MS;
        let session = SessionBody {
            user_id: document.id.clone(),
            generation: kept.generation,
            created_at: now,
            expires_at,
        };
        let mut writes = self.expired_sessions(now).await?;
        writes.push(DocumentWrite::Put {
            document: Document {
                kind: "session".into(),
                id: token.fingerprint().to_text(),
                lookup: None,
                body: body(&session)?,
                version: 0,
            },
            expected: Some(0),
        });
        self.write(writes).await?;
        let user = kept.user(&document.id);
        // The time of the last sign-in is for people; losing it to a change made at the same moment is harmless.
        match self
            .put(
                "user",
                &document.id,
                Some(kept.email.clone()),
                body(&kept)?,
                Some(document.version),
            )
            .await
        {
            Ok(()) | Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => {}
            Err(error) => return Err(error),
        }
        Ok(SignedIn {
            token,
            user,
            expires_at,
        })
    }

    /// Whether this is the password of a user.
    ///
    /// # Errors
    /// [`AccessError::WrongCredentials`] if it is not.
    pub async fn check_password(&self, id: &str, password: Secret) -> Result<(), AccessError> {
        let document = self.document("user", id).await?;
        let kept: UserBody = read(&document.ok_or(AccessError::WrongCredentials)?)?;
        let right = password.expose().len() <= PASSWORD_BYTES_MAX
            && self
                .slowly(move || verify_password(password.expose(), &kept.password_hash))
                .await??;
        match right {
            true => Ok(()),
            false => Err(AccessError::WrongCredentials),
        }
    }

    async fn expired_sessions(&self, now: i64) -> Result<Vec<DocumentWrite>, AccessError> {
        let all = self.all::<SessionBody>("session").await?;
        let over = all.into_iter().filter(|(_, session)| session.expires_at <= now);
        Ok(over.map(|(document, _)| removal(document)).collect())
    }

    /// The user of a session token, if the session goes on.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn session(&self, token: &str) -> Result<Option<Arc<Principal>>, AccessError> {
        let proof = Fingerprint::of(token.as_bytes());
        if let Some(principal) = self.believed(&proof) {
            return Ok(Some(principal));
        }
        let Some(document) = self.document("session", &proof.to_text()).await? else {
            return Ok(None);
        };
        let session: SessionBody = read(&document)?;
        let Some(owner) = self.document("user", &session.user_id).await? else {
            return Ok(None);
        };
        let kept: UserBody = read(&owner)?;
        if session.expires_at <= now_ms() || session.generation != kept.generation || !kept.active {
            return Ok(None);
        }
        let principal = Arc::new(Principal::User(kept.user(&owner.id)));
        self.believe(proof, principal.clone(), Some(session.expires_at));
        Ok(Some(principal))
    }

    /// When a session ends, in ms.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn session_ends(&self, token: &str) -> Result<Option<i64>, AccessError> {
        let id = Fingerprint::of(token.as_bytes()).to_text();
        let Some(document) = self.document("session", &id).await? else {
            return Ok(None);
        };
        Ok(Some(read::<SessionBody>(&document)?.expires_at))
    }

    /// Ends a session; one that is over already is no error.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn sign_out(&self, token: &str) -> Result<(), AccessError> {
        self.delete("session", &Fingerprint::of(token.as_bytes()).to_text())
            .await?;
        self.forget();
        Ok(())
    }
}

/// The form in which e-mail addresses are compared.
fn fold(email: &str) -> String {
    email.trim().to_lowercase()
}

fn check_email(email: &str, issues: &mut Vec<Issue>) {
    let email = email.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
    });
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if email.len() > EMAIL_BYTES_MAX {
        let message = format!("Maximum length is {EMAIL_BYTES_MAX}");
        issues.push(Issue::new("email", Code::MaxLength, message).with("max", EMAIL_BYTES_MAX));
    } else if !shaped || !plain {
        issues.push(Issue::new("email", Code::Format, "Invalid email format"));
    }
}

fn check_password(password: &Secret, issues: &mut Vec<Issue>) {
    let text = password.expose();
    if text.chars().count() < PASSWORD_CHARS_MIN {
        let message = format!("Minimum length is {PASSWORD_CHARS_MIN}");
        issues.push(Issue::new("password", Code::MinLength, message).with("min", PASSWORD_CHARS_MIN));
    } else if text.len() > PASSWORD_BYTES_MAX {
        let message = format!("Maximum length is {PASSWORD_BYTES_MAX}");
        issues.push(Issue::new("password", Code::MaxLength, message).with("max", PASSWORD_BYTES_MAX));
    }
}
