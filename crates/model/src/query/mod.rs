//! Questions: as a caller asks them ([`input`]) and as a backend is asked ([`plan`]). Answers nothing itself.

mod condition;
pub mod fuzzy;
pub mod input;
pub mod plan;

pub use input::{Condition, FilterInput, Query, SortInput, unknown_column};
pub use plan::{Boundary, Plan, Scope, Search, SortKey, Window};
