//! Finding records that mean one thing: reads the records, has the model compare them on threads, and answers groups. Merging them
//! is done elsewhere, and nothing is written here but what somebody said are two things.

mod apart;
mod control;
mod finds;
mod search;

use std::collections::{BTreeMap, HashMap};

use chancery_model::duplicates::{Compare, Criterion, Gathering, Link, similarity};
use chancery_model::limits::COMPARED_COLUMNS_MAX;
use chancery_model::query::{Query, unknown_column};
use chancery_model::{Code, Column, Issue, Key, Table};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::record::Record;

pub use apart::NotDuplicates;
pub use chancery_model::duplicates::{Compare as DuplicateCompare, Told as DuplicatesTold};
pub use control::{FindControl, FindPhase, FindProgress};
pub(crate) use finds::Finds;
pub use finds::{FindState, FindStatus};

/// How alike values must be unless somebody says.
pub const SIMILARITY: f64 = 0.85;

/// A column that duplicates are looked for by.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedColumn {
    /// Its slug.
    pub column: String,
    /// How its values are compared.
    pub compare: Compare,
}

impl ComparedColumn {
    /// Values that are the same.
    pub fn exact(column: &str) -> ComparedColumn {
        ComparedColumn::new(column, Compare::Exact)
    }

    /// Values that are the same but for case, accents, spaces and punctuation.
    pub fn normalised(column: &str) -> ComparedColumn {
        ComparedColumn::new(column, Compare::Normalised)
    }

    /// Values that are alike, by this similarity from 0 to 1.
    pub fn fuzzy(column: &str, similarity: f64) -> ComparedColumn {
        ComparedColumn::new(column, Compare::Fuzzy(similarity))
    }

    fn new(column: &str, compare: Compare) -> ComparedColumn {
        ComparedColumn {
            column: column.to_owned(),
            compare,
        }
    }
}

/// How duplicates are looked for.
#[derive(Clone, Debug, Default)]
pub struct DuplicateOptions {
    /// The columns. Those compared exactly or normalised must all be the same; blanks are the same as blanks, and a record blank in
    /// all of them is a duplicate of none. Those compared by similarity are weighed together, and blanks say nothing; where the
    /// columns say too little to be weighed (there is one, or the table is small), all that both have must be as alike as asked.
    pub columns: Vec<ComparedColumn>,
    /// Whether `A` and `a` are two values: in exact columns they are unless this says no, in others they are not unless it says yes.
    pub case_sensitive: Option<bool>,
    /// Columns in which only records with the same value (normalised) are compared: for tables too large, or where it makes sense.
    pub blocking: Vec<String>,
    /// Which records; all if it says nothing.
    pub query: Query,
    /// Hears how far it is, and can stop it.
    pub control: FindControl,
}

impl DuplicateOptions {
    /// All of these columns by similarity, or normalised where none is given.
    pub fn by(columns: &[&str], similarity: Option<f64>) -> DuplicateOptions {
        let compared = |column: &&str| match similarity {
            Some(similarity) => ComparedColumn::fuzzy(column, similarity),
            None => ComparedColumn::normalised(column),
        };
        DuplicateOptions {
            columns: columns.iter().map(compared).collect(),
            ..DuplicateOptions::default()
        }
    }
}

/// Records that are taken for one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplicateGroup {
    /// Their keys, in key order.
    pub keys: Vec<Key>,
    /// How alike those are that are least alike of those it rests on, from 0 to 1.
    pub score: f64,
    /// The pairs it rests on, by their place in `keys`, and how alike each is.
    pub links: Vec<(usize, usize, f64)>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Duplicates {
    /// The groups: those most alike first, then the larger ones.
    pub groups: Vec<DuplicateGroup>,
    /// Records that were looked at.
    pub records: u64,
    /// What could not be done in full.
    pub told: DuplicatesTold,
}

/// Why two records were taken for one thing: one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnLikeness {
    /// The slug.
    pub column: String,
    /// How alike the values are, from 0 to 1; none where one of them is blank.
    pub similarity: Option<f64>,
}

/// A group as it is when somebody looks.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNow {
    /// Its records, in key order.
    pub records: Vec<Record>,
    /// The pairs it rests on, among these.
    pub pairs: Vec<PairNow>,
}

/// Two records of a group and why they are taken for one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct PairNow {
    /// Their keys.
    pub keys: (Key, Key),
    /// How alike they were when they were found.
    pub score: f64,
    /// How alike their values are now.
    pub columns: Vec<ColumnLikeness>,
}

impl TableHandle {
    /// Looks for records that mean one thing. What it costs rises with the records, not with their pairs; for each of a million
    /// records it keeps the normal forms of the columns and some marks in memory. Records in the trash and expired ones are not
    /// seen; pairs that somebody said are two things ([`TableHandle::keep_apart`]) are in no group.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, DuplicateOptions, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let input = TableInput::new("People")
    ///     .column(ColumnInput::new("Name", "text"))
    ///     .column(ColumnInput::new("City", "text"));
    /// let people = store.create_table(input).await?;
    /// people.insert(json!({"name": "John Smith", "city": "London"})).await?;
    /// people.insert(json!({"name": "Jon Smith", "city": "LONDON"})).await?;
    /// people.insert(json!({"name": "Ann Lee", "city": "London"})).await?;
    /// let found = people.find_duplicates(DuplicateOptions::by(&["name", "city"], Some(0.85))).await?;
    /// assert_eq!(found.groups.len(), 1);
    /// assert_eq!(found.groups[0].keys.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`] with every column that is not there or cannot be compared so, [`Error::Cancelled`].
    pub async fn find_duplicates(&self, options: DuplicateOptions) -> Result<Duplicates, Error> {
        let compared = self.compared(&options)?;
        let (keys, gathering, shortened) = self.gather_forms(&options, &compared).await?;
        let apart = self.pairs_apart(&keys).await?;
        let control = options.control.clone();
        let records = u64::from(gathering.rows());
        let worked = tokio::task::spawn_blocking(move || search::run(gathering, &apart, &control)).await;
        let worked = worked.map_err(|error| Error::Internal(error.to_string()))?;
        let (groups, mut told) = worked.ok_or(Error::Cancelled)?;
        told.shortened = shortened;
        let group = |group: chancery_model::duplicates::Group| {
            let place: HashMap<u32, usize> = group
                .rows
                .iter()
                .enumerate()
                .map(|(at, row)| (*row, at))
                .collect();
            let link = |link: &Link| (place[&link.a], place[&link.b], f64::from(link.score));
            DuplicateGroup {
                keys: group.rows.iter().map(|row| keys[*row as usize].clone()).collect(),
                score: f64::from(group.score),
                links: group.links.iter().map(link).collect(),
            }
        };
        Ok(Duplicates {
            groups: groups.into_iter().map(group).collect(),
            records,
            told,
        })
    }

    /// A group as it is now, with so many of its records at most; none if fewer than two of them are left.
    ///
    /// # Errors
    /// As [`TableHandle::find_duplicates`].
    pub async fn duplicates_now(
        &self,
        group: &DuplicateGroup,
        options: &DuplicateOptions,
        most: usize,
    ) -> Result<Option<GroupNow>, Error> {
        let compared = self.compared(options)?;
        let mut records: BTreeMap<usize, Record> = BTreeMap::new();
        for (at, key) in group.keys.iter().enumerate() {
            if records.len() == most {
                break;
            }
            if let Some(record) = self.get(key).await? {
                records.insert(at, record);
            }
        }
        if records.len() < 2 {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        for (a, b, score) in &group.links {
            if let (Some(a), Some(b)) = (records.get(a), records.get(b)) {
                pairs.push(PairNow {
                    keys: (a.key().clone(), b.key().clone()),
                    score: *score,
                    columns: likeness((a, b), &compared),
                });
            }
        }
        Ok(Some(GroupNow {
            records: records.into_values().collect(),
            pairs,
        }))
    }

    /// The columns as they are compared, or all that is wrong with them.
    fn compared(&self, options: &DuplicateOptions) -> Result<Vec<(Column, Compare, bool)>, Error> {
        let table = self.definition()?;
        let mut issues = Vec::new();
        let blocking = options
            .blocking
            .iter()
            .map(|column| ComparedColumn::normalised(column));
        let all: Vec<ComparedColumn> = options.columns.iter().cloned().chain(blocking).collect();
        if options.columns.is_empty() {
            issues.push(Issue::new(
                "columns",
                Code::Required,
                "Name at least one column to compare",
            ));
        }
        if all.len() > COMPARED_COLUMNS_MAX {
            return Err(Error::Limit {
                what: "columns that are compared (comparedColumnsMax)",
                max: COMPARED_COLUMNS_MAX as u64,
                got: all.len() as u64,
            });
        }
        let mut compared: Vec<(Column, Compare, bool)> = Vec::new();
        for asked in &all {
            match check(&table, asked) {
                Ok(column) if compared.iter().any(|(had, ..)| had.ordinal == column.ordinal) => {
                    issues.push(Issue::new(
                        &asked.column,
                        Code::Format,
                        "The column is named twice",
                    ));
                }
                Ok(column) => {
                    let sensitive = options.case_sensitive.unwrap_or(asked.compare == Compare::Exact);
                    compared.push((column.clone(), asked.compare, sensitive));
                }
                Err(issue) => issues.push(issue),
            }
        }
        match issues.is_empty() {
            true => Ok(compared),
            false => Err(Error::Query(issues)),
        }
    }

    /// Reads all records: their keys, their normal forms, and how many of these were shortened.
    async fn gather_forms(
        &self,
        options: &DuplicateOptions,
        compared: &[(Column, Compare, bool)],
    ) -> Result<(Vec<Key>, Gathering, u64), Error> {
        let control = &options.control;
        let total = self.count(&options.query).await?;
        control.enter(FindPhase::Reading, total);
        let criteria = compared
            .iter()
            .map(|(column, compare, _)| Criterion::new(column, *compare));
        let (mut keys, mut gathering) = (Vec::new(), Gathering::new(criteria.collect()));
        let mut shortened = 0;
        let mut forms = Vec::with_capacity(compared.len());
        let mut stream = self.stream(&options.query).await?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            if control.is_cancelled() {
                return Err(Error::Cancelled);
            }
            for record in &chunk {
                forms.clear();
                for (column, compare, sensitive) in compared {
                    let value = record.row().value(column.ordinal);
                    let form = chancery_model::duplicates::form(value, column, *compare, *sensitive);
                    shortened += u64::from(form.as_ref().is_some_and(|(_, short)| *short));
                    forms.push(form.map(|(form, _)| form));
                }
                gathering.push(&forms);
                keys.push(record.key().clone());
            }
            control.advance(chunk.len() as u64);
        }
        Ok((keys, gathering, shortened))
    }
}

/// How alike two records are, column by column.
fn likeness((a, b): (&Record, &Record), compared: &[(Column, Compare, bool)]) -> Vec<ColumnLikeness> {
    let one = |(column, compare, case_sensitive): &(Column, Compare, bool)| ColumnLikeness {
        column: column.slug.clone(),
        similarity: similarity(
            (a.row().value(column.ordinal), b.row().value(column.ordinal)),
            column,
            *compare,
            *case_sensitive,
        ),
    };
    compared.iter().map(one).collect()
}

/// The column, if it can be compared so.
fn check<'a>(table: &'a Table, asked: &ComparedColumn) -> Result<&'a Column, Issue> {
    let slug = &asked.column;
    let found = table.column(slug).filter(|column| column.live());
    let column = found.ok_or_else(|| unknown_column(table, slug))?;
    if let Compare::Fuzzy(similarity) = asked.compare
        && !(0.0..=1.0).contains(&similarity)
    {
        let message = format!("A similarity is from 0 to 1, not {similarity}");
        return Err(Issue::new(slug, Code::Max, message));
    }
    if column.encrypted.is_some() && (asked.compare != Compare::Exact || !column.is_comparable()) {
        let message = match column.is_comparable() {
            true => "Its values are encrypted: only exact compare finds those that are the same",
            false => "Its values are encrypted without an index, so nobody can tell which are the same",
        };
        return Err(Issue::new(slug, Code::Encrypted, message));
    }
    if column.kind().flags().computed {
        return Err(Issue::new(
            slug,
            Code::Operator,
            "The store makes its values: they say nothing about what a record means",
        ));
    }
    Ok(column)
}
