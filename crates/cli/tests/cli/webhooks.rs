//! Webhooks across `kill -9`: nothing is left out, and what comes twice comes in order.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Here, Server};

/// Records that are written.
const RECORDS: usize = 300;

/// Takes every message and keeps which record each is about, from 1.
fn receiver() -> (String, Arc<Mutex<Vec<u64>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let numbers: Arc<Mutex<Vec<u64>>> = Arc::default();
    let kept = numbers.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut read = Vec::new();
            let mut part = [0; 4096];
            let body = loop {
                let size = stream.read(&mut part).unwrap_or(0);
                read.extend_from_slice(&part[..size]);
                let text = String::from_utf8_lossy(&read);
                let whole = text
                    .split_once("\r\n\r\n")
                    .and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
                match whole {
                    Some(body) => break Some(body),
                    None if size == 0 => break None,
                    None => {}
                }
            };
            let Some(body) = body else { continue };
            kept.lock()
                .unwrap()
                .push(body["record"]["n"].as_u64().unwrap() + 1);
            // Whoever sent it may be dead by now.
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    (url, numbers)
}

fn wait_for(numbers: &Arc<Mutex<Vec<u64>>>, count: usize) {
    let started = Instant::now();
    while numbers
        .lock()
        .unwrap()
        .last()
        .is_none_or(|last| *last < count as u64)
    {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{:?}",
            numbers.lock().unwrap().last()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_killed_server_leaves_no_event_out() {
    let here = Here::new();
    let (url, numbers) = receiver();
    let allowed = ["--webhook-allow", "127.0.0.1/32"];
    let server = Server::start(&here, &allowed);
    let made = here.json(&["key", "create", "--name", "test", "--scope", "admin"]);
    let key = format!("Bearer {}", made["key"].as_str().unwrap());
    let post = |server: &Server, path: &str, body: Value| {
        let request = ureq::post(format!("{}{path}", server.url())).header("authorization", &key);
        let mut answer = request.send_json(body).unwrap();
        answer.body_mut().read_json::<Value>().unwrap()
    };
    post(
        &server,
        "/api/tables",
        serde_json::json!({"name": "Notes", "columns": [{"name": "n", "fieldType": "number"}]}),
    );
    post(&server, "/api/webhooks", serde_json::json!({ "url": url }));
    let records: Vec<Value> = (0..RECORDS).map(|n| serde_json::json!({"n": n})).collect();
    post(
        &server,
        "/api/tables/notes/records/bulk",
        serde_json::json!({"records": records}),
    );
    // Killed in the middle, three times; dropping a server is `kill -9`.
    let mut server = server;
    for count in [20, 90, 160] {
        wait_for(&numbers, count);
        drop(server);
        server = Server::start(&here, &allowed);
    }
    wait_for(&numbers, RECORDS);
    let numbers = numbers.lock().unwrap().clone();
    let mut newest = 0;
    for number in &numbers {
        assert!(
            *number <= newest + 1,
            "{number} came after {newest}: something was left out"
        );
        newest = newest.max(*number);
    }
    assert_eq!(newest, RECORDS as u64);
    let repeated = numbers.len() - RECORDS;
    assert!(repeated <= 3 * 21, "{repeated} came twice");
}
