//! What the server's things should do, each as one caller would see it: a versioned record, a unique name, two accounts that a
//! transaction changes together. No times and no server.

use super::search::Model;

/// A record with a version and a value.
pub(super) struct Register {
    /// Its value when it was made, at version 1.
    pub(super) value: i64,
}

/// What is asked of a [`Register`].
#[derive(Clone, Debug)]
pub(super) enum RegisterUse {
    /// It was read: version and value.
    Read { version: u64, value: i64 },
    /// It is written if it is at a version; what became of that, if it is known.
    Set {
        expected: u64,
        value: i64,
        done: Option<Set>,
    },
    /// It is written whatever it is; the version after it, if it is known.
    Write { value: i64, version: Option<u64> },
}

/// What became of a write at a version.
#[derive(Clone, Debug)]
pub(super) enum Set {
    /// Done; it is at the next version.
    Done,
    /// Refused; it is at this version.
    At(u64),
}

impl Model for Register {
    type State = (u64, i64);
    type Operation = RegisterUse;

    fn first(&self) -> (u64, i64) {
        (1, self.value)
    }

    fn after(&self, state: &(u64, i64), operation: &RegisterUse) -> Option<(u64, i64)> {
        let (now, _) = *state;
        match operation {
            RegisterUse::Read { version, value } => (*state == (*version, *value)).then_some(*state),
            RegisterUse::Set {
                expected,
                done: Some(Set::At(found)),
                ..
            } => (now == *found && now != *expected).then_some(*state),
            RegisterUse::Set { expected, value, .. } => (now == *expected).then_some((now + 1, *value)),
            RegisterUse::Write { value, version } => {
                let fits = version.is_none_or(|version| version == now + 1);
                fits.then_some((now + 1, *value))
            }
        }
    }
}

/// A name that at most one record has.
pub(super) struct Name;

/// What is asked of a [`Name`]. Each caller that wants it brings a tag nobody else has.
#[derive(Clone, Debug)]
pub(super) enum NameUse {
    /// A record with it is made; whether it was, if that is known.
    Take { tag: u64, done: Option<bool> },
    /// The record with this tag is deleted; whether it was there, if that is known.
    Leave { tag: u64, done: Option<bool> },
    /// Who has it.
    Look(Option<u64>),
}

impl Model for Name {
    type State = Option<u64>;
    type Operation = NameUse;

    fn first(&self) -> Option<u64> {
        None
    }

    fn after(&self, holder: &Option<u64>, operation: &NameUse) -> Option<Option<u64>> {
        match operation {
            NameUse::Take {
                done: Some(false), ..
            } => holder.is_some().then_some(*holder),
            NameUse::Take { tag, .. } => holder.is_none().then_some(Some(*tag)),
            NameUse::Leave {
                tag,
                done: Some(false),
            } => (*holder != Some(*tag)).then_some(*holder),
            NameUse::Leave { tag, .. } => (*holder == Some(*tag)).then_some(None),
            NameUse::Look(seen) => (holder == seen).then_some(*holder),
        }
    }
}

/// Two records in two tables: each a version and a value.
pub(super) struct Accounts {
    /// Their values when they were made, at version 1.
    pub(super) values: (i64, i64),
}

/// Versions and values of both.
pub(super) type Both = [(u64, i64); 2];

/// What is asked of [`Accounts`].
#[derive(Clone, Debug)]
pub(super) enum AccountsUse {
    /// Both were read in one transaction.
    Read(Both),
    /// Both are written in one transaction if they are at these versions; whether they were, if that is known.
    Transfer {
        expected: [u64; 2],
        values: [i64; 2],
        done: Option<bool>,
    },
    /// One is written in a transaction, its value kept, if both are at these versions: what is only looked at counts as well.
    Lean {
        expected: [u64; 2],
        written: usize,
        done: Option<bool>,
    },
}

impl AccountsUse {
    /// The versions at which both are seen or have to be.
    fn versions(&self) -> [u64; 2] {
        match self {
            AccountsUse::Read(both) => [both[0].0, both[1].0],
            AccountsUse::Transfer { expected, .. } | AccountsUse::Lean { expected, .. } => *expected,
        }
    }

    /// Whether it writes and nobody knows whether it did.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            AccountsUse::Read(_) => false,
            AccountsUse::Transfer { done, .. } | AccountsUse::Lean { done, .. } => done.is_none(),
        }
    }
}

impl Model for Accounts {
    type State = Both;
    type Operation = AccountsUse;

    fn first(&self) -> Both {
        [(1, self.values.0), (1, self.values.1)]
    }

    fn after(&self, state: &Both, operation: &AccountsUse) -> Option<Both> {
        let fits = [state[0].0, state[1].0] == operation.versions();
        match operation {
            AccountsUse::Read(seen) => (seen == state).then_some(*state),
            AccountsUse::Transfer {
                done: Some(false), ..
            }
            | AccountsUse::Lean {
                done: Some(false), ..
            } => (!fits).then_some(*state),
            AccountsUse::Transfer { expected, values, .. } => {
                fits.then_some([(expected[0] + 1, values[0]), (expected[1] + 1, values[1])])
            }
            AccountsUse::Lean { written, .. } => fits.then(|| {
                let mut after = *state;
                after[*written].0 += 1;
                after
            }),
        }
    }
}

/// A transaction over the accounts that was answered, at its revision.
#[derive(Clone, Debug)]
pub(super) struct AtRevision {
    pub(super) revision: u64,
    pub(super) what: AccountsUse,
}

/// Rebuilds the accounts in the order of revisions, and looks whether each answer is what stands there. Writes of which nobody
/// knows whether they were done, `unknown`, may stand in between: what the accounts may be is followed in every way.
pub(super) fn check_revisions(
    model: &Accounts,
    answers: &[AtRevision],
    unknown: &[AccountsUse],
) -> Result<(), String> {
    let mut answers: Vec<&AtRevision> = answers.iter().collect();
    // A read at a revision sees what the commit of that revision left.
    answers.sort_by_key(|answer| (answer.revision, matches!(answer.what, AccountsUse::Read(_))));
    let mut states = vec![model.first()];
    let mut written_at = 0;
    for AtRevision { revision, what } in answers {
        if !matches!(what, AccountsUse::Read(_)) {
            if *revision == written_at {
                return Err(format!("revision {revision} was given twice"));
            }
            written_at = *revision;
        }
        let reached = reached(model, states.clone(), what.versions(), unknown);
        let mut after: Vec<Both> = Vec::new();
        for state in reached.iter().filter_map(|state| model.after(state, what)) {
            if !after.contains(&state) {
                after.push(state);
            }
        }
        if after.is_empty() {
            return Err(format!(
                "at revision {revision}: {what:?}, but there stands {states:?}"
            ));
        }
        states = after;
    }
    Ok(())
}

/// What stands at these versions if unknown writes were done in between.
fn reached(model: &Accounts, from: Vec<Both>, wanted: [u64; 2], unknown: &[AccountsUse]) -> Vec<Both> {
    let (mut open, mut found) = (from, Vec::new());
    while let Some(state) = open.pop() {
        let versions = [state[0].0, state[1].0];
        if versions == wanted {
            found.push(state);
        } else if versions[0] <= wanted[0] && versions[1] <= wanted[1] {
            open.extend(unknown.iter().filter_map(|write| model.after(&state, write)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::search::{Timed, check};
    use super::*;

    /// One after the other, all answered.
    fn in_order<O>(operations: impl IntoIterator<Item = O>) -> Vec<Timed<O>> {
        let timed = |(at, operation): (u64, O)| Timed {
            asked: at * 2,
            answered: Some(at * 2 + 1),
            operation,
        };
        (0..).zip(operations).map(timed).collect()
    }

    #[test]
    fn two_writes_at_one_version_are_refused() {
        let set = |value| RegisterUse::Set {
            expected: 1,
            value,
            done: Some(Set::Done),
        };
        let model = Register { value: 0 };
        assert!(check(&model, &in_order([set(1)])).is_ok());
        assert!(check(&model, &in_order([set(1), set(2)])).is_err());
        let refused = RegisterUse::Set {
            expected: 1,
            value: 2,
            done: Some(Set::At(2)),
        };
        assert!(check(&model, &in_order([set(1), refused.clone()])).is_ok());
        assert!(check(&model, &in_order([refused, set(1)])).is_err());
    }

    #[test]
    fn a_lost_write_is_refused() {
        let write = |value, version| RegisterUse::Write {
            value,
            version: Some(version),
        };
        let read = |version, value| RegisterUse::Read { version, value };
        let model = Register { value: 0 };
        assert!(check(&model, &in_order([write(5, 2), write(6, 3), read(3, 6)])).is_ok());
        assert!(check(&model, &in_order([write(5, 2), write(6, 2)])).is_err());
        assert!(check(&model, &in_order([write(5, 2), read(1, 0)])).is_err());
    }

    #[test]
    fn a_name_that_two_have_is_refused() {
        let take = |tag, done| NameUse::Take {
            tag,
            done: Some(done),
        };
        let leave = |tag| NameUse::Leave {
            tag,
            done: Some(true),
        };
        assert!(check(&Name, &in_order([take(1, true), leave(1), take(2, true)])).is_ok());
        assert!(check(&Name, &in_order([take(1, true), take(2, true)])).is_err());
        assert!(check(&Name, &in_order([take(1, false)])).is_err());
        assert!(check(&Name, &in_order([take(1, true), NameUse::Look(None)])).is_err());
    }

    #[test]
    fn a_torn_read_and_a_write_over_another_are_refused() {
        let transfer = |expected, values| AccountsUse::Transfer {
            expected,
            values,
            done: Some(true),
        };
        let model = Accounts { values: (10, 0) };
        let good = [transfer([1, 1], [7, 3]), AccountsUse::Read([(2, 7), (2, 3)])];
        assert!(check(&model, &in_order(good)).is_ok());
        let torn = [transfer([1, 1], [7, 3]), AccountsUse::Read([(2, 7), (1, 0)])];
        assert!(check(&model, &in_order(torn)).is_err());
        let twice = [transfer([1, 1], [7, 3]), transfer([1, 1], [5, 5])];
        assert!(check(&model, &in_order(twice)).is_err());
    }

    #[test]
    fn write_skew_is_refused() {
        let lean = |written, expected| AccountsUse::Lean {
            expected,
            written,
            done: Some(true),
        };
        let model = Accounts { values: (10, 0) };
        assert!(check(&model, &in_order([lean(0, [1, 1]), lean(1, [2, 1])])).is_ok());
        // Each looked at the other's and wrote its own: one of them saw what was not so any more.
        assert!(check(&model, &in_order([lean(0, [1, 1]), lean(1, [1, 1])])).is_err());
        let at_once = [lean(0, [1, 1]), lean(1, [1, 1])].map(|operation| Timed {
            asked: 0,
            answered: Some(9),
            operation,
        });
        assert!(check(&model, &at_once).is_err());
        let answers = [(5, lean(0, [1, 1])), (6, lean(1, [1, 1]))];
        let answers = answers.map(|(revision, what)| AtRevision { revision, what });
        assert!(check_revisions(&model, &answers, &[]).is_err());
    }

    #[test]
    fn answers_that_do_not_fit_their_revisions_are_refused() {
        let transfer = |revision, expected, values| AtRevision {
            revision,
            what: AccountsUse::Transfer {
                expected,
                values,
                done: Some(true),
            },
        };
        let read = |revision, both| AtRevision {
            revision,
            what: AccountsUse::Read(both),
        };
        let model = Accounts { values: (10, 0) };
        let judged =
            |answers: &[AtRevision], unknown: &[AccountsUse]| check_revisions(&model, answers, unknown);
        let one = transfer(5, [1, 1], [7, 3]);
        assert!(
            judged(
                &[read(5, [(2, 7), (2, 3)]), one.clone(), read(4, [(1, 10), (1, 0)])],
                &[]
            )
            .is_ok()
        );
        // It shows what came later.
        assert!(judged(&[one.clone(), read(4, [(2, 7), (2, 3)])], &[]).is_err());
        // Revisions and versions disagree.
        assert!(judged(&[one.clone(), transfer(3, [2, 2], [5, 5])], &[]).is_err());
        // A hole is filled by a transfer without an answer, and by nothing else.
        let later = transfer(9, [3, 3], [1, 9]);
        assert!(judged(&[one.clone(), later.clone()], &[]).is_err());
        let unknown = |expected| AccountsUse::Transfer {
            expected,
            values: [4, 6],
            done: None,
        };
        let leaning = |expected, written| AccountsUse::Lean {
            expected,
            written,
            done: None,
        };
        assert!(judged(&[one.clone(), later.clone()], &[unknown([2, 2])]).is_ok());
        assert!(judged(&[one.clone(), later], &[leaning([2, 3], 0), leaning([2, 2], 1)]).is_ok());
        assert!(judged(&[one, read(9, [(3, 0), (3, 10)])], &[unknown([2, 2])]).is_err());
    }
}
