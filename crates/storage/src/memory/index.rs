//! A secondary index: from the values of one or several fields to the live records that have them.
//! It does not decide what may be written; it only tells who has a value.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;

use chancery_model::filter::FieldRef;
use chancery_model::{Key, Record, Value};
use rust_decimal::prelude::ToPrimitive;

use super::ordered::{OrderedMap, Place};
use super::slots::{Slot, Slots};

/// An index of a table's live records.
#[derive(Debug)]
pub(crate) struct Index {
    /// The fields, in order.
    pub(crate) fields: Vec<FieldRef>,
    /// What it is for.
    pub(crate) kind: IndexKind,
    /// Who has which values.
    pub(crate) entries: OrderedMap<Tuple, Holders>,
}

/// What an index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// Finding and sorting.
    Plain,
    /// That no two live records have one value of its one column, null aside.
    Unique,
    /// Finding where most records have no value: leaves out those whose one field is null.
    Sparse,
}

/// Where a record's values are in an index or would go; none if the index leaves it out.
pub(crate) type Found = Option<Result<Place, Place>>;

/// The indexed values of a record.
#[derive(Clone, Debug)]
pub(crate) struct Tuple {
    /// Of the first value.
    head: Head,
    values: Values,
}

#[derive(Clone, Debug)]
enum Values {
    /// Of one column: the common case, kept without another allocation.
    One(Value),
    /// Of several.
    Many(Box<[Value]>),
}

/// The beginning of a value as numbers: of two values the lesser never has the greater head, so that most comparisons
/// end here and need not follow a pointer to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head(u64, u64);

/// The records that have the same values, in key order.
#[derive(Debug)]
pub(crate) enum Holders {
    /// One.
    One(Slot),
    /// Several, or several once.
    Many(Box<OrderedMap<Key, Slot>>),
}

impl Head {
    fn of(value: &Value) -> Head {
        let float = |number: f64| {
            let bits = (number + 0.0).to_bits();
            if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
        };
        match value {
            Value::Null => Head(0, 0),
            Value::Bool(bool) => Head(1, u64::from(*bool)),
            Value::Int(int) => Head(2, float(*int as f64)),
            // The whole part: what is behind the point differs between the kinds of numbers by its rounding.
            Value::Float(number) => Head(2, float(number.trunc())),
            Value::Decimal(decimal) => Head(2, float(decimal.trunc().to_i128().unwrap_or_default() as f64)),
            Value::Text(text) => {
                let mut bytes = [0; 16];
                let taken = text.len().min(15);
                bytes[0] = 3;
                bytes[1..=taken].copy_from_slice(&text.as_bytes()[..taken]);
                let [high, low] =
                    [0, 8].map(|at| u64::from_be_bytes(std::array::from_fn(|byte| bytes[at + byte])));
                Head(high, low)
            }
            Value::List(_) | Value::Json(_) => Head(u64::MAX, 0),
        }
    }
}

impl Tuple {
    /// The values, one for each column.
    pub(crate) fn values(&self) -> &[Value] {
        match &self.values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }

    /// The order of this and other values, as far as there are others.
    fn compare(&self, head: Head, values: impl Iterator<Item = impl Borrow<Value>>) -> Ordering {
        self.head.cmp(&head).then_with(|| {
            let pairs = self
                .values()
                .iter()
                .zip(values)
                .map(|(value, other)| value.cmp(other.borrow()));
            pairs
                .into_iter()
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    }
}

impl Holders {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Holders::One(_) => 1,
            Holders::Many(holders) => holders.len(),
        }
    }

    /// The one with the least key.
    pub(crate) fn first(&self) -> Option<Slot> {
        match self {
            Holders::One(slot) => Some(*slot),
            Holders::Many(holders) => holders.iter().next().map(|(_, slot)| *slot),
        }
    }

    /// All, in key order or against it.
    pub(crate) fn walk(&self, ascending: bool) -> Box<dyn Iterator<Item = Slot> + '_> {
        match self {
            Holders::One(slot) => Box::new(std::iter::once(*slot)),
            Holders::Many(holders) if ascending => Box::new(holders.iter().map(|(_, slot)| *slot)),
            Holders::Many(holders) => Box::new(holders.iter().rev().map(|(_, slot)| *slot)),
        }
    }

    /// All after a key, in key order; or all before it, against it.
    pub(crate) fn walk_past(
        &self,
        key: &Key,
        ascending: bool,
        slots: &Slots,
    ) -> Box<dyn Iterator<Item = Slot> + '_> {
        match self {
            Holders::One(slot) => {
                let other = &slots.get(*slot).key;
                let past = if ascending { other > key } else { other < key };
                Box::new(past.then_some(*slot).into_iter())
            }
            Holders::Many(holders) if ascending => {
                let from = holders.partition(|other| other <= key);
                Box::new(holders.range(from, holders.end()).map(|(_, slot)| *slot))
            }
            Holders::Many(holders) => {
                let to = holders.partition(|other| other < key);
                Box::new(holders.range(holders.start(), to).rev().map(|(_, slot)| *slot))
            }
        }
    }
}

impl Index {
    /// An empty index.
    pub(crate) fn new(fields: Vec<FieldRef>, kind: IndexKind) -> Index {
        Index {
            fields,
            kind,
            entries: OrderedMap::default(),
        }
    }

    /// Where a record's values are or would go.
    pub(crate) fn find(&self, record: &Record) -> Found {
        let first = value(&self.fields[0], record);
        if self.kind == IndexKind::Sparse && first.is_null() {
            return None;
        }
        let head = Head::of(&first);
        let values = || self.fields.iter().map(|field| value(field, record));
        Some(self.entries.find(|tuple| tuple.compare(head, values())))
    }

    /// Who has a record's values at the place where they were found, if that is forbidden to any other.
    pub(crate) fn forbids(&self, record: &Record, found: Found) -> Option<Slot> {
        if self.kind != IndexKind::Unique || value(&self.fields[0], record).is_null() {
            return None;
        }
        let place = found?.ok()?;
        self.entries.at(place).first()
    }

    /// The column of a unique index.
    pub(crate) fn column(&self) -> u16 {
        match self.fields[0] {
            FieldRef::Column(column) => column,
            _ => unreachable!("only columns are unique"),
        }
    }

    /// Whether two records have the same values here.
    pub(crate) fn same(&self, a: &Record, b: &Record) -> bool {
        self.fields
            .iter()
            .all(|field| value(field, a).cmp(&value(field, b)).is_eq())
    }

    /// Enters a live record.
    pub(crate) fn add(&mut self, record: &Record, slot: Slot, slots: &Slots) {
        let found = self.find(record);
        self.add_at(found, record, slot, slots);
    }

    /// Enters a live record where its values were found.
    pub(crate) fn add_at(&mut self, found: Found, record: &Record, slot: Slot, slots: &Slots) {
        let place = match found {
            None => return,
            Some(Err(place)) => {
                return self
                    .entries
                    .insert_at(place, self.tuple(record), Holders::One(slot));
            }
            Some(Ok(place)) => place,
        };
        let holders = self.entries.at_mut(place);
        if let Holders::One(first) = holders {
            let first = *first;
            let mut many = OrderedMap::default();
            enter(&mut many, &slots.get(first).key, first);
            *holders = Holders::Many(Box::new(many));
        }
        if let Holders::Many(many) = holders {
            enter(many, &record.key, slot);
        }
    }

    /// Takes a record out.
    pub(crate) fn remove(&mut self, record: &Record) {
        let Some(Ok(place)) = self.find(record) else {
            return;
        };
        let empty = match self.entries.at_mut(place) {
            Holders::One(_) => true,
            Holders::Many(many) => {
                if let Ok(place) = many.find_key(&record.key) {
                    many.remove_at(place);
                }
                many.len() == 0
            }
        };
        if empty {
            self.entries.remove_at(place);
        }
    }

    /// The places of the entries whose first values are these.
    pub(crate) fn prefix(&self, values: &[&Value]) -> (Place, Place) {
        let head = values.first().map_or(Head(0, 0), |value| Head::of(value));
        let compare = |tuple: &Tuple| tuple.compare(head, values.iter().copied());
        let from = self.entries.partition(|tuple| compare(tuple).is_lt());
        let to = self.entries.partition(|tuple| compare(tuple).is_le());
        (from, to)
    }

    fn tuple(&self, record: &Record) -> Tuple {
        let values = match self.fields.as_slice() {
            [field] => Values::One(value(field, record).into_owned()),
            fields => Values::Many(
                fields
                    .iter()
                    .map(|field| value(field, record).into_owned())
                    .collect(),
            ),
        };
        Tuple {
            head: Head::of(&value(&self.fields[0], record)),
            values,
        }
    }
}

/// The value of a field, columns first: most indexes are of columns.
fn value<'r>(field: &FieldRef, record: &'r Record) -> Cow<'r, Value> {
    match field {
        FieldRef::Column(column) => Cow::Borrowed(record.value(*column)),
        field => record.field(field),
    }
}

fn enter(holders: &mut OrderedMap<Key, Slot>, key: &Key, slot: Slot) {
    match holders.find_key(key) {
        Ok(place) => *holders.at_mut(place) = slot,
        Err(place) => holders.insert_at(place, key.clone(), slot),
    }
}

#[cfg(test)]
mod tests {
    use chancery_model::Json;
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn of_two_values_the_lesser_never_has_the_greater_head() {
        let texts = [
            "",
            "a",
            "ab",
            "b",
            "é",
            "same beginning 1",
            "same beginning 2",
            "日本",
        ];
        let numbers = [
            -1e300,
            -2.5,
            -0.5,
            0.5,
            1.5,
            9_007_199_254_740_992.0,
            9.3e18,
            1e300,
        ];
        let ints = [i64::MIN, -3, -2, 0, 1, 2, 9_007_199_254_740_993, i64::MAX];
        let mut values = vec![
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::List(vec!["a".into()]),
        ];
        values.extend(texts.map(Value::text));
        values.extend(numbers.map(Value::Float));
        values.extend(ints.map(Value::Int));
        values.extend([-199, -5, 0, 5, 150, 199].map(|cents| Value::Decimal(Decimal::new(cents, 2))));
        values.push(Value::Json(Box::new(Json::Array(Vec::new()))));
        for a in &values {
            for b in values.iter().filter(|b| a < *b) {
                assert!(Head::of(a) <= Head::of(b), "{a:?} {b:?}");
            }
        }
    }
}
