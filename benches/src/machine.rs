//! What the figures were measured on, and what a process costs. It names no host and no path.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Where and with what it was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    memory_gb: u64,
    system: String,
    chancery: String,
    sqlite: String,
    /// Processes that wanted to run on average in the minute before: beside the cores, what others took.
    load: String,
    quick: bool,
}

impl Machine {
    /// This machine, now.
    pub(crate) fn here(quick: bool) -> Machine {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Machine {
            date: chancery_model::time::instant_text(now.as_millis() as i64)[..16].replace('T', " "),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: kib("/proc/meminfo", "MemTotal").map_or(0, |kib| kib.div_ceil(1 << 20)),
            system: std::fs::read_to_string("/proc/sys/kernel/osrelease").map_or_else(
                |_| std::env::consts::OS.into(),
                |text| format!("Linux {}", text.trim()),
            ),
            chancery: env!("CARGO_PKG_VERSION").into(),
            sqlite: rusqlite::version().into(),
            load: std::fs::read_to_string("/proc/loadavg")
                .ok()
                .and_then(|text| text.split(' ').next().map(str::to_owned))
                .unwrap_or_default(),
            quick,
        }
    }

    /// The same as sentences.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!(
                "{} UTC, Chancery {}, SQLite {}",
                self.date, self.chancery, self.sqlite
            ),
            format!(
                "{} cores of {}, {} GB, {}, load before the run {}",
                self.cores, self.processor, self.memory_gb, self.system, self.load
            ),
        ];
        if self.quick {
            lines.push("a quick run: it shows that everything works, not how fast".into());
        }
        lines
    }
}

/// A number in KiB from a file of `name: number kB` lines.
fn kib(path: &str, name: &str) -> Option<u64> {
    field(path, name)?.split(' ').next()?.parse().ok()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// The memory of a process that is in use now, in MB; none where the system does not tell.
pub(crate) fn resident_mb(process: u32) -> Option<f64> {
    kib(&format!("/proc/{process}/status"), "VmRSS").map(|kib| kib as f64 / 1_000.0 * 1.024)
}

/// Forgets the most memory that this process used so far, and answers what is in use now, in MB. Where the system forgets nothing, what was
/// used before counts on.
pub(crate) fn begin_peak() -> f64 {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    resident_mb(std::process::id()).unwrap_or_default()
}

/// The most memory that this process ever used, or since [`begin_peak`], in MB; none where the system does not tell.
pub(crate) fn peak_mb() -> Option<f64> {
    kib("/proc/self/status", "VmHWM").map(|kib| kib as f64 / 1_000.0 * 1.024)
}
