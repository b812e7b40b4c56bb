//! Answers to whole questions, in this process: under which state of the table they hold, and for how long if nothing is
//! written. It asks no backend.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Duration;

use chancery_model::TableId;
use hashbrown::DefaultHashBuilder;
use moka::sync::Cache;
use parking_lot::Mutex;

use super::question::{Answer, Question};
use super::weight;

/// An answer larger than this is not held, in bytes of memory.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// An answer larger than one part in this of the whole cache is not held either.
const ANSWERS_MIN: u64 = 8;
/// Questions that are known to take long.
const SLOW_QUESTIONS_MAX: u64 = 16_384;
/// Tables of which it is known when their next record expires.
const SPANS_MAX: usize = 4_096;

/// The times, in ms, between which no record of a table expires: until then an answer stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// From here.
    pub(super) from: i64,
    /// Until here, itself excluded.
    pub(super) until: i64,
}

impl Span {
    /// Whether a time is in it.
    pub(super) fn contains(self, now: i64) -> bool {
        self.from <= now && now < self.until
    }
}

/// An answer, and when it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    /// The state of the table.
    pub(super) state: u128,
    /// The time.
    pub(super) span: Span,
    /// The answer.
    pub(super) answer: Answer,
}

/// The answers that are held.
#[derive(Debug)]
pub(super) struct Answers {
    held: Cache<Question, Held, DefaultHashBuilder>,
    answer_bytes_max: usize,
    /// Questions whose answers took long to make, by hash: one too many is asked for no harm.
    slow: Cache<u64, ()>,
    hasher: DefaultHashBuilder,
    spans: Mutex<HashMap<TableId, (u128, Span)>>,
    worth: Duration,
}

impl Answers {
    /// Holds as many bytes of answers that took as long as `worth` to make.
    pub(super) fn new(bytes: u64, worth: Duration) -> Answers {
        let weight = |question: &Question, held: &Held| {
            weight::entry(question.text.len() + size_of::<Held>() + held.answer.bytes())
        };
        let share = usize::try_from(bytes / ANSWERS_MIN).unwrap_or(usize::MAX);
        Answers {
            held: Cache::builder()
                .max_capacity(bytes)
                .weigher(weight)
                .build_with_hasher(DefaultHashBuilder::default()),
            answer_bytes_max: share.min(ANSWER_BYTES_MAX),
            slow: Cache::new(SLOW_QUESTIONS_MAX),
            hasher: DefaultHashBuilder::default(),
            spans: Mutex::default(),
            worth,
        }
    }

    /// Whether a question is known to take so long that its answer is worth a place, and worth asking where it stands.
    pub(super) fn is_worth(&self, question: &Question) -> bool {
        self.worth.is_zero() || self.slow.contains_key(&self.hasher.hash_one(question))
    }

    /// Remembers how long a question took; answers whether it is worth a place.
    pub(super) fn took(&self, question: &Question, time: Duration) -> bool {
        let (hash, slow) = (self.hasher.hash_one(question), time >= self.worth);
        match slow {
            true => self.slow.insert(hash, ()),
            false => self.slow.invalidate(&hash),
        }
        slow
    }

    /// The answer to a question, if it is held for this state and time.
    pub(super) fn find(&self, question: &Question, state: u128, now: i64) -> Option<Answer> {
        let held = self.held.get(question)?;
        (held.state == state && held.span.contains(now)).then_some(held.answer)
    }

    /// Holds an answer, unless it is too large.
    pub(super) fn hold(&self, question: Question, held: Held) {
        if held.answer.bytes() <= self.answer_bytes_max {
            self.held.insert(question, held);
        }
    }

    /// The span around a time, if it is known for this state of the table.
    pub(super) fn span(&self, table: TableId, state: u128, now: i64) -> Option<Span> {
        let spans = self.spans.lock();
        let (known, span) = spans.get(&table)?;
        (*known == state && span.contains(now)).then_some(*span)
    }

    /// Remembers a span.
    pub(super) fn note_span(&self, table: TableId, state: u128, span: Span) {
        let mut spans = self.spans.lock();
        if spans.len() >= SPANS_MAX {
            spans.clear();
        }
        spans.insert(table, (state, span));
    }

    /// How many answers are held, and their bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.held.run_pending_tasks();
        (self.held.entry_count(), self.held.weighted_size())
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.held.invalidate_all();
        self.slow.invalidate_all();
        self.spans.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str) -> Question {
        Question {
            table: TableId(1),
            text: text.into(),
        }
    }

    fn held(state: u128) -> Held {
        Held {
            state,
            span: Span { from: 10, until: 20 },
            answer: Answer::Count(3),
        }
    }

    #[test]
    fn an_answer_is_given_only_for_its_state_and_time() {
        let answers = Answers::new(1 << 20, Duration::ZERO);
        answers.hold(question("a"), held(1));
        let found = |text, state, now| answers.find(&question(text), state, now).is_some();
        assert!(found("a", 1, 10) && found("a", 1, 19));
        assert!(!found("a", 1, 9) && !found("a", 1, 20) && !found("a", 2, 10) && !found("b", 1, 10));
    }

    #[test]
    fn a_question_is_worth_a_place_once_it_took_long() {
        let answers = Answers::new(1 << 20, Duration::from_millis(1));
        let asked = question("a");
        assert!(!answers.is_worth(&asked));
        assert!(!answers.took(&asked, Duration::from_micros(999)));
        assert!(!answers.is_worth(&asked));
        assert!(answers.took(&asked, Duration::from_millis(1)));
        assert!(answers.is_worth(&asked));
        assert!(!answers.took(&asked, Duration::ZERO));
        assert!(!answers.is_worth(&asked), "it became quick");
    }

    #[test]
    fn nothing_is_held_where_nothing_fits() {
        let answers = Answers::new(0, Duration::ZERO);
        answers.hold(question("a"), held(1));
        assert_eq!(answers.size(), (0, 0));
    }
}
