//! A line of batches: each is decided after the one before it and sent off before the next, while earlier ones are
//! still being committed. So keys, numbers and changes rise in the order of the line. It commits nothing itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::watch;

/// Hands out places, first come, first served.
#[derive(Debug)]
pub(crate) struct Line {
    left: Arc<watch::Sender<u64>>,
    next: u64,
}

/// One place. It is left when it is dropped, so a batch that fails holds nobody up.
#[derive(Debug)]
pub(crate) struct Place {
    left: Arc<watch::Sender<u64>>,
    number: u64,
}

impl Line {
    pub(crate) fn new() -> Line {
        Line {
            left: Arc::new(watch::Sender::new(0)),
            next: 0,
        }
    }

    pub(crate) fn place(&mut self) -> Place {
        self.next += 1;
        Place {
            left: self.left.clone(),
            number: self.next - 1,
        }
    }
}

impl Place {
    /// Waits until everybody before has left.
    pub(crate) async fn come(&self) {
        let mut left = self.left.subscribe();
        // The sender lives as long as this place does, so waiting cannot fail.
        let _ = left.wait_for(|left| *left >= self.number).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.left.send_modify(|left| *left = (*left).max(self.number + 1));
    }
}

/// Starts work, leaves the place, and waits for the work to end.
pub(crate) async fn started<T>(work: impl Future<Output = T>, place: Option<Place>) -> T {
    let mut work = pin!(work);
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    drop(place);
    match first {
        Poll::Ready(done) => done,
        Poll::Pending => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_come_in_order_and_a_lost_one_holds_nobody_up() {
        let mut line = Line::new();
        let (first, second, third) = (line.place(), line.place(), line.place());
        let order = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let wait = |place: Place, name| {
            let order = order.clone();
            tokio::spawn(async move {
                place.come().await;
                order.lock().push(name);
            })
        };
        let last = wait(third, 3);
        let middle = wait(second, 2);
        tokio::task::yield_now().await;
        assert!(order.lock().is_empty());
        drop(first);
        middle.await.expect("it came");
        last.await.expect("it came");
        assert_eq!(*order.lock(), [2, 3]);
    }
}
