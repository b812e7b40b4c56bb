//! What happens, told once: one enum that the log and the metrics read. Never record data, a secret or a token.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Observation<'a> {
    /// The server listens.
    Listening {
        /// Where.
        address: SocketAddr,
        /// `http` or `https`.
        scheme: &'static str,
    },
    /// A request was answered.
    Answered {
        /// Its id.
        request_id: &'a str,
        /// Its method.
        method: &'a str,
        /// The route it took, not the path: paths hold keys.
        route: &'a str,
        /// The status of the answer.
        status: u16,
        /// How long it took.
        took: Duration,
    },
    /// A request failed for a reason of ours.
    Failed {
        /// Its id, which is also in the answer.
        request_id: &'a str,
        /// The route it took.
        route: &'a str,
        /// The cause.
        cause: &'a str,
    },
    /// Credentials were refused.
    Refused {
        /// The request's id.
        request_id: &'a str,
        /// The code of the refusal.
        code: &'a str,
    },
    /// A connection could not be served.
    ConnectionLost {
        /// What happened to it.
        cause: &'a str,
    },
    /// The server stops taking requests.
    Stopping,
    /// The server is done; connections that were cut.
    Stopped {
        /// How many were still busy.
        cut: usize,
    },
}

/// Counts of what happened since the start.
pub(crate) struct Metrics {
    started: Instant,
    by_class: [AtomicU64; 6],
    took_us: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    connections_lost: AtomicU64,
    pub(crate) in_flight: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            started: Instant::now(),
            by_class: Default::default(),
            took_us: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            connections_lost: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
        }
    }
}

impl Metrics {
    /// Takes an observation into the counts and the log.
    pub(crate) fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Listening { address, scheme } => {
                tracing::info!(target: "chancery", %address, scheme, "listening");
            }
            Observation::Answered {
                request_id,
                method,
                route,
                status,
                took,
            } => {
                let class = usize::from(status / 100).min(self.by_class.len() - 1);
                self.by_class[class].fetch_add(1, Relaxed);
                let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                self.took_us.fetch_add(took_us, Relaxed);
                tracing::debug!(target: "chancery::request", request_id, method, route, status, took_us, "answered");
            }
            Observation::Failed {
                request_id,
                route,
                cause,
            } => {
                self.failed.fetch_add(1, Relaxed);
                tracing::error!(target: "chancery", request_id, route, cause, "failed");
            }
            Observation::Refused { request_id, code } => {
                self.refused.fetch_add(1, Relaxed);
                tracing::warn!(target: "chancery", request_id, code, "credentials refused");
            }
            Observation::ConnectionLost { cause } => {
                self.connections_lost.fetch_add(1, Relaxed);
                tracing::debug!(target: "chancery", cause, "connection lost");
            }
            Observation::Stopping => tracing::info!(target: "chancery", "stopping"),
            Observation::Stopped { cut } => tracing::info!(target: "chancery", cut, "stopped"),
        }
    }

    /// The counts in Prometheus' text format.
    pub(crate) fn render(&self, revision: u64) -> String {
        let mut out = String::with_capacity(1_500);
        let mut metric = |name: &str, kind: &str, help: &str, lines: &[(String, f64)]| {
            let _ = writeln!(
                out,
                "# HELP chancery_{name} {help}\n# TYPE chancery_{name} {kind}"
            );
            for (labels, value) in lines {
                let _ = writeln!(out, "chancery_{name}{labels} {value}");
            }
        };
        let plain = |value: u64| [(String::new(), value as f64)];
        let classes: Vec<(String, f64)> = (1..self.by_class.len())
            .map(|class| {
                (
                    format!("{{status=\"{class}xx\"}}"),
                    self.by_class[class].load(Relaxed) as f64,
                )
            })
            .collect();
        metric(
            "requests_total",
            "counter",
            "Requests answered, by class of status.",
            &classes,
        );
        let seconds = self.took_us.load(Relaxed) as f64 / 1e6;
        metric(
            "request_seconds_total",
            "counter",
            "Time spent on requests.",
            &[(String::new(), seconds)],
        );
        metric(
            "requests_in_flight",
            "gauge",
            "Requests being worked on.",
            &plain(self.in_flight.load(Relaxed)),
        );
        metric(
            "failures_total",
            "counter",
            "Requests that failed for a reason of ours.",
            &plain(self.failed.load(Relaxed)),
        );
        metric(
            "refusals_total",
            "counter",
            "Requests whose credentials were refused.",
            &plain(self.refused.load(Relaxed)),
        );
        let lost = self.connections_lost.load(Relaxed);
        metric(
            "connections_lost_total",
            "counter",
            "Connections that ended in an error.",
            &plain(lost),
        );
        metric("revision", "gauge", "The newest commit.", &plain(revision));
        let up = self.started.elapsed().as_secs_f64();
        metric(
            "uptime_seconds",
            "gauge",
            "Time since the start.",
            &[(String::new(), up)],
        );
        out
    }
}
