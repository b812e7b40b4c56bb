//! Unique values that change hands inside one batch: who claims one is noted, and judged when the last write is done. It
//! knows no backend; each says who has a value then.

use std::collections::BTreeMap;

use chancery_model::{Key, TableId, Value};

use crate::batch::{Batch, OnReject, Rejection};

/// A value of a unique column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The table.
    pub(crate) table: TableId,
    /// The column.
    pub(crate) column: u16,
    /// The value.
    pub(crate) value: Value,
}

/// The values that more than one record claims in the course of a batch.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    contested: BTreeMap<Place, Vec<Claim>>,
}

#[derive(Debug)]
struct Claim {
    key: Key,
    /// The write that claims it; none for who had it first.
    write: Option<usize>,
}

impl Claims {
    /// For a batch; none if each of its writes is judged where it stands.
    pub(crate) fn of(batch: &Batch) -> Option<Claims> {
        let together = batch.on_reject == OnReject::Abort && batch.writes.len() > 1;
        together.then(Claims::default)
    }

    /// Whether nothing is contested.
    pub(crate) fn is_empty(&self) -> bool {
        self.contested.is_empty()
    }

    /// A write gives a record a value that it did not have; somebody else may have it.
    pub(crate) fn take(&mut self, place: Place, holder: Option<&Key>, key: &Key, write: usize) {
        let claim = Claim {
            key: key.clone(),
            write: Some(write),
        };
        if let Some(claims) = self.contested.get_mut(&place) {
            claims.push(claim);
        } else if let Some(holder) = holder {
            let first = Claim {
                key: holder.clone(),
                write: None,
            };
            self.contested.insert(place, vec![first, claim]);
        }
    }

    /// Judges by what is left, and forgets: of several records that have a value the one that claimed it first keeps it,
    /// and the writes of the others are refused. `has` says who has a value.
    pub(crate) fn settle<E>(
        &mut self,
        mut has: impl FnMut(&Place, &Key) -> Result<bool, E>,
    ) -> Result<Vec<(usize, Rejection)>, E> {
        let mut refused: BTreeMap<usize, (u16, Key)> = BTreeMap::new();
        for (place, claims) in std::mem::take(&mut self.contested) {
            let mut keeper: Option<&Key> = None;
            for (index, claim) in claims.iter().enumerate() {
                // Who gave it up and claims it again, claims it later.
                let again = claims[index + 1..].iter().any(|later| later.key == claim.key);
                if again || !has(&place, &claim.key)? {
                    continue;
                }
                match (keeper, claim.write) {
                    (Some(keeper), Some(write)) => {
                        // Of several columns the first is told, and they come in order.
                        refused
                            .entry(write)
                            .or_insert_with(|| (place.column, keeper.clone()));
                    }
                    _ => keeper = Some(&claim.key),
                }
            }
        }
        let refused = refused.into_iter();
        Ok(refused
            .map(|(write, (column, holder))| {
                let holder = Some(holder);
                (write, Rejection::UniqueTaken { column, holder })
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(value: &str) -> Place {
        Place {
            table: TableId(1),
            column: 0,
            value: Value::text(value),
        }
    }

    /// Settles claims on `a` where these keys have it.
    fn settled(claims: &mut Claims, having: &[i64]) -> Vec<(usize, Rejection)> {
        let has = |_: &Place, key: &Key| Ok::<bool, ()>(having.iter().any(|other| Key::Int(*other) == *key));
        claims.settle(has).unwrap()
    }

    fn taken(holder: i64) -> Rejection {
        Rejection::UniqueTaken {
            column: 0,
            holder: Some(Key::Int(holder)),
        }
    }

    #[test]
    fn who_claimed_first_and_still_has_it_keeps_it() {
        let claims = || {
            let mut claims = Claims::default();
            claims.take(place("free"), None, &Key::Int(9), 0);
            claims.take(place("a"), Some(&Key::Int(1)), &Key::Int(2), 3);
            claims.take(place("a"), None, &Key::Int(3), 4);
            claims
        };
        assert_eq!(settled(&mut claims(), &[2]), []);
        assert_eq!(settled(&mut claims(), &[1]), []);
        assert_eq!(settled(&mut claims(), &[]), []);
        assert_eq!(settled(&mut claims(), &[1, 2]), [(3, taken(1))]);
        assert_eq!(settled(&mut claims(), &[2, 3]), [(4, taken(2))]);
        assert_eq!(settled(&mut claims(), &[1, 2, 3]), [(3, taken(1)), (4, taken(1))]);
        let mut again = claims();
        again.take(place("a"), Some(&Key::Int(2)), &Key::Int(1), 5);
        assert_eq!(settled(&mut again, &[1, 2]), [(5, taken(2))]);
        assert!(again.is_empty());
    }
}
