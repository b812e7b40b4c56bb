//! Begins the transaction of a commit and reads what it has to know, in one round trip where it can. It decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::TableId;
use tokio_postgres::Row;

use super::connection::Connection;
use super::fault::Pg;
use super::log::NEWEST;
use super::needs::{Needs, TableNeeds};
use super::overlay::{Defined, Kept, Overlay, Rows, State, distinct};
use super::pipeline;
use super::relation::{Relation, Relations};
use super::rows::{decode, decode_key, records};
use super::statement::{Param, Statement};
use super::text::unescape;
use crate::batch::Counter;

/// The advisory lock of whoever commits: "CHNCcmmt" in letters. It is taken first and held until the commit is seen by
/// everybody, so that revisions are numbered in the order in which they are seen, and what was read before a decision is
/// true until it is done.
const COMMIT_LOCK: i64 = 0x4348_4e43_636d_6d74;

/// A question with more values than this is not one of few forms.
const KEPT_PARAMS_MAX: usize = 4;

/// A question about more records or values than this is planned for just these. A plan for any compares each row with one
/// after the other, which at thousands takes a hundred times as long as planning does.
const KEPT_VALUES_MAX: usize = 128;

/// The versions of definitions that this program has seen in force.
pub(super) type Known = HashMap<TableId, u64>;

/// What takes the lock of commits.
pub(super) fn lock() -> Statement {
    let mut lock = Statement::new(&format!("SELECT pg_advisory_xact_lock({COMMIT_LOCK})"));
    lock.keep();
    lock
}

/// Begins a transaction under the lock of commits and reads what is needed.
pub(super) async fn begin(
    client: &Connection,
    needs: &Needs,
    relations: &Relations,
    known: &mut Known,
) -> Pg<Overlay> {
    let guessed = guess(needs, known);
    match attempt(client, needs, relations, &guessed).await {
        // Another program changed a definition: what was guessed of it is wrong.
        Err(fault) if !guessed.is_empty() && (fault.is_missing_relation() || fault.is_missing_column()) => {
            client.batch_execute("ROLLBACK").await?;
            known.clear();
            let overlay = attempt(client, needs, relations, &Guess::default()).await?;
            note(&overlay, known);
            Ok(overlay)
        }
        Ok(overlay) => {
            note(&overlay, known);
            Ok(overlay)
        }
        Err(fault) => Err(fault),
    }
}

fn note(overlay: &Overlay, known: &mut Known) {
    known.extend(
        overlay
            .defined
            .iter()
            .map(|(table, defined)| (*table, defined.version)),
    );
}

/// What can be asked for before it is sure which definitions are in force.
#[derive(Default)]
struct Guess<'a> {
    /// Tables whose records are written.
    written: Vec<&'a TableNeeds>,
    /// Tables whose records are only looked at.
    checked: Vec<TableId>,
}

impl Guess<'_> {
    fn is_empty(&self) -> bool {
        self.written.is_empty() && self.checked.is_empty()
    }
}

fn guess<'a>(needs: &'a Needs, known: &Known) -> Guess<'a> {
    let sure = |((table, version), needs): &(&(TableId, u64), &TableNeeds)| {
        known.get(table) == Some(version) && !needs.draws()
    };
    let checked = needs.checks.asked().filter(|table| known.contains_key(table));
    Guess {
        written: needs.tables.iter().filter(sure).map(|(_, needs)| needs).collect(),
        checked: checked.collect(),
    }
}

async fn attempt(
    client: &Connection,
    needs: &Needs,
    relations: &Relations,
    guessed: &Guess<'_>,
) -> Pg<Overlay> {
    let mut statements = vec![Statement::new("BEGIN"), lock(), Statement::new(NEWEST)];
    statements.push(definitions(needs));
    // Most commits draw no number and touch no document.
    let (draws, puts) = (!needs.counters.is_empty(), needs.has_documents());
    statements.extend(draws.then(|| counters(needs)));
    statements.extend(puts.then(|| documents(needs)));
    let newest = needs.checks.newest();
    let looks = newest.is_some();
    statements.extend(newest);
    for statement in &mut statements {
        statement.keep();
    }
    let records = guessed.checked.iter();
    statements.extend(records.map(|table| needs.checks.records(*table)));
    let asked: Vec<Asked<'_>> = guessed
        .written
        .iter()
        .map(|needs| Asked::of(needs, relations, |_| 0))
        .collect();
    statements.extend(asked.iter().flat_map(|asked| asked.statements.iter().cloned()));
    let all: Vec<&Statement> = statements.iter().collect();
    let mut answers = pipeline::rows(client, &all).await?.into_iter().skip(2);
    let mut overlay = Overlay::default();
    if let [row] = answers.next().unwrap_or_default().as_slice() {
        overlay.revision = row.try_get::<_, i64>(0)? as u64;
        overlay.change = row.try_get::<_, i64>(1)? as u64;
    }
    for row in answers.next().unwrap_or_default() {
        let searched: Option<Vec<i64>> = row.try_get(2)?;
        let defined = Defined {
            version: row.try_get::<_, i64>(1)? as u64,
            searched: searched.map(|columns| columns.iter().map(|ordinal| *ordinal as u16).collect()),
        };
        overlay
            .defined
            .insert(TableId(row.try_get::<_, i64>(0)? as u32), defined);
    }
    for row in draws.then(|| answers.next()).flatten().unwrap_or_default() {
        let (table, ordinal, last): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let counter = Counter::at(table as u32, ordinal as u16);
        overlay.counters.insert(counter, last as u64);
    }
    for row in puts.then(|| answers.next()).flatten().unwrap_or_default() {
        document(&mut overlay, &row)?;
    }
    if looks {
        overlay.facts.newest(&answers.next().unwrap_or_default())?;
    }
    for table in &guessed.checked {
        let found = answers.next().unwrap_or_default();
        overlay.facts.records(*table, &found)?;
    }
    for asked in asked {
        asked.answered(&mut overlay, &mut answers)?;
    }
    checked(client, &mut overlay, needs, &guessed.checked).await?;
    rows(client, &mut overlay, needs, relations).await?;
    Ok(overlay)
}

/// Reads the records that are only looked at of tables that were not known to be there.
async fn checked(client: &Connection, overlay: &mut Overlay, needs: &Needs, known: &[TableId]) -> Pg<()> {
    let missing = needs.checks.asked().filter(|table| !known.contains(table));
    let missing: Vec<TableId> = missing
        .filter(|table| overlay.defined.contains_key(table))
        .collect();
    let statements: Vec<Statement> = missing.iter().map(|table| needs.checks.records(*table)).collect();
    if statements.is_empty() {
        return Ok(());
    }
    let all: Vec<&Statement> = statements.iter().collect();
    let answers = pipeline::rows(client, &all).await?;
    for (table, found) in missing.into_iter().zip(answers) {
        overlay.facts.records(table, &found)?;
    }
    Ok(())
}

/// Reads the records that are needed of tables whose definition is in force, and not read yet.
pub(super) async fn rows(
    client: &Connection,
    overlay: &mut Overlay,
    needs: &Needs,
    relations: &Relations,
) -> Pg<()> {
    let counters = overlay.counters.clone();
    let last = |counter: Counter| counters.get(&counter).copied().unwrap_or_default();
    let missing = needs.tables.values().filter(|needs| {
        overlay.is_current(&needs.table) && !overlay.tables.contains_key(&needs.table.number)
    });
    let asked: Vec<Asked<'_>> = missing.map(|needs| Asked::of(needs, relations, last)).collect();
    let all: Vec<&Statement> = asked.iter().flat_map(|asked| &asked.statements).collect();
    if all.is_empty() {
        return Ok(());
    }
    let mut answers = pipeline::rows(client, &all).await?.into_iter();
    for asked in asked {
        asked.answered(overlay, &mut answers)?;
    }
    Ok(())
}

/// The questions about one table.
struct Asked<'a> {
    needs: &'a TableNeeds,
    relation: Arc<Relation>,
    statements: Vec<Statement>,
    /// The columns that the statements after the first are about.
    columns: Vec<u16>,
}

impl<'a> Asked<'a> {
    fn of(needs: &'a TableNeeds, relations: &Relations, last: impl Fn(Counter) -> u64) -> Asked<'a> {
        let relation = relations.get(&needs.table);
        let mut statements = vec![needs.records(&relation, &last)];
        let (columns, holders): (Vec<u16>, Vec<Statement>) =
            needs.holders(&relation, &last).into_iter().unzip();
        statements.extend(holders);
        let few = needs.most() <= KEPT_VALUES_MAX;
        for statement in &mut statements {
            // Values of a kind that has no array are bound one by one: that is a form for each number of them.
            statement.kept = few && statement.params.len() <= KEPT_PARAMS_MAX;
        }
        Asked {
            needs,
            relation,
            statements,
            columns,
        }
    }

    /// Takes the answers in; those about a definition that is not in force are dropped.
    fn answered(self, overlay: &mut Overlay, answers: &mut impl Iterator<Item = Vec<Row>>) -> Pg<()> {
        let relation = self.relation;
        let mut rows = Rows {
            relation: relation.clone(),
            states: HashMap::new(),
            holders: HashMap::new(),
        };
        for record in records(&answers.next().unwrap_or_default(), &relation)? {
            let state = State {
                base: Some(record.clone()),
                now: Some(record.clone()),
                ..State::default()
            };
            rows.states.insert(record.key.clone(), state);
        }
        for ordinal in self.columns {
            let answer = answers.next().unwrap_or_default();
            let Some(slot) = relation.slot(ordinal) else {
                continue;
            };
            for row in answer {
                let holder = decode_key(relation.key_kind, &row, 0)?;
                let value = decode(&slot.shape, &row, 1)?;
                rows.holders.insert((ordinal, distinct(&value)), holder);
            }
        }
        if overlay.is_current(&self.needs.table) {
            overlay.tables.insert(self.needs.table.number, rows);
        }
        Ok(())
    }
}

fn definitions(needs: &Needs) -> Statement {
    let mut out = Statement::new("SELECT number, version, searched FROM definitions WHERE number = ANY(");
    let numbers = needs.definitions.iter().map(|number| i64::from(*number));
    out.bind(Param::Ints(numbers.collect())).push(")");
    out
}

fn counters(needs: &Needs) -> Statement {
    let places: Vec<(u32, u16)> = needs.counters.iter().map(|counter| counter.place()).collect();
    let mut out = Statement::new("SELECT table_number, ordinal, last FROM unnest(");
    out.bind(Param::Ints(
        places.iter().map(|(table, _)| i64::from(*table)).collect(),
    ))
    .push(", ");
    out.bind(Param::Ints(
        places.iter().map(|(_, ordinal)| i64::from(*ordinal)).collect(),
    ));
    out.push(") AS wanted (of_table, of_ordinal) JOIN counters ON table_number = of_table AND ordinal = of_ordinal");
    out
}

fn documents(needs: &Needs) -> Statement {
    let mut out = Statement::default();
    for (index, (column, names)) in [("id", &needs.documents), ("lookup", &needs.lookups)]
        .into_iter()
        .enumerate()
    {
        out.push(if index == 0 { "" } else { " UNION ALL " });
        out.push("SELECT kind, id, lookup, version FROM unnest(");
        out.bind(Param::Texts(names.iter().map(|(kind, _)| kind.clone()).collect()))
            .push(", ");
        out.bind(Param::Texts(names.iter().map(|(_, name)| name.clone()).collect()));
        out.push(") AS wanted (of_kind, of_name) JOIN documents ON kind = of_kind AND ")
            .push(column);
        out.push(" = of_name");
    }
    out
}

fn document(overlay: &mut Overlay, row: &Row) -> Pg<()> {
    let (kind, id) = (unescape(row.try_get(0)?), unescape(row.try_get(1)?));
    let lookup = row.try_get::<_, Option<&str>>(2)?.map(unescape);
    if let Some(lookup) = &lookup {
        overlay.lookups.insert((kind.clone(), lookup.clone()), id.clone());
    }
    let version = row.try_get::<_, i64>(3)? as u64;
    overlay.documents.insert((kind, id), Kept { version, lookup });
    Ok(())
}
