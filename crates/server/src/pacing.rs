//! How often one address may do something that nobody vouches for. Counts in this process only, and forgets after a minute.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use chancery_api::limits::{FORM_SUBMITS_PER_MINUTE, PACED_ADDRESSES_MAX};
use parking_lot::Mutex;

/// Over which time is counted.
const WINDOW: Duration = Duration::from_secs(60);

/// What came from each address lately.
#[derive(Default)]
pub(crate) struct Pacing(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Pacing {
    /// Counts one more from an address.
    ///
    /// # Errors
    /// After how many seconds the next one is taken.
    pub(crate) fn take(&self, address: IpAddr) -> Result<(), u64> {
        self.take_at(address, Instant::now())
    }

    fn take_at(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let mut seen = self.0.lock();
        if seen.len() >= PACED_ADDRESSES_MAX {
            seen.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
            if seen.len() >= PACED_ADDRESSES_MAX {
                return Err(WINDOW.as_secs());
            }
        }
        let (since, count) = seen.entry(address).or_insert((now, 0));
        let passed = now.duration_since(*since);
        if passed >= WINDOW {
            (*since, *count) = (now, 0);
        } else if *count >= FORM_SUBMITS_PER_MINUTE {
            return Err((WINDOW - passed).as_secs() + 1);
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_for_its_minute_and_others_do_not() {
        let pacing = Pacing::default();
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let begun = Instant::now();
        for _ in 0..FORM_SUBMITS_PER_MINUTE {
            assert_eq!(pacing.take_at(one, begun), Ok(()));
        }
        assert_eq!(pacing.take_at(one, begun + Duration::from_secs(20)), Err(41));
        assert_eq!(pacing.take_at(other, begun), Ok(()));
        assert_eq!(pacing.take_at(one, begun + WINDOW), Ok(()));
    }
}
