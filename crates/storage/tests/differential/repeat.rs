//! Questions that were put before, put again: what a cache holds must be what memory says now. Writes nothing.

use std::sync::Arc;

use chancery_model::Key;
use chancery_model::query::{Plan, Scope, Window};
use chancery_storage::{Backend, CountMode};

use crate::world::{World, plain};

/// Questions that are remembered.
const REMEMBERED: usize = 4;
/// Records that are read by key.
const KEYS: usize = 6;

impl World {
    /// Remembers a question.
    pub(crate) fn remember(&self, plan: &Plan) {
        let mut asked = self.asked.lock();
        if asked.len() == REMEMBERED {
            asked.remove(0);
        }
        asked.push(plan.clone());
    }

    /// Puts what is remembered again, twice: what the first time holds, the second time finds.
    pub(crate) async fn repeat(&self) {
        let at = |plan: Plan| Plan {
            now: self.now,
            ..plan
        };
        let all = || Plan::all(self.table.clone(), self.now);
        let mut plans = vec![
            all(),
            Plan {
                scope: Scope::Trash,
                ..all()
            },
            Plan {
                window: Window::Offset { offset: 1, limit: 3 },
                ..all()
            },
        ];
        plans.extend(self.asked.lock().iter().cloned().map(at));
        let mut keys: Vec<Key> = self
            .records()
            .await
            .iter()
            .map(|record| record.key.clone())
            .collect();
        keys.truncate(KEYS);
        for _ in 0..2 {
            for plan in &plans {
                let records =
                    async |backend: &Arc<dyn Backend>| plain(&backend.query(plan).await.expect("an answer"));
                let count = async |backend: &Arc<dyn Backend>| {
                    backend.count(plan, CountMode::Exact).await.expect("a count")
                };
                assert_eq!(records(&self.other).await, records(&self.memory).await);
                assert_eq!(count(&self.other).await, count(&self.memory).await);
            }
            let found = async |backend: &Arc<dyn Backend>| {
                let mut found = backend.get_many(&self.table, &keys).await.expect("records");
                for key in &keys {
                    found.push(backend.get(&self.table, key).await.expect("a record"));
                }
                plain(&found.into_iter().flatten().collect::<Vec<_>>())
            };
            assert_eq!(found(&self.other).await, found(&self.memory).await);
        }
    }
}
