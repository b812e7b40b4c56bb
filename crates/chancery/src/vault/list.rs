//! Lists of secrets: what is known of them, never what they hold. One plan, checked once, serves lists and counts alike.

use std::collections::BTreeMap;

use chancery_model::Json;
use chancery_model::filter::Operator;
use chancery_model::query::{Condition, FilterInput, Query, Scope};
use chancery_vault::credentials::Secret;
use serde::Serialize;

use super::error::VaultError;
use super::lookup::is_id;
use super::tables::{DATA_PREFIX, SECRETS, SecretKind};
use super::types::SecretInfo;
use super::{Vault, VaultOp, issue};
use crate::cursor;
use crate::limits::VAULT_TOKENS_MAX;
use crate::reads::{Count, PageWindow};

/// Most secrets on a page.
const LIMIT_MAX: u64 = 1_000;
/// Secrets on a page unless more or less are asked for.
const LIMIT: u64 = 100;

/// Which secrets are asked for, and in which order.
///
/// ```
/// use chancery::vault::{Expiry, SecretOrder, SecretQuery};
/// let query = SecretQuery::new()
///     .tokens(["smtp password", "api key"])
///     .expiry(Expiry::Unexpired)
///     .data("owner", "ann")
///     .order(SecretOrder::CreatedAt)
///     .descending()
///     .limit(10);
/// assert!(query.validate().is_ok());
/// assert!(SecretQuery::new().limit(0).validate().is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct SecretQuery {
    ids: Option<Vec<String>>,
    tokens: Option<Vec<Secret>>,
    kind: Option<SecretKind>,
    created: (Option<i64>, Option<i64>),
    expiry: Expiry,
    scope: SecretScope,
    data: BTreeMap<String, String>,
    order: SecretOrder,
    descending: bool,
    limit: Option<u64>,
    offset: Option<u64>,
    after: Option<String>,
}

/// Which secrets, by the time at which they are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Whatever that is.
    #[default]
    Any,
    /// Over already.
    Expired,
    /// Not over yet, or never.
    Unexpired,
    /// Never over.
    Never,
    /// Over between two times, both included, in ms since 1970.
    Between(i64, i64),
}

/// Which secrets, by whether they are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretScope {
    /// Those that are not.
    #[default]
    Live,
    /// Those that are.
    Deleted,
    /// Both.
    All,
}

/// By what secrets are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretOrder {
    /// By their id, which is the order they were made in.
    #[default]
    Id,
    /// By when they were made.
    CreatedAt,
    /// By when they last changed.
    UpdatedAt,
    /// By when they are over.
    ExpiresAt,
}

impl SecretOrder {
    fn column(self) -> &'static str {
        match self {
            SecretOrder::Id => "id",
            SecretOrder::CreatedAt => "createdAt",
            SecretOrder::UpdatedAt => "updatedAt",
            SecretOrder::ExpiresAt => "expires_at",
        }
    }
}

/// A page of secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretPage {
    /// The secrets, in order.
    pub secrets: Vec<SecretInfo>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

impl SecretQuery {
    /// All secrets that are not deleted.
    pub fn new() -> SecretQuery {
        SecretQuery::default()
    }

    /// Those with these ids.
    #[must_use]
    pub fn ids<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> SecretQuery {
        self.ids = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Those with these tokens.
    #[must_use]
    pub fn tokens<T: Into<String>>(mut self, tokens: impl IntoIterator<Item = T>) -> SecretQuery {
        self.tokens = Some(tokens.into_iter().map(Secret::new).collect());
        self
    }

    /// Kept values, or wrapped ones.
    #[must_use]
    pub fn kind(mut self, kind: SecretKind) -> SecretQuery {
        self.kind = Some(kind);
        self
    }

    /// Those made at a time or later, in ms since 1970.
    #[must_use]
    pub fn created_from(mut self, at: i64) -> SecretQuery {
        self.created.0 = Some(at);
        self
    }

    /// Those made at a time or earlier.
    #[must_use]
    pub fn created_until(mut self, at: i64) -> SecretQuery {
        self.created.1 = Some(at);
        self
    }

    /// By the time at which they are over.
    #[must_use]
    pub fn expiry(mut self, expiry: Expiry) -> SecretQuery {
        self.expiry = expiry;
        self
    }

    /// Deleted ones too, or only those.
    #[must_use]
    pub fn scope(mut self, scope: SecretScope) -> SecretQuery {
        self.scope = scope;
        self
    }

    /// Those with this text in a field of their metadata.
    #[must_use]
    pub fn data(mut self, name: impl Into<String>, text: impl Into<String>) -> SecretQuery {
        self.data.insert(name.into(), text.into());
        self
    }

    /// In another order.
    #[must_use]
    pub fn order(mut self, order: SecretOrder) -> SecretQuery {
        self.order = order;
        self
    }

    /// Largest first.
    #[must_use]
    pub fn descending(mut self) -> SecretQuery {
        self.descending = true;
        self
    }

    /// At most so many: 1 to 1,000; 100 unless asked otherwise.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> SecretQuery {
        self.limit = Some(limit);
        self
    }

    /// After so many.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> SecretQuery {
        self.offset = Some(offset);
        self
    }

    /// After a page: its [`SecretPage::next`].
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> SecretQuery {
        self.after = Some(cursor.into());
        self
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] with everything that does not.
    pub fn validate(&self) -> Result<(), VaultError> {
        let mut issues = Vec::new();
        let ids = self
            .ids
            .as_ref()
            .map(|ids| ids.iter().map(String::as_str).collect());
        let tokens = self.tokens.as_ref();
        let tokens = tokens.map(|tokens| tokens.iter().map(Secret::expose).collect());
        for (field, texts) in [("id", ids), ("token", tokens)] {
            let texts: Option<Vec<&str>> = texts;
            let Some(texts) = texts else { continue };
            if texts.is_empty() || texts.contains(&"") {
                issues.push(issue(field, format!("{field} is given, but empty")));
            }
            if texts.len() > VAULT_TOKENS_MAX {
                let message = format!(
                    "At most {VAULT_TOKENS_MAX} are asked for at once, not {}",
                    texts.len()
                );
                issues.push(issue(field, message));
            }
        }
        if let (Some(from), Some(until)) = self.created
            && from > until
        {
            issues.push(issue("created", "The range ends before it begins"));
        }
        if let Expiry::Between(from, until) = self.expiry
            && from > until
        {
            issues.push(issue("expiry", "The range ends before it begins"));
        }
        if let Some(limit) = self.limit
            && !(1..=LIMIT_MAX).contains(&limit)
        {
            issues.push(issue("limit", format!("limit is 1 to {LIMIT_MAX}, not {limit}")));
        }
        if self.offset.is_some() && self.after.is_some() {
            issues.push(issue(
                "offset",
                "A page begins after a number of secrets or at a cursor, not both",
            ));
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(VaultError::Invalid(issues)),
        }
    }
}

impl Vault {
    /// What is known of secrets, a page at a time.
    ///
    /// # Errors
    /// [`VaultError::Invalid`]; [`VaultError::Sealed`] if secrets are named by their tokens; [`VaultError::Store`].
    pub async fn list(&self, query: &SecretQuery) -> Result<SecretPage, VaultError> {
        let listed = self.try_list(query).await;
        self.looked_at(VaultOp::List, listed).await
    }

    async fn try_list(&self, query: &SecretQuery) -> Result<SecretPage, VaultError> {
        let planned = self.planned(query)?;
        let table = self.store.table(SECRETS)?;
        let definition = table.definition()?;
        let window = match (&query.after, query.offset) {
            (Some(text), _) => {
                let place = cursor::decode(text, &definition, planned.sort.len());
                let place = place.ok_or_else(|| {
                    VaultError::Invalid(vec![issue("cursor", "It is no place in this list")])
                })?;
                PageWindow::After(Some(place))
            }
            (None, Some(offset)) => PageWindow::Offset(offset),
            (None, None) => PageWindow::After(None),
        };
        let page = table
            .page(
                &planned,
                Scope::Live,
                window,
                query.limit.unwrap_or(LIMIT),
                Count::None,
            )
            .await?;
        let now = self.now();
        let mut secrets = Vec::with_capacity(page.records.len());
        for record in page.records {
            secrets.extend(self.genuine(Some(record))?.map(|row| row.info(now)));
        }
        Ok(SecretPage {
            secrets,
            next: page
                .next
                .filter(|_| page.has_more)
                .map(|place| cursor::encode(&place)),
        })
    }

    /// How many secrets a query has; its limit and its place do not matter.
    ///
    /// # Errors
    /// As [`Vault::list`].
    pub async fn count(&self, query: &SecretQuery) -> Result<u64, VaultError> {
        let counted = async {
            let planned = self.planned(query)?;
            Ok(self.store.table(SECRETS)?.count(&planned).await?)
        };
        let counted = counted.await;
        self.looked_at(VaultOp::List, counted).await
    }

    fn planned(&self, query: &SecretQuery) -> Result<Query, VaultError> {
        query.validate()?;
        let now = self.now();
        let mut planned = Query::new();
        if let Some(ids) = &query.ids {
            let ids: Vec<String> = ids.iter().filter(|id| is_id(id)).cloned().collect();
            planned = planned.filter("id", Operator::In, ids);
        }
        if let Some(tokens) = &query.tokens {
            let keyring = self.keyring()?;
            let hashes: Vec<String> = tokens
                .iter()
                .map(|token| self.counted_by(&keyring, token.expose()))
                .collect();
            planned = planned.filter("token_hash", Operator::In, hashes);
        }
        if let Some(kind) = query.kind {
            planned = planned.filter(
                "kind",
                Operator::Eq,
                serde_json::to_value(kind).unwrap_or_default(),
            );
        }
        if let Some(from) = query.created.0 {
            planned = planned.filter("createdAt", Operator::Gte, from);
        }
        if let Some(until) = query.created.1 {
            planned = planned.filter("createdAt", Operator::Lte, until);
        }
        planned = match query.expiry {
            Expiry::Any => planned,
            Expiry::Expired => planned.filter("expires_at", Operator::Lte, now),
            Expiry::Never => planned.filter("expires_at", Operator::Eq, Json::Null),
            Expiry::Between(from, until) => {
                planned
                    .filter("expires_at", Operator::Gte, from)
                    .filter("expires_at", Operator::Lte, until)
            }
            Expiry::Unexpired => either(
                planned,
                [
                    ("expires_at", Operator::Gt, Json::from(now)),
                    ("expires_at", Operator::Eq, Json::Null),
                ],
            ),
        };
        planned = match query.scope {
            SecretScope::All => planned,
            SecretScope::Deleted => planned.filter("soft_deleted_at", Operator::Lte, now),
            SecretScope::Live => either(
                planned,
                [
                    ("soft_deleted_at", Operator::Gt, Json::from(now)),
                    ("soft_deleted_at", Operator::Eq, Json::Null),
                ],
            ),
        };
        for (name, text) in &query.data {
            planned = planned.filter(&format!("{DATA_PREFIX}{name}"), Operator::Eq, text.as_str());
        }
        let column = query.order.column();
        Ok(match query.descending {
            true => planned.descending(column),
            false => planned.ascending(column),
        })
    }
}

/// The query with one more part, of which one of several conditions must hold.
fn either(mut query: Query, conditions: [(&str, Operator, Json); 2]) -> Query {
    let either = conditions.map(|(column, operator, value)| {
        FilterInput::Condition(Condition {
            column: column.to_owned(),
            operator: operator.as_str().to_owned(),
            value,
        })
    });
    let either = FilterInput::Or(either.into());
    query.filter = Some(match query.filter.take() {
        None => either,
        Some(FilterInput::And(mut parts)) => {
            parts.push(either);
            FilterInput::And(parts)
        }
        Some(other) => FilterInput::And(vec![other, either]),
    });
    query
}
