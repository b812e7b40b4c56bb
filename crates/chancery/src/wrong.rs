//! All that is wrong with a record, told at once: what is wrong with its values, and what of other records stands in its way. Decides
//! nothing; whoever writes well does not come here.

use std::sync::Arc;

use chancery_model::admit::{Input, Outline, UpdateMode, outline_of_insert, outline_of_update};
use chancery_model::change::ChangeKind;
use chancery_model::{Code, Issue, Json, JsonMap, Key, Record, Table, Value};
use chancery_storage::{Rejection, Write};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::records::{insert_write, no_record};
use crate::rules::{Refusal, Suspect};

/// What a write that may be refused was made of.
pub(crate) struct Origin<'a> {
    pub(crate) input: Input<'a>,
    /// The record as it is and how it is changed; none if it is new.
    pub(crate) current: Option<(&'a Arc<Record>, UpdateMode)>,
    /// The key that a new one is given beside its data.
    pub(crate) key: Option<Key>,
    /// Cells of encrypted columns that are taken as they are.
    pub(crate) cells: Option<&'a [Value]>,
}

impl TableHandle {
    /// What can be read of a write.
    pub(crate) fn suspect(&self, table: &Arc<Table>, origin: Origin, now: i64, refused: bool) -> Suspect {
        let Origin {
            input,
            current,
            key,
            cells,
        } = origin;
        self.store.decide_with(now, cells, |context| match current {
            None => {
                let Outline { record, keyed, .. } = outline_of_insert(table, input, key, context);
                let draws: &[_] = if keyed || table.key_column.is_none() {
                    &[]
                } else {
                    &[(None, None)]
                };
                Suspect {
                    write: insert_write(table, record, draws),
                    keyed,
                    refused,
                }
            }
            Some((current, mode)) => {
                let Outline { record, before, .. } = outline_of_update(table, current, input, mode, context);
                Suspect {
                    write: Write::update(table, current, record, before, ChangeKind::Updated),
                    keyed: false,
                    refused,
                }
            }
        })
    }

    /// The error of a write with these issues, and with everything of other records that stands in its way.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(crate) async fn all_wrong(
        &self,
        table: &Arc<Table>,
        issues: Vec<Issue>,
        (suspect, now): (Option<Suspect>, i64),
    ) -> Result<Error, Error> {
        let clashes = self.store.clashes(Vec::from_iter(suspect), now).await?;
        let clashes = clashes.into_iter().map(|(_, issue)| issue);
        Ok(self.invalid(table, joined(issues, clashes)))
    }

    /// The error of a write that was refused when it was sent, with everything else that stands in its way.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(crate) async fn all_refused(
        &self,
        table: &Arc<Table>,
        (key, data): (Key, Option<&JsonMap>),
        why: Refusal,
        (suspect, now): (Option<Suspect>, i64),
    ) -> Result<Error, Error> {
        let clash = matches!(
            why,
            Refusal::Seam(Rejection::UniqueTaken { .. } | Rejection::KeyTaken)
                | Refusal::Dangling { .. }
                | Refusal::Unfit { .. }
        );
        let first = why.issue(table, &key);
        let error = self.refused(table, key, data, why);
        let Some(suspect) = suspect.filter(|_| clash) else {
            return Ok(error);
        };
        let clashes = self.store.clashes(vec![suspect], now).await?;
        let all = joined(vec![first], clashes.into_iter().map(|(_, issue)| issue));
        let in_use = all
            .iter()
            .all(|issue| matches!(issue.code, Code::Unique | Code::KeyTaken));
        Ok(match error {
            Error::Unique {
                table,
                field,
                value,
                holder,
                ..
            } if in_use => Error::Unique {
                table,
                field,
                value,
                holder,
                issues: all,
            },
            Error::KeyTaken { table, key, .. } if in_use => Error::KeyTaken {
                table,
                key,
                issues: all,
            },
            _ => self.invalid(table, all),
        })
    }

    /// A refusal as the error it means to the caller.
    pub(crate) fn refused(&self, table: &Table, key: Key, data: Option<&JsonMap>, why: Refusal) -> Error {
        let issues = vec![why.issue(table, &key)];
        let rejection = match why {
            Refusal::Seam(rejection) => rejection,
            Refusal::Referenced(dependent) => return Error::from(*dependent),
            Refusal::Beyond(message) => return Error::Forbidden { message },
            Refusal::Dangling { .. } | Refusal::Unfit { .. } => return self.invalid(table, issues),
        };
        match rejection {
            Rejection::KeyTaken => Error::KeyTaken {
                table: table.slug.clone(),
                key,
                issues,
            },
            Rejection::NotFound => no_record(table, &key.to_string()),
            Rejection::UniqueTaken { column, holder } => {
                let field = table.at(column).slug.clone();
                // What is encrypted is not repeated.
                let told = table.at(column).encrypted.is_none();
                let given = data.and_then(|data| data.get(&field)).filter(|_| told);
                let value = given.map_or_else(|| "this".to_owned(), Json::to_string);
                Error::Unique {
                    table: table.slug.clone(),
                    field,
                    value,
                    holder,
                    issues,
                }
            }
            Rejection::Version { found } => Error::Internal(format!("record {key} moved to version {found}")),
            Rejection::SchemaChanged => {
                Error::Internal(format!("the definition of {} keeps changing", table.slug))
            }
        }
    }

    /// Adds to the issues of the refused items of a batch what else stands in their way. `suspect` makes one of an item, if it can
    /// be said what it would have done, and whether it is refused.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(crate) async fn all_wrong_of(
        &self,
        table: &Arc<Table>,
        mut items: Vec<Option<&mut Vec<Issue>>>,
        suspect: impl Fn(usize, bool) -> Option<Suspect>,
        now: i64,
    ) -> Result<(), Error> {
        let refused: Vec<bool> = items
            .iter()
            .map(|issues| issues.as_ref().is_some_and(|issues| may_clash(issues)))
            .collect();
        if !refused.contains(&true) {
            return Ok(());
        }
        // What the others bring and take counts where it can stand in the way.
        let own = |target: &str| target == table.slug;
        let together = table.live().any(|column| column.constraints.unique)
            || table.key_column.is_some()
            || table.references().any(|(_, target)| own(target));
        let (mut places, mut suspects) = (Vec::new(), Vec::new());
        for (at, refused) in refused.into_iter().enumerate() {
            if let Some(suspect) = (refused || together && items[at].is_none())
                .then(|| suspect(at, refused))
                .flatten()
            {
                places.push(at);
                suspects.push(suspect);
            }
        }
        for (at, clash) in self.store.clashes(suspects, now).await? {
            if let Some(issues) = &mut items[places[at]] {
                **issues = joined(std::mem::take(*issues), [clash]);
            }
        }
        Ok(())
    }
}

/// Whether more may be wrong with an item than these issues: not if it is not known which record it means, or if it may not be written.
pub(crate) fn may_clash(issues: &[Issue]) -> bool {
    let closed = |issue: &Issue| {
        matches!(
            issue.code,
            Code::NotFound | Code::Version | Code::Forbidden | Code::Ambiguous | Code::Definition
        ) && issue.params.get(NAME).is_none()
    };
    !issues.is_empty() && !issues.iter().any(closed)
}

/// The parameter of an issue that says by which name nobody, or more than one, was found.
pub(crate) const NAME: &str = "name";

/// Issues with those that were found later, each once: what was found later says more of the same.
pub(crate) fn joined(mut issues: Vec<Issue>, later: impl IntoIterator<Item = Issue>) -> Vec<Issue> {
    for found in later {
        let named = |issue: &Issue| issue.field == found.field && issue.params.contains_key(NAME);
        // That nobody has the name was said.
        if found.code == Code::Reference && issues.iter().any(named) || issues.contains(&found) {
            continue;
        }
        let same = |issue: &Issue| {
            issue.field == found.field
                && issue.code == found.code
                && issue.params.get("key") == found.params.get("key")
        };
        match issues.iter().position(same) {
            Some(at) => issues[at] = found,
            None => issues.push(found),
        }
    }
    issues
}
