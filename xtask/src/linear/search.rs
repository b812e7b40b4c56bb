//! Whether a history is linearisable: the search of Wing and Gong with Lowe's memory of what was tried. Knows no server.
//!
//! A history is linearisable if its operations can be put in one order that a model accepts and in which an operation that was
//! answered before another was asked comes before it. An operation without an answer may come anywhere after it was asked, or
//! never.

use std::collections::HashSet;
use std::hash::Hash;

/// What a thing should do when it is used by one caller at a time.
pub(super) trait Model {
    /// What it holds.
    type State: Clone + Eq + Hash;
    /// What is asked of it, and what it answered if it did.
    type Operation;

    /// What it holds at first.
    fn first(&self) -> Self::State;

    /// What it holds after an operation; none if the operation cannot have had its answer then. An operation without an
    /// answer fits if it can have been done.
    fn after(&self, state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;
}

/// One operation with its times, which rise.
#[derive(Clone, Debug)]
pub(super) struct Timed<O> {
    /// When it was asked.
    pub(super) asked: u64,
    /// When it was answered; none if it never was.
    pub(super) answered: Option<u64>,
    pub(super) operation: O,
}

/// Most states that are looked at before the search gives up, which counts as a failure.
const STATES_MAX: usize = 5_000_000;

/// Whether a history is linearisable; if not, how many of its answered operations fit at most.
pub(super) fn check<M: Model>(model: &M, history: &[Timed<M::Operation>]) -> Result<(), String> {
    let mut order: Vec<&Timed<M::Operation>> = history.iter().collect();
    order.sort_by_key(|timed| timed.asked);
    let answered = order.iter().filter(|timed| timed.answered.is_some()).count();
    let mut seen: HashSet<(Done, M::State)> = HashSet::new();
    let mut stack = vec![(Done::none(order.len()), model.first(), 0_usize)];
    let mut most = 0;
    while let Some((done, state, fitted)) = stack.pop() {
        most = most.max(fitted);
        if fitted == answered {
            return Ok(());
        }
        if seen.len() >= STATES_MAX {
            return Err(format!("undecided after {STATES_MAX} states"));
        }
        // Nothing that was asked after this could come next: another was answered before.
        let open = || order.iter().enumerate().filter(|(at, _)| !done.has(*at));
        let until = open()
            .filter_map(|(_, timed)| timed.answered)
            .min()
            .unwrap_or(u64::MAX);
        for (at, timed) in open().take_while(|(_, timed)| timed.asked <= until) {
            let Some(next) = model.after(&state, &timed.operation) else {
                continue;
            };
            let next = (done.with(at), next);
            if seen.insert(next.clone()) {
                stack.push((next.0, next.1, fitted + usize::from(timed.answered.is_some())));
            }
        }
    }
    Err(format!("{most} of {answered} answers fit in one order"))
}

/// Which operations are done already.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Box<[u64]>);

impl Done {
    fn none(operations: usize) -> Done {
        Done(vec![0; operations.div_ceil(64)].into())
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn with(&self, at: usize) -> Done {
        let mut more = self.clone();
        more.0[at / 64] |= 1 << (at % 64);
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell that is written and read.
    struct Cell;

    #[derive(Clone, Debug)]
    enum Use {
        Write(u8),
        Read(u8),
    }
    use Use::{Read, Write};

    impl Model for Cell {
        type State = u8;
        type Operation = Use;

        fn first(&self) -> u8 {
            0
        }

        fn after(&self, state: &u8, operation: &Use) -> Option<u8> {
            match operation {
                Write(value) => Some(*value),
                Read(value) => (value == state).then_some(*value),
            }
        }
    }

    fn judged(history: &[(u64, Option<u64>, Use)]) -> bool {
        let timed = |(asked, answered, operation): &(u64, Option<u64>, Use)| Timed {
            asked: *asked,
            answered: *answered,
            operation: operation.clone(),
        };
        check(&Cell, &history.iter().map(timed).collect::<Vec<_>>()).is_ok()
    }

    #[test]
    fn good_histories_are_accepted() {
        let one_after_the_other = [(0, Some(1), Write(1)), (2, Some(3), Read(1))];
        assert!(judged(&one_after_the_other));
        let beside = [
            (0, Some(9), Write(1)),
            (1, Some(2), Read(0)),
            (3, Some(4), Read(1)),
        ];
        assert!(judged(&beside));
        let unanswered_and_done = [(0, None, Write(1)), (5, Some(6), Read(0)), (7, Some(8), Read(1))];
        assert!(judged(&unanswered_and_done));
        let unanswered_and_never_done = [(0, None, Write(1)), (5, Some(6), Read(0))];
        assert!(judged(&unanswered_and_never_done));
    }

    #[test]
    fn a_stale_read_is_refused() {
        assert!(!judged(&[(0, Some(1), Write(1)), (2, Some(3), Read(0))]));
    }

    #[test]
    fn a_value_that_goes_back_is_refused() {
        let back = [
            (0, Some(20), Write(1)),
            (1, Some(2), Read(1)),
            (3, Some(4), Read(0)),
        ];
        assert!(!judged(&back));
    }

    #[test]
    fn a_value_from_the_future_or_from_nowhere_is_refused() {
        assert!(!judged(&[(0, Some(1), Read(1)), (2, Some(3), Write(1))]));
        assert!(!judged(&[(0, Some(1), Write(1)), (2, Some(3), Read(7))]));
        assert!(!judged(&[(0, Some(1), Read(1)), (2, None, Write(1))]));
    }

    #[test]
    fn two_readers_that_disagree_about_the_order_of_writes_are_refused() {
        let disagree = [
            (0, Some(100), Write(1)),
            (0, Some(100), Write(2)),
            (10, Some(11), Read(1)),
            (12, Some(13), Read(2)),
            (14, Some(15), Read(1)),
        ];
        assert!(!judged(&disagree));
    }
}
