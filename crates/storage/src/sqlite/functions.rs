//! SQL functions for what SQL cannot say the way the model does: folding, patterns, words, undeclared fields.
//! They read no tables.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chancery_model::Value;
use chancery_model::filter::{Test, contains_folded};
use chancery_model::query::fuzzy::{self, Near};
use chancery_model::query::plan::words;
use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};

use super::fault::{Sql, unreadable};
use super::rows::{Shape, decode, order_bytes};
use crate::forms::extra_field;

/// A test that runs in Rust on the values of a field.
#[derive(Debug)]
pub(super) struct Probe {
    /// How the values are kept.
    pub(super) shape: Shape,
    /// The test.
    pub(super) test: Test,
}

/// Probes by the number that stands for them in running statements.
static PROBES: Mutex<Option<HashMap<i64, Arc<Probe>>>> = Mutex::new(None);
static NEXT_PROBE: AtomicI64 = AtomicI64::new(1);

/// Keeps a probe known while its statement runs.
#[derive(Debug)]
pub(super) struct ProbeGuard {
    /// What to bind.
    pub(super) number: i64,
}

impl ProbeGuard {
    /// Makes a probe known.
    pub(super) fn new(probe: Probe) -> ProbeGuard {
        let number = NEXT_PROBE.fetch_add(1, Ordering::Relaxed);
        PROBES
            .lock()
            .get_or_insert_default()
            .insert(number, Arc::new(probe));
        ProbeGuard { number }
    }
}

impl Drop for ProbeGuard {
    fn drop(&mut self) {
        PROBES.lock().get_or_insert_default().remove(&self.number);
    }
}

/// Makes the functions known to a connection.
pub(super) fn register(connection: &Connection) -> Sql<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("text_has", 2, flags, text_has)?;
    connection.create_scalar_function("text_ends", 2, flags, text_ends)?;
    connection.create_scalar_function("list_has", 2, flags, list_has)?;
    connection.create_scalar_function("passes", 2, flags, passes)?;
    connection.create_scalar_function("extra_order", 2, flags, extra_order)?;
    connection.create_scalar_function("list_order", 1, flags, list_order)?;
    connection.create_scalar_function("search_words", 1, flags, search_words)?;
    connection.create_scalar_function("search_list", 1, flags, search_list)?;
    connection.create_scalar_function("search_misfit", -1, flags, search_misfit)?;
    connection.create_aggregate_function("search_near", 2, flags, SearchNear)
}

/// `text_has(text, folded)`: whether a text contains another, case ignored.
fn text_has(context: &Context<'_>) -> Sql<Option<bool>> {
    let text = context.get_raw(0).as_str_or_null()?;
    let needle = context.get_raw(1).as_str()?;
    Ok(text.map(|text| contains_folded(text, needle)))
}

/// `text_ends(text, end)`: whether a text ends with another. SQLite's own functions count characters up to U+0000 only.
fn text_ends(context: &Context<'_>) -> Sql<Option<bool>> {
    let text = context.get_raw(0).as_str_or_null()?;
    let end = context.get_raw(1).as_str()?;
    Ok(text.map(|text| text.ends_with(end)))
}

/// `list_has(list, item)`: whether a list contains an item, given as it stands in the list's JSON text.
fn list_has(context: &Context<'_>) -> Sql<Option<bool>> {
    let Some(list) = context.get_raw(0).as_str_or_null()? else {
        return Ok(None);
    };
    let item = context.get_raw(1).as_str()?;
    if !list.contains(item) {
        return Ok(Some(false));
    }
    // The text may also stand across two items; only reading the list tells.
    let items: Vec<String> = serde_json::from_str(list).map_err(|error| unreadable(error.to_string()))?;
    let item: String = serde_json::from_str(item).map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(items.contains(&item)))
}

/// `passes(probe, value)`: whether a value passes a test of the model.
fn passes(context: &Context<'_>) -> Sql<bool> {
    let probe: Arc<Arc<Probe>> = context.get_or_create_aux(0, |number| {
        let number = number.as_i64()?;
        let known = PROBES.lock();
        let probe = known.as_ref().and_then(|probes| probes.get(&number)).cloned();
        probe.ok_or(rusqlite::types::FromSqlError::OutOfRange(number))
    })?;
    let value = decode(&probe.shape, context.get_raw(1))?;
    Ok(probe.test.passes(&value))
}

/// `extra_order(extra, name)`: an undeclared field as bytes that sort as its values do; null for null.
fn extra_order(context: &Context<'_>) -> Sql<Option<Vec<u8>>> {
    let Some(text) = context.get_raw(0).as_str_or_null()? else {
        return Ok(None);
    };
    let name = context.get_raw(1).as_str()?;
    let value = extra_field(text, name).map_err(|error| unreadable(error.to_string()))?;
    Ok(order_bytes(&value))
}

/// `list_order(list)`: a list as bytes that sort as lists do.
fn list_order(context: &Context<'_>) -> Sql<Option<Vec<u8>>> {
    let Some(text) = context.get_raw(0).as_str_or_null()? else {
        return Ok(None);
    };
    let items: Vec<String> = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    Ok(order_bytes(&Value::List(items)))
}

/// `search_list(text)`: the different words of a text as a JSON array.
fn search_list(context: &Context<'_>) -> Sql<String> {
    let text = context.get_raw(0).as_str_or_null()?.unwrap_or_default();
    let different: BTreeSet<String> = words(text).collect();
    serde_json::to_string(&different).map_err(|error| unreadable(error.to_string()))
}

/// The words of a fuzzy search, from the JSON array that is the first argument.
fn asked(text: &str) -> Result<Vec<String>, rusqlite::types::FromSqlError> {
    serde_json::from_str(text).map_err(|error| rusqlite::types::FromSqlError::Other(error.into()))
}

/// `search_misfit(words, text, …)`: how badly texts fit the words of a fuzzy search; null if they do not.
fn search_misfit(context: &Context<'_>) -> Sql<Option<u32>> {
    let words: Arc<Vec<String>> = context.get_or_create_aux(0, |words| asked(words.as_str()?))?;
    let mut texts = Vec::with_capacity(context.len());
    for at in 1..context.len() {
        texts.extend(context.get_raw(at).as_str_or_null()?);
    }
    Ok(fuzzy::misfit(&words, texts.into_iter()))
}

/// `search_near(words, word)`: of the words of a table those that the words of a fuzzy search may stand for, as the text that the
/// full-text index is asked.
struct SearchNear;

impl Aggregate<Option<Near>, String> for SearchNear {
    fn init(&self, _: &mut Context<'_>) -> Sql<Option<Near>> {
        Ok(None)
    }

    fn step(&self, context: &mut Context<'_>, near: &mut Option<Near>) -> Sql<()> {
        if near.is_none() {
            *near = Some(Near::new(asked(context.get_raw(0).as_str()?)?));
        }
        if let Some(near) = near {
            near.take(context.get_raw(1).as_str()?);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, near: Option<Option<Near>>) -> Sql<String> {
        let found = near.flatten().map(Near::finish).unwrap_or_default();
        Ok(super::search::alternatives(
            found.iter().map(|(word, near)| (word.as_str(), near.as_slice())),
        ))
    }
}

/// `search_words(text)`: the words of a text as a search knows them, each followed by a space.
fn search_words(context: &Context<'_>) -> Sql<Option<String>> {
    let Some(text) = context.get_raw(0).as_str_or_null()? else {
        return Ok(None);
    };
    let mut out = String::with_capacity(text.len() + 1);
    for word in words(text) {
        out.push_str(&word);
        out.push(' ');
    }
    Ok(Some(out))
}
