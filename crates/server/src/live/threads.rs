//! The threads that sockets and streams of events are served on: their own, so that whoever writes waits for no queue of pushes.
//! One commit wakes many of them at once, and a request that comes meanwhile would have to wait until the last has its push.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads that end with this; what still runs on them is forgotten then.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    /// Half as many as the machine has cores, one at least: the others stay for requests.
    pub(crate) fn start() -> io::Result<Threads> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads(cores.div_ceil(2))
            .thread_name("chancery-live")
            .enable_all()
            .build()?;
        Ok(Threads(Some(runtime)))
    }

    /// Lets something run on them.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Also the last socket may be the last who has them, and may not wait for itself.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
