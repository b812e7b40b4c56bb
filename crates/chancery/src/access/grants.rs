//! What somebody may do where: a scope everywhere, and grants that say something else for a workspace, a table or a column.
//! Enforces nothing; a store that is held to it does ([`crate::Store::held_to`]).

use chancery_model::query::FilterInput;
use chancery_model::{Code, Issue, Table};
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::limits::GRANTS_MAX;

/// What holds in one place instead of what holds around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Where.
    pub place: Place,
    /// What may be done there. For a column: [`Scope::None`] hides it, [`Scope::Read`] lets nobody write it.
    pub scope: Scope,
    /// Only these records of a table; all if absent. Others are not there for whoever has the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterInput>,
}

/// Where a grant holds. The smaller place decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In a workspace, by its id.
    Workspace(String),
    /// In a table, by its id.
    Table(String),
    /// In a column: the id of the table and the slug.
    Column(String, String),
}

/// A scope and the grants that say otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Rights {
    scope: Scope,
    grants: Vec<Grant>,
}

impl Rights {
    /// A scope everywhere but where a grant says otherwise.
    ///
    /// ```
    /// use chancery::access::{Grant, Place, Rights, Scope};
    /// let orders = Grant { place: Place::Table("0190".into()), scope: Scope::Write, filter: None };
    /// assert_eq!(Rights::new(Scope::None, vec![orders]).somewhere(), Scope::Write);
    /// ```
    pub fn new(scope: Scope, grants: Vec<Grant>) -> Rights {
        Rights { scope, grants }
    }

    /// What may be done where no grant says otherwise, and with what belongs to no table.
    pub fn everywhere(&self) -> Scope {
        self.scope
    }

    /// What may be done in a workspace.
    pub fn in_workspace(&self, id: &str) -> Scope {
        self.said(|place| matches!(place, Place::Workspace(given) if given == id))
            .unwrap_or(self.scope)
    }

    /// What may be done in a table.
    pub fn in_table(&self, table: &Table) -> Scope {
        self.said(|place| matches!(place, Place::Table(given) if *given == table.id))
            .unwrap_or_else(|| self.in_workspace(&table.workspace))
    }

    /// What may be done in a column; never more than in its table.
    pub fn in_column(&self, table: &Table, slug: &str) -> Scope {
        let of = |place: &Place| matches!(place, Place::Column(given, column) if *given == table.id && column == slug);
        let around = self.in_table(table);
        self.said(of).map_or(around, |scope| scope.min(around))
    }

    /// The most that may be done anywhere.
    pub fn somewhere(&self) -> Scope {
        let granted = self.grants.iter().map(|grant| match grant.place {
            Place::Column(..) => Scope::None,
            _ => grant.scope,
        });
        granted.fold(self.scope, Scope::max)
    }

    /// Whether anything of a workspace is to be seen; the tables that are in it say the rest.
    pub fn sees_workspace(&self, id: &str, tables: &[std::sync::Arc<Table>]) -> bool {
        self.in_workspace(id) > Scope::None || tables.iter().any(|table| self.in_table(table) > Scope::None)
    }

    /// The records of a table that are there; none if all are.
    pub(crate) fn filter(&self, table: &Table) -> Option<&FilterInput> {
        let own = |grant: &&Grant| matches!(&grant.place, Place::Table(given) if *given == table.id);
        self.grants.iter().find(own)?.filter.as_ref()
    }

    /// Whether something of a table is kept back although the table is seen: columns or records.
    pub fn narrows(&self, table: &Table) -> bool {
        let of = |place: &Place| matches!(place, Place::Column(given, _) if *given == table.id);
        self.filter(table).is_some() || self.grants.iter().any(|grant| of(&grant.place))
    }

    fn said(&self, at: impl Fn(&Place) -> bool) -> Option<Scope> {
        let grant = self.grants.iter().find(|grant| at(&grant.place))?;
        Some(grant.scope)
    }
}

/// What is wrong with grants beside a scope, as far as that can be said without looking at tables.
pub(super) fn check_grants(scope: Scope, grants: &[Grant], issues: &mut Vec<Issue>) {
    if grants.is_empty() {
        return;
    }
    if scope == Scope::Admin {
        let message =
            "Who may do everything everywhere is held to nothing: give a smaller role or scope beside grants";
        issues.push(Issue::new("grants", Code::Definition, message));
    }
    if grants.len() > GRANTS_MAX {
        let message = format!("There are at most {GRANTS_MAX} grants");
        issues.push(Issue::new("grants", Code::Limit, message).with("max", GRANTS_MAX));
    }
    let mut places = HashSet::new();
    for (at, grant) in grants.iter().enumerate() {
        let field = format!("grants.{at}");
        if !places.insert(&grant.place) {
            issues.push(Issue::new(
                field.as_str(),
                Code::Definition,
                "Another grant speaks of the same place",
            ));
        }
        if grant.filter.is_some() && !matches!(grant.place, Place::Table(_)) {
            issues.push(Issue::new(
                field.as_str(),
                Code::Definition,
                "Only a grant on a table has a filter",
            ));
        }
        if matches!(grant.place, Place::Column(..)) && grant.scope == Scope::Admin {
            let message = "A column is hidden (none), read (read) or written (write)";
            issues.push(Issue::new(field.as_str(), Code::Definition, message));
        }
    }
}
