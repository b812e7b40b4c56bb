//! What a running server tells operators: metrics, traces that a real listener decodes, slow queries.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::harness::{Here, Server};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// One HTTP message: its headers and its body.
fn message(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line.to_lowercase());
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A collector: takes traces in and gives their spans on.
fn collector() -> (String, Receiver<Vec<Span>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (spans, seen) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let spans = spans.clone();
            std::thread::spawn(move || {
                while let Some((head, body)) = message(&stream) {
                    assert!(head.starts_with("post /v1/traces"), "{head}");
                    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
                    let resources = request.resource_spans.into_iter();
                    let scopes = resources.flat_map(|resource| resource.scope_spans);
                    let all = scopes.flat_map(|scope| scope.spans).collect();
                    let _ = spans.send(all);
                    (&stream)
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .unwrap();
                }
            });
        }
    });
    (url, seen)
}

/// Asks a server and answers the status line with the headers, and the body.
fn ask(url: &str, path: &str, headers: &[(&str, &str)]) -> (String, String) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn key(here: &Here, scope: &str) -> String {
    let made = here.json(&["key", "create", "--name", scope, "--scope", scope]);
    format!("Bearer {}", made["key"].as_str().unwrap())
}

#[test]
fn a_request_is_a_span_of_the_callers_trace_and_what_it_asks_a_child() {
    let here = Here::with_tasks();
    let admin = key(&here, "admin");
    let (url, seen) = collector();
    let server = Server::start(&here, &["--otlp", &url]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("authorization", admin.as_str()), ("traceparent", &parent)];
    let (head, _) = ask(server.url(), "/api/tables/tasks/records?limit=3", &headers);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let told = head
        .lines()
        .find_map(|line| line.strip_prefix("traceparent: "))
        .unwrap();
    assert!(
        told.contains(trace) && !told.contains("00f067aa0ba902b7"),
        "{told}"
    );
    // What is not sent yet is sent when the server stops.
    assert_eq!(server.interrupt().0, 0);
    let mut spans = Vec::new();
    while let Ok(more) = seen.recv_timeout(if spans.is_empty() {
        PATIENCE
    } else {
        Duration::ZERO
    }) {
        spans.extend(more);
    }
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let request = spans
        .iter()
        .find(|span| span.name == "GET /api/tables/{table}/records")
        .unwrap();
    assert_eq!(hex(&request.trace_id), trace);
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");
    assert!(told.contains(&hex(&request.span_id)), "{told}");
    // What the server asks by itself, when it starts, is nobody's child.
    let mut asks = spans.iter().filter(|span| span.name == "ask");
    assert!(asks.any(|ask| ask.parent_span_id == request.span_id));
    assert!(spans.iter().all(|span| !format!("{span:?}").contains("limit=3")));
}

#[test]
fn metrics_need_an_admin_key_or_the_loopback_listener() {
    let here = Here::with_tasks();
    let (admin, reader) = (key(&here, "admin"), key(&here, "read"));
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let server = Server::start(&here, &["--metrics-bind", &free]);
    for headers in [vec![], vec![("authorization", reader.as_str())]] {
        let (head, _) = ask(server.url(), "/metrics", &headers);
        assert!(
            head.starts_with("http/1.1 401") || head.starts_with("http/1.1 403"),
            "{head}"
        );
    }
    let admin = [("authorization", admin.as_str())];
    let (head, _) = ask(server.url(), "/api/tables/tasks/records/secret-key-1", &admin);
    assert!(head.starts_with("http/1.1 404"), "{head}");
    here.done(&[
        "record",
        "create",
        "tasks",
        "title=A",
        "--server",
        server.url(),
        "--key",
        admin[0].1.trim_start_matches("Bearer "),
    ]);
    let (head, text) = ask(server.url(), "/metrics", &admin);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    for part in [
        "chancery_requests_total{route=\"/api/tables/{table}/records/{record}\",method=\"GET\",status=\"404\"} 1",
        "chancery_request_seconds_bucket{",
        "chancery_commit_group_jobs_bucket{backend=\"sqlite\"",
        "chancery_commits_total{backend=\"sqlite\"}",
        "chancery_records_written_total{backend=\"sqlite\"} 1",
        "chancery_response_bytes_total",
        "process_resident_memory_bytes",
        "chancery_requests_in_flight",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("secret-key-1"), "{text}");
    let (head, text) = ask(&format!("http://{free}"), "/metrics", &[]);
    assert!(
        head.starts_with("http/1.1 200") && text.contains("chancery_revision"),
        "{head}"
    );
    let (head, _) = ask(&format!("http://{free}"), "/api/tables", &[]);
    assert!(head.starts_with("http/1.1 404"), "nothing but metrics: {head}");
    drop(server);
    let refused = here.run(&["serve", "--listen", "127.0.0.1:0", "--metrics-bind", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("loopback"), "{}", refused.err);
}

#[test]
fn a_slow_query_is_logged_with_its_shape_and_plan_and_without_its_values() {
    let here = Here::with_tasks();
    let admin = key(&here, "admin");
    let rows: String = (0..40_000).map(|n| format!("Task {n},{}\n", n % 5 + 1)).collect();
    here.write("many.csv", format!("title,priority\n{rows}"));
    here.done(&["import", "many.csv", "tasks"]);
    let server = Server::start(&here, &["--slow-query-ms", "1"]);
    let key = admin.trim_start_matches("Bearer ");
    here.done(&[
        "query",
        "tasks",
        "title contains hidden-value",
        "--server",
        server.url(),
        "--key",
        key,
    ]);
    // Where a millisecond is slow, the server's own questions may be told as well.
    let of_tasks = |line: &str| line.contains("a slow query") && line.contains("table=\"tasks\"");
    let mut log = String::new();
    for _ in 0..100 {
        log = here.read("server.log");
        if log.lines().any(of_tasks) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let line = log
        .lines()
        .find(|line| of_tasks(line))
        .unwrap_or_else(|| panic!("{log}"));
    for part in ["title", "took_ms=", "rows=0", "plan="] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!log.contains("hidden-value"), "{log}");

    // It is written down, for whoever looks later.
    server.interrupt();
    let told = here.done(&["doctor"]);
    for part in ["slowest queries of", "query title contains ?", "healthy"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("hidden-value"), "{told}");
}
