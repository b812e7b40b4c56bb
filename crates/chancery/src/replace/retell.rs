//! The log as if the new column had always been there: what a change told of the old one, it tells of the new one.

use chancery_model::change::Change;
use chancery_model::{Issue, Value};

use super::Pair;
use crate::handle::TableHandle;

impl Pair<'_> {
    /// Whether a change tells of one of the two.
    pub(super) fn is_in(&self, change: &Change) -> bool {
        let either = [self.old.ordinal, self.new.ordinal];
        change.before.iter().any(|(ordinal, _)| either.contains(ordinal))
    }

    /// Lets a change tell of the new column what it told of the old one; one that the job made itself, of neither.
    ///
    /// # Errors
    /// Why a value cannot be told; it is forgotten then.
    pub(super) fn retell(&self, handle: &TableHandle, change: &mut Change, ours: bool) -> Result<(), Issue> {
        let (old, new) = (self.old.ordinal, self.new.ordinal);
        let take = |change: &mut Change, which: u16| {
            let at = change.before.iter().position(|(ordinal, _)| *ordinal == which)?;
            Some(change.before.remove(at).1)
        };
        let told = take(change, old);
        if ours {
            take(change, new);
            return Ok(());
        }
        let Some(value) = told else {
            return Ok(());
        };
        // A record that went had both, filled or not.
        let filled = take(change, new).filter(|value| change.kind.removes() && !value.is_null());
        let kept_value = self.retypes().then(|| value.clone());
        let value = match (filled, &change.key) {
            (Some(value), _) => Ok(value),
            (None, Some(key)) => {
                let kept = |ordinal: u16| {
                    let other = change.before.iter().find(|(of, _)| *of == ordinal);
                    other.map(|(_, value)| value.clone()).unwrap_or_default()
                };
                self.converted(handle, key, &value, &kept)
            }
            (None, None) => Ok(Value::Null),
        };
        let (value, told) = match value {
            Ok(value) => (value, Ok(())),
            Err(issue) => (Value::Null, Err(issue)),
        };
        change.before.push((new, value));
        if let Some(old_value) = kept_value {
            change.before.push((old, old_value));
        }
        told
    }
}
