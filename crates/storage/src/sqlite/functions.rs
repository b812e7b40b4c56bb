//! SQL functions for what SQL cannot say the way the model does: folding, patterns, words, undeclared fields.
//! They read no tables.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chancery_model::Value;
use chancery_model::filter::{Test, contains_folded};
use chancery_model::query::plan::words;
use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

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
    connection.create_scalar_function("search_words", 1, flags, search_words)
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
