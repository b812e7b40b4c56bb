//! Questions as a caller asks them, by slug, and how they become plans. Answers nothing.

use super::condition::Resolver;
use crate::column::Column;
use crate::encryption::{self, Cells};
use crate::filter::{Filter, Operator};
use crate::issue::unknown_name;
use crate::query::fuzzy;
use crate::query::plan::{Search, SortKey, words};
use crate::{Code, Issue, Json, Table, limits};

/// A filter as a caller writes it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum FilterInput {
    /// Every part holds.
    And(Vec<FilterInput>),
    /// Some part holds.
    Or(Vec<FilterInput>),
    /// One column passes one test.
    Condition(Condition),
}

/// A test of one column.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Condition {
    /// A slug or a system name.
    pub column: String,
    /// The operator's wire name.
    pub operator: String,
    /// What to compare with; null for operators that take none.
    pub value: Json,
}

/// A sort key as a caller writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct SortInput {
    /// A slug or a system name.
    pub column: String,
    /// Largest first.
    pub descending: bool,
    /// Nulls before all others.
    pub nulls_first: bool,
}

/// A question as a caller asks it. Windows and counts are said where it is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Which records; all if absent.
    pub filter: Option<FilterInput>,
    /// The order; by key if empty.
    pub sort: Vec<SortInput>,
    /// Words to search for.
    pub search: Option<String>,
    /// Where to search; every searchable column if empty.
    pub search_columns: Vec<String>,
    /// Whether accents count for nothing and words may be misspelt ([`fuzzy`]); without a sort, what fits best comes first.
    pub fuzzy: bool,
}

impl Query {
    /// Everything, in key order.
    pub fn new() -> Query {
        Query::default()
    }

    /// Adds a condition; all conditions must hold.
    pub fn filter(mut self, column: &str, operator: Operator, value: impl Into<Json>) -> Query {
        let condition = FilterInput::Condition(Condition {
            column: column.to_owned(),
            operator: operator.as_str().to_owned(),
            value: value.into(),
        });
        self.filter = Some(match self.filter.take() {
            None => condition,
            Some(FilterInput::And(mut parts)) => {
                parts.push(condition);
                FilterInput::And(parts)
            }
            Some(other) => FilterInput::And(vec![other, condition]),
        });
        self
    }

    /// Adds a sort key, smallest first.
    pub fn ascending(mut self, column: &str) -> Query {
        self.sort.push(SortInput {
            column: column.to_owned(),
            descending: false,
            nulls_first: false,
        });
        self
    }

    /// Adds a sort key, largest first.
    pub fn descending(mut self, column: &str) -> Query {
        self.sort.push(SortInput {
            column: column.to_owned(),
            descending: true,
            nulls_first: false,
        });
        self
    }

    /// Searches for words.
    pub fn search(mut self, text: &str) -> Query {
        self.search = Some(text.to_owned());
        self
    }

    /// Searches for words that may be misspelt; what fits best comes first, unless a sort says otherwise.
    pub fn search_alike(mut self, text: &str) -> Query {
        self.fuzzy = true;
        self.search(text)
    }

    /// The filter, resolved; relative dates are judged at `now`, and values of encrypted columns are sealed as their cells are.
    ///
    /// # Errors
    /// Every condition that does not fit its column.
    pub fn resolve_filter(
        &self,
        table: &Table,
        now: i64,
        cells: Option<&dyn Cells>,
    ) -> Result<Filter, Vec<Issue>> {
        let Some(filter) = &self.filter else {
            return Ok(Filter::All);
        };
        let mut resolver = Resolver {
            table,
            now,
            cells,
            conditions: 0,
            issues: Vec::new(),
        };
        let filter = resolver.filter(filter, 0);
        if resolver.conditions > limits::FILTER_CONDITIONS_MAX {
            let message = format!(
                "A filter has at most {} conditions",
                limits::FILTER_CONDITIONS_MAX
            );
            resolver.issues.push(Issue::new("filter", Code::Limit, message));
        }
        if resolver.issues.is_empty() {
            Ok(filter)
        } else {
            Err(resolver.issues)
        }
    }

    /// The sort keys, resolved.
    ///
    /// # Errors
    /// Columns that do not exist or cannot be sorted, and too many keys.
    pub fn resolve_sort(&self, table: &Table) -> Result<Vec<SortKey>, Vec<Issue>> {
        let mut issues = Vec::new();
        let mut keys = Vec::with_capacity(self.sort.len());
        if self.sort.len() > limits::SORT_KEYS_MAX {
            let message = format!("A sort has at most {} keys", limits::SORT_KEYS_MAX);
            issues.push(Issue::new("sort", Code::Limit, message));
        }
        for key in &self.sort {
            match table.field(&key.column) {
                Some(field) => {
                    issues.extend(encryption::blind(table, &field, "sorted"));
                    keys.push(SortKey {
                        field,
                        descending: key.descending,
                        nulls_first: key.nulls_first,
                    });
                }
                None => issues.push(unknown_column(table, &key.column)),
            }
        }
        if keys.is_empty() && self.is_ranked() {
            keys.push(SortKey::BEST_FIRST);
        }
        if issues.is_empty() { Ok(keys) } else { Err(issues) }
    }

    /// Whether what fits best comes first: a fuzzy search for some word, in no other order.
    pub fn is_ranked(&self) -> bool {
        let searched = self
            .search
            .as_deref()
            .is_some_and(|text| words(text).next().is_some());
        self.fuzzy && searched && self.sort.is_empty()
    }

    /// How many values a place in the answer has, beside its key.
    pub fn sort_keys(&self) -> usize {
        self.sort.len().max(usize::from(self.is_ranked()))
    }

    /// Whether it searches for signs alone: they stand in no word, so nothing is found.
    pub fn finds_nothing(&self) -> bool {
        let text = self.search.as_deref().unwrap_or_default();
        !text.trim().is_empty() && words(text).next().is_none()
    }

    /// The search, resolved; none if there are no words.
    ///
    /// # Errors
    /// Columns that do not exist or hold no searchable text.
    pub fn resolve_search(&self, table: &Table) -> Result<Option<Search>, Vec<Issue>> {
        let Some(text) = &self.search else { return Ok(None) };
        let mut words: Vec<String> = words(text).collect();
        if words.is_empty() {
            return Ok(None);
        }
        let mut issues = Vec::new();
        if self.fuzzy {
            words = words.iter().map(|word| fuzzy::plain(word).into_owned()).collect();
            if words.len() > limits::FUZZY_WORDS_MAX {
                let message = format!("A fuzzy search has at most {} words", limits::FUZZY_WORDS_MAX);
                issues.push(Issue::new("search", Code::Limit, message));
            }
        }
        let searchable =
            |column: &&Column| column.kind().flags().searchable && table.key_column != Some(column.ordinal);
        let mut columns = Vec::new();
        for slug in &self.search_columns {
            match table.column(slug) {
                Some(column) if searchable(&column) => columns.push(column.ordinal),
                Some(column) => {
                    issues.push(encryption::unsearchable(column));
                }
                None => issues.push(unknown_column(table, slug)),
            }
        }
        if self.search_columns.is_empty() {
            columns = table
                .live()
                .filter(searchable)
                .map(|column| column.ordinal)
                .collect();
        }
        if issues.is_empty() {
            Ok(Some(Search {
                words,
                columns,
                fuzzy: self.fuzzy,
            }))
        } else {
            Err(issues)
        }
    }
}

/// The issue of a column that does not exist.
pub fn unknown_column(table: &Table, name: &str) -> Issue {
    Issue::new(
        name,
        Code::UnknownColumn,
        unknown_name("column", name, table.field_names()),
    )
}
