//! Clocks and medians: how often something is done in a second, and how long one turn takes. It knows no Chancery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

/// How hard to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Small sizes and single short runs: shows that everything works, not how fast.
    pub(crate) quick: bool,
    /// Also what takes minutes.
    pub(crate) long: bool,
}

impl Effort {
    /// How often a measurement is repeated; its median counts.
    pub(crate) fn runs(self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// How often a measurement that takes seconds is repeated.
    pub(crate) fn slow_runs(self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// How long one run of a repeated thing takes.
    pub(crate) fn span(self) -> Duration {
        Duration::from_millis(if self.quick { 50 } else { 400 })
    }

    /// How long one run takes where many callers have to find their pace.
    pub(crate) fn long_span(self) -> Duration {
        Duration::from_millis(if self.quick { 100 } else { 1_200 })
    }

    /// A number of records: as said, or a twentieth of it.
    pub(crate) fn records(self, full: usize) -> usize {
        if self.quick { full / 20 } else { full }
    }
}

/// The middle value; the mean of the two in the middle if there are as many on both sides.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}

/// Measures two things in turn, so that what disturbs the machine disturbs both, and answers both medians.
pub(crate) fn in_turn(
    runs: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut by_hand: impl FnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut a, mut b) = (Vec::with_capacity(runs), Vec::with_capacity(runs));
    for _ in 0..runs {
        a.push(ours()?);
        b.push(by_hand()?);
    }
    Ok((median(a), median(b)))
}

/// Measures one thing several times and answers the median.
pub(crate) fn repeated(runs: usize, mut measure: impl FnMut() -> Result<f64>) -> Result<f64> {
    let values: Result<Vec<f64>> = (0..runs).map(|_| measure()).collect();
    Ok(median(values?))
}

/// The processor time of this thread: what others do on the machine at the same time is not in it.
pub(crate) struct Processor(Duration);

impl Processor {
    /// Starts to count.
    pub(crate) fn start() -> Processor {
        Processor(Processor::now())
    }

    /// How long this thread computed since.
    pub(crate) fn elapsed(&self) -> Duration {
        Processor::now().saturating_sub(self.0)
    }

    fn now() -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
}

/// The processor time of all threads of this process until now, in seconds.
pub(crate) fn process_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// How often in a second, from how often in this time.
pub(crate) fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

/// Turns between two looks at the clock.
const TURNS: u64 = 64;

/// How often in a second of processor time something is done by one caller; it is told its turn. It may not wait.
pub(crate) fn per_second(span: Duration, mut turn: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let start = Processor::start();
    let mut done = 0;
    while start.elapsed() < span {
        for _ in 0..TURNS {
            turn(done)?;
            done += 1;
        }
    }
    Ok(rate(done, start.elapsed()))
}

/// As [`per_second`], for what is awaited.
pub(crate) async fn per_second_awaited(
    span: Duration,
    mut turn: impl AsyncFnMut(u64) -> Result<()>,
) -> Result<f64> {
    let start = Processor::start();
    let mut done = 0;
    while start.elapsed() < span {
        for _ in 0..TURNS {
            turn(done).await?;
            done += 1;
        }
    }
    Ok(rate(done, start.elapsed()))
}

/// As [`per_second`] by the clock on the wall, for what waits for the disk.
pub(crate) fn slow_per_second(span: Duration, mut turn: impl FnMut(u64) -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < span {
        turn(done)?;
        done += 1;
    }
    Ok(rate(done, start.elapsed()))
}

/// How often in a second something is done by `callers` at once, each waiting for its answer before it asks again.
/// A turn is told a number that no other turn is told.
pub(crate) async fn callers<Turn, Done>(callers: usize, span: Duration, turn: Turn) -> Result<f64>
where
    Turn: Fn(u64) -> Done + Clone + Send + 'static,
    Done: Future<Output = Result<()>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(callers);
    for _ in 0..callers {
        let (next, turn) = (next.clone(), turn.clone());
        tasks.push(tokio::spawn(async move {
            while start.elapsed() < span {
                turn(next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(rate(next.load(Ordering::Relaxed), start.elapsed()))
}

/// Half of the turns take at most this long, in ms.
pub(crate) fn p50_ms(turns: usize, mut turn: impl FnMut(usize) -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(turns);
    for number in 0..turns {
        let start = Instant::now();
        turn(number)?;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(median(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn turns_are_counted_for_all_callers() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let rate = runtime.block_on(callers(4, Duration::from_millis(20), |_| async {
            tokio::task::yield_now().await;
            Ok(())
        }));
        assert!(rate.unwrap() > 0.0);
    }
}
