//! Where logs and traces go: the log to stderr, traces to a collector if one is named. It decides nothing about what is told.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::Failure;
use crate::output::Output;

/// How long a collector may take to answer.
const EXPORT_TIME_MAX: Duration = Duration::from_secs(10);
/// Names the collector where no option does.
const VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The spans that belong to traces.
const TRACED: &str = "chancery::trace";

/// Logs and traces, as long as the program serves.
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts the log, and traces if a collector is named here or in the environment.
    pub(crate) fn start(collector: Option<&str>) -> Result<Telemetry, Failure> {
        let named = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
        let collector = collector.map(str::to_owned).or(named);
        let traces = collector.as_deref().map(provider).transpose()?;
        let filter = EnvFilter::try_from_env("CHANCERY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        let log = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(console::colors_enabled_stderr())
            .with_target(false)
            .with_filter(filter);
        let tracing = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("chancery"))
                .with_location(false)
                .with_threads(false)
                .with_filter(Targets::new().with_target(TRACED, LevelFilter::DEBUG))
        });
        // A second log is impossible: this process runs one command.
        let _ = tracing_subscriber::registry().with(log).with(tracing).try_init();
        Ok(Telemetry { traces })
    }

    /// Sends what is not sent yet. A collector that is away is no reason to fail.
    pub(crate) fn finish(self) {
        if let Some(traces) = self.traces
            && let Err(error) = traces.shutdown()
        {
            Output::new(false).warn(&format!("the last traces were not sent: {error}"));
        }
    }
}

fn provider(collector: &str) -> Result<SdkTracerProvider, Failure> {
    let bad = |why: String| {
        Failure::new(format!(
            "traces cannot be sent to {}: {why}",
            without_user(collector)
        ))
        .hint("write http://127.0.0.1:4318")
    };
    let base = url::Url::parse(collector).map_err(|error| bad(error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(bad("it begins with neither http:// nor https://".into()));
    }
    let endpoint = format!("{}/v1/traces", base.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new())
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| bad(error.to_string()))?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let service = Resource::builder().with_service_name("chancery").build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(service)
        .build())
}

/// A URL without a user and password.
fn without_user(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        Err(_) => "this address".into(),
    }
}

/// The way to the collector. It blocks: the thread that sends traces does nothing else.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(EXPORT_TIME_MAX))
            .build();
        Client(config.new_agent())
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut response = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let status = response.status();
        let body = response.body_mut().read_to_vec()?;
        Ok(Response::builder().status(status).body(Bytes::from(body))?)
    }
}

impl HttpClient for Client {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        Box::pin(std::future::ready(self.send(request)))
    }
}
