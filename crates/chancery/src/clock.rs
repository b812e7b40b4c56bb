//! Where the time comes from: the system, unless whoever opens the store brings another clock. Orders nothing: revisions do.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in ms since 1970. It may step back: what has expired by it may be there again, and nothing else changes.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> i64 + Send + Sync>>);

impl Clock {
    /// A clock that is asked for the time, in ms since 1970.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{Clock, OpenOptions, Store, json};
    ///
    /// let options = OpenOptions { clock: Clock::of(|| 1_000), ..OpenOptions::default() };
    /// let store = Store::open_with("memory:", options).await?;
    /// let notes = store.define_bucket("notes", &json!({"key": "id", "schema": {"id": {"type": "string"}}})).await?;
    /// assert_eq!(notes.insert(json!({"id": "a"})).await?.created_at(), 1_000);
    /// # Ok(()) }
    /// ```
    pub fn of(tell: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Some(Arc::new(tell)))
    }

    /// The time.
    pub(crate) fn now(&self) -> i64 {
        match &self.0 {
            Some(tell) => tell(),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                since.as_millis() as i64
            }
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() {
            "Clock(given)"
        } else {
            "Clock(system)"
        })
    }
}
