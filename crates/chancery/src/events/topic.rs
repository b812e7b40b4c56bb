//! Topics: which events somebody wants. They only match; they read nothing.

use std::fmt;
use std::str::FromStr;

use chancery_model::issue::{Code, Issue, unknown_name};

use super::{Event, EventKind};
use crate::error::Error;

/// The first segment of every topic; `bucket` means the same.
const ROOTS: [&str; 2] = ["table", "bucket"];
/// Longest topic, in bytes.
pub(super) const TOPIC_BYTES_MAX: usize = 200;

/// Which events: `table.tasks.inserted`, with `*` for a segment that may be anything. A `*` at the end stands for all that
/// may follow: `table.tasks.*`, `table.*`, `*`. The slug of a table never holds a dot.
///
/// ```
/// use chancery::Topic;
/// assert!(Topic::parse("bucket.*.inserted").is_ok());
/// assert!(Topic::parse("table.tasks.insertet").unwrap_err().to_string().contains("inserted"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    text: String,
    table: Option<String>,
    kind: Option<EventKind>,
}

impl Topic {
    /// Reads a topic.
    ///
    /// # Errors
    /// [`Error::Query`] if no event could ever have it.
    pub fn parse(text: &str) -> Result<Topic, Error> {
        let wrong = |message: String| {
            let issue = Issue::new("topic", Code::Format, message)
                .with("topic", text.chars().take(100).collect::<String>());
            Error::Query(vec![issue])
        };
        if text.len() > TOPIC_BYTES_MAX {
            return Err(wrong(format!("A topic has at most {TOPIC_BYTES_MAX} bytes")));
        }
        let segments: Vec<&str> = text.split('.').collect();
        let (root, table, kind) = match segments.as_slice() {
            ["*"] => ("*", "*", "*"),
            [root, "*"] => (*root, "*", "*"),
            [root, table, kind] => (*root, *table, *kind),
            _ => {
                let shapes = "write table.SLUG.KIND, with * for what may be anything";
                return Err(wrong(format!("\"{text}\" is no topic: {shapes}")));
            }
        };
        if root != "*" && !ROOTS.contains(&root) {
            return Err(wrong(unknown_name("topic", root, ROOTS)));
        }
        if table.is_empty() {
            return Err(wrong(format!("\"{text}\" names no table")));
        }
        let kind = match kind {
            "*" => None,
            name => Some(named(name).ok_or_else(|| {
                wrong(unknown_name(
                    "kind of event",
                    name,
                    EventKind::ALL.map(EventKind::as_str),
                ))
            })?),
        };
        Ok(Topic {
            text: text.to_owned(),
            table: (table != "*").then(|| table.to_owned()),
            kind,
        })
    }

    /// Whether an event is one of these.
    pub fn matches(&self, event: &Event) -> bool {
        self.kind.is_none_or(|kind| kind == event.kind)
            && self.table.as_ref().is_none_or(|table| *table == event.table.slug)
    }

    /// Whether an event is one of any of these topics; of all if there are none.
    pub fn any(topics: &[Topic], event: &Event) -> bool {
        topics.is_empty() || topics.iter().any(|topic| topic.matches(event))
    }

    /// The topic as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn named(name: &str) -> Option<EventKind> {
    EventKind::ALL.into_iter().find(|kind| kind.as_str() == name)
}

impl FromStr for Topic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Topic, Error> {
        Topic::parse(text)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_read_or_refused_with_what_may_have_been_meant() {
        let read = |text: &str| Topic::parse(text).map(|topic| (topic.table, topic.kind));
        let some = |table: &str| Some(table.to_owned());
        assert_eq!(read("*").unwrap(), (None, None));
        assert_eq!(read("table.*").unwrap(), (None, None));
        assert_eq!(read("bucket.*.*").unwrap(), (None, None));
        assert_eq!(read("*.tasks.*").unwrap(), (some("tasks"), None));
        assert_eq!(read("table.tasks.*").unwrap(), (some("tasks"), None));
        let inserted = Some(EventKind::Inserted);
        assert_eq!(read("bucket.*.inserted").unwrap(), (None, inserted));
        assert_eq!(read("table.tasks.inserted").unwrap(), (some("tasks"), inserted));
        for (text, says) in [
            ("", "is no topic"),
            ("table", "is no topic"),
            ("table.tasks", "is no topic"),
            ("table.my.tasks.inserted", "is no topic"),
            ("table..inserted", "names no table"),
            ("tabel.tasks.*", "did you mean \"table\"?"),
            ("table.tasks.insert", "did you mean \"inserted\"?"),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(says), "{text}: {refused}");
        }
    }
}
