//! What happens, told once: one enum that the log and the metrics read. Never record data, a secret or a token.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chancery::{CacheStatus, ReadFigures, RedisState, Store};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::timeout;

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
        /// Bytes of its body, as far as they are known before they come.
        bytes_in: u64,
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

/// How long the storage may take to say its revision before metrics are given without.
const REVISION_WITHIN: Duration = Duration::from_secs(1);
/// Upper ends of the classes of durations, in seconds.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
/// Upper ends of the classes of numbers of jobs.
const JOBS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The one recorder of this process; none if the program that embeds the server has one of its own.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let made = RECORDER.get_or_init(|| {
        let built = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_jobs".into()), &JOBS));
        let recorder = built.ok()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        describe();
        describe_copies();
        Some(handle)
    });
    made.as_ref()
}

/// What each metric means. Those of storage are described here too: whoever reads them reads them all.
fn describe() {
    use metrics::{describe_counter as count, describe_gauge as level, describe_histogram as spread};
    count!(
        "chancery_requests_total",
        "Requests answered, by route, method and status."
    );
    spread!(
        "chancery_request_seconds",
        "Time from request to answer, by route and method."
    );
    level!("chancery_requests_in_flight", "Requests being worked on.");
    count!(
        "chancery_request_bytes_total",
        "Bytes of bodies that came in, where their length was said."
    );
    count!(
        "chancery_response_bytes_total",
        "Bytes of bodies that went out, before compression."
    );
    count!(
        "chancery_failures_total",
        "Requests that failed for a reason of ours."
    );
    count!(
        "chancery_refusals_total",
        "Requests whose credentials were refused."
    );
    count!(
        "chancery_connections_lost_total",
        "Connections that ended in an error."
    );
    count!(
        "chancery_slow_queries_total",
        "Queries that took at least as long as --slow-query-ms."
    );
    level!("chancery_revision", "The newest commit.");
    level!("chancery_uptime_seconds", "Time since the start.");
    level!(
        "process_resident_memory_bytes",
        "Memory of the process that is in use."
    );
    count!(
        "chancery_commits_total",
        "Commits to the disk; each may serve many callers."
    );
    count!("chancery_records_written_total", "Records written.");
    spread!("chancery_commit_group_jobs", "Callers that one commit served.");
    spread!("chancery_commit_seconds", "Time of a commit.");
    level!("chancery_writer_waiting", "Callers that wait for a commit.");
    level!("chancery_readers_in_use", "Connections that read and are in use.");
    level!("chancery_readers_max", "Connections that may read at once.");
}

/// The same of the cache and of replicas.
fn describe_copies() {
    use metrics::{describe_counter as count, describe_gauge as level};
    count!(
        "chancery_cache_hits_total",
        "Reads that the cache answered, by level: memory, redis."
    );
    count!(
        "chancery_cache_misses_total",
        "Reads that the cache might have answered, by level."
    );
    level!("chancery_cache_entries", "Records and answers held in memory.");
    level!("chancery_cache_bytes", "Their size, as it is estimated.");
    level!(
        "chancery_cache_redis_up",
        "1 while Redis answers, 0 while it is left out."
    );
    count!(
        "chancery_cache_redis_errors_total",
        "Requests to Redis that failed or took too long."
    );
    count!(
        "chancery_primary_reads_total",
        "Reads that a replica might have answered and the primary did."
    );
    count!(
        "chancery_replica_reads_total",
        "Reads that a replica answered, by server."
    );
    count!(
        "chancery_replica_behind_total",
        "Reads that went elsewhere because the replica lacked what they had to show."
    );
    count!(
        "chancery_replica_failures_total",
        "Reads that failed at the replica and were answered elsewhere."
    );
    count!(
        "chancery_replica_ejections_total",
        "How often the replica was taken out."
    );
    level!(
        "chancery_replica_up",
        "1 while the replica is read from, 0 while it is out."
    );
    level!(
        "chancery_replica_revision",
        "The newest commit that the replica was seen to have."
    );
    level!(
        "chancery_replica_lag_seconds",
        "Age of the oldest commit that the replica lacked when last asked."
    );
}

/// What the cache has done and holds.
fn show_cache(status: &CacheStatus) {
    counter!("chancery_cache_hits_total", "level" => "memory").absolute(status.hits);
    counter!("chancery_cache_misses_total", "level" => "memory").absolute(status.misses);
    gauge!("chancery_cache_entries").set(status.entries as f64);
    gauge!("chancery_cache_bytes").set(status.bytes as f64);
    if let Some(redis) = &status.redis {
        counter!("chancery_cache_hits_total", "level" => "redis").absolute(redis.hits);
        counter!("chancery_cache_misses_total", "level" => "redis").absolute(redis.misses);
        counter!("chancery_cache_redis_errors_total").absolute(redis.errors);
        let up = f64::from(u8::from(redis.state == RedisState::Up));
        gauge!("chancery_cache_redis_up").set(up);
    }
}

/// Where reads were answered; nothing where there is one copy only.
fn show_reads(figures: &ReadFigures) {
    if figures.replicas.is_empty() {
        return;
    }
    counter!("chancery_primary_reads_total").absolute(figures.primary);
    for replica in &figures.replicas {
        let server = &replica.server;
        counter!("chancery_replica_reads_total", "server" => server.clone()).absolute(replica.reads);
        counter!("chancery_replica_behind_total", "server" => server.clone()).absolute(replica.behind);
        counter!("chancery_replica_failures_total", "server" => server.clone()).absolute(replica.failures);
        counter!("chancery_replica_ejections_total", "server" => server.clone()).absolute(replica.times_out);
        let up = f64::from(u8::from(replica.out.is_none()));
        gauge!("chancery_replica_up", "server" => server.clone()).set(up);
        gauge!("chancery_replica_revision", "server" => server.clone()).set(replica.revision as f64);
        let lag = Duration::from_millis(replica.lag_ms).as_secs_f64();
        gauge!("chancery_replica_lag_seconds", "server" => server.clone()).set(lag);
    }
}

/// Counts of what happened since the start; all servers of a process count together.
pub(crate) struct Metrics {
    started: Instant,
    recorder: Option<&'static PrometheusHandle>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            started: Instant::now(),
            recorder: recorder(),
        }
    }
}

/// A request that is being worked on, as long as this lives.
pub(crate) struct InFlight;

impl InFlight {
    /// One more.
    pub(crate) fn new() -> InFlight {
        gauge!("chancery_requests_in_flight").increment(1);
        InFlight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("chancery_requests_in_flight").decrement(1);
    }
}

/// The method as a label: what is no known method must not make a series of its own.
fn known(method: &str) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().find(|one| *one == method).unwrap_or("other")
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
                bytes_in,
            } => {
                let label = if route.is_empty() { "page" } else { route }.to_owned();
                let known = known(method);
                counter!("chancery_requests_total", "route" => label.clone(), "method" => known, "status" => status.to_string())
                    .increment(1);
                histogram!("chancery_request_seconds", "route" => label, "method" => known)
                    .record(took.as_secs_f64());
                counter!("chancery_request_bytes_total").increment(bytes_in);
                let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                tracing::debug!(target: "chancery::request", request_id, method, route, status, took_us, "answered");
            }
            Observation::Failed {
                request_id,
                route,
                cause,
            } => {
                counter!("chancery_failures_total").increment(1);
                tracing::error!(target: "chancery", request_id, route, cause, "failed");
            }
            Observation::Refused { request_id, code } => {
                counter!("chancery_refusals_total").increment(1);
                tracing::warn!(target: "chancery", request_id, code, "credentials refused");
            }
            Observation::ConnectionLost { cause } => {
                counter!("chancery_connections_lost_total").increment(1);
                tracing::debug!(target: "chancery", cause, "connection lost");
            }
            Observation::Stopping => tracing::info!(target: "chancery", "stopping"),
            Observation::Stopped { cut } => tracing::info!(target: "chancery", cut, "stopped"),
        }
    }

    /// The counts in Prometheus' text format, with what the store tells of itself. A store that does not answer is when
    /// somebody looks: the revision is then the last one known.
    pub(crate) async fn render(&self, store: &Store) -> String {
        if let Ok(Ok(revision)) = timeout(REVISION_WITHIN, store.revision()).await {
            gauge!("chancery_revision").set(revision as f64);
        }
        if let Some(status) = store.cache() {
            show_cache(&status);
        }
        show_reads(&store.read_figures());
        gauge!("chancery_uptime_seconds").set(self.started.elapsed().as_secs_f64());
        if let Some(bytes) = resident_bytes() {
            gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        let text = self.recorder.map(PrometheusHandle::render);
        text.unwrap_or_default()
    }

    /// Moves what was recorded into its classes, so that what waits for it does not grow while nobody asks.
    pub(crate) fn tidy(&self) {
        if let Some(recorder) = self.recorder {
            recorder.run_upkeep();
        }
    }
}

/// Memory in use, where the system says it in a file.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_happens_is_counted_without_a_key_or_a_path() {
        let metrics = Metrics::default();
        metrics.observe(Observation::Answered {
            request_id: "req-1",
            method: "BREW",
            route: "/api/tables/{table}/records/{record}",
            status: 418,
            took: Duration::from_millis(3),
            bytes_in: 7,
        });
        metrics.tidy();
        let store = Store::open("memory:").await.expect("it opens");
        let text = metrics.render(&store).await;
        let line = "chancery_requests_total{route=\"/api/tables/{table}/records/{record}\",method=\"other\",status=\"418\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("chancery_request_seconds_bucket{"), "{text}");
        assert!(text.contains("chancery_revision "), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
        assert!(!text.contains("req-1"), "{text}");
    }

    #[test]
    fn a_replica_is_named_without_a_password_and_a_cache_level_by_level() {
        let metrics = Metrics::default();
        show_cache(&CacheStatus {
            hits: 7,
            redis: Some(chancery::RedisStatus {
                hits: 3,
                misses: 2,
                errors: 1,
                state: RedisState::Down,
            }),
            ..CacheStatus::default()
        });
        let replica = chancery::ReplicaFigures {
            server: "replica:5433/chancery".into(),
            out: Some("it does not answer".into()),
            reads: 4,
            lag_ms: 1_500,
            ..chancery::ReplicaFigures::default()
        };
        show_reads(&ReadFigures {
            primary: 5,
            replicas: vec![replica],
        });
        let text = metrics.recorder.expect("a recorder").render();
        for line in [
            "chancery_cache_hits_total{level=\"memory\"} 7",
            "chancery_cache_hits_total{level=\"redis\"} 3",
            "chancery_cache_redis_up 0",
            "chancery_primary_reads_total 5",
            "chancery_replica_reads_total{server=\"replica:5433/chancery\"} 4",
            "chancery_replica_up{server=\"replica:5433/chancery\"} 0",
            "chancery_replica_lag_seconds{server=\"replica:5433/chancery\"} 1.5",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
