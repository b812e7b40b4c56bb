//! The comparing itself, on as many threads as the machine has. Reads no records.

use std::sync::atomic::{AtomicUsize, Ordering};

use chancery_model::duplicates::{Gathering, Group, Link, Told};

use super::control::{FindControl, FindPhase};

/// Groups of what was gathered; none if somebody stopped it.
pub(super) fn run(
    gathering: Gathering,
    apart: &[(u32, u32)],
    control: &FindControl,
) -> Option<(Vec<Group>, Told)> {
    control.enter(FindPhase::Blocking, 0);
    let go_on = || !control.is_cancelled();
    let search = gathering.search(&go_on);
    let units = search.units();
    control.enter(FindPhase::Comparing, units.len() as u64);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut links: Vec<Link> = Vec::new();
        while go_on() {
            let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            search.compare(*unit, &mut links);
            // Blocks overlap: a pair is often told more than once.
            if links.len() == links.capacity() {
                links.sort_unstable_by_key(|link| (link.a, link.b));
                links.dedup_by_key(|link| (link.a, link.b));
            }
            control.advance(1);
        }
        links
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(units.len())
        .max(1);
    let mut links = Vec::new();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        links = work();
        for other in others {
            match other.join() {
                Ok(more) => links.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    if control.is_cancelled() {
        return None;
    }
    control.enter(FindPhase::Grouping, 0);
    let told = search.told();
    Some((search.groups(links, apart), told))
}
