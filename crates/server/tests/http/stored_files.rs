//! Files over HTTP: brought, fetched in parts, refused, and what of a stranger's file a browser must not do.

use axum::body::Body;
use chancery::{FilesOptions, OpenOptions, Store};
use chancery_server::Limits;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const BOUNDARY: &str = "----b0undary";
/// A picture of one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";

fn form(field: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
    );
    [
        head.as_bytes(),
        content,
        format!("\r\n--{BOUNDARY}--\r\n").as_bytes(),
    ]
    .concat()
}

async fn send(server: &Server, key: &str, path: &str, body: Vec<u8>) -> Answer {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let key = format!("Bearer {key}");
    let headers = [("content-type", &*kind), ("authorization", &*key)];
    server.call("POST", path, &headers, body).await
}

async fn upload(server: &Server, name: &str, content: &[u8]) -> Value {
    let body = form("file", name, content);
    send(server, &server.write, "/api/files", body)
        .await
        .expect(201)
        .json()
}

async fn fetch(server: &Server, key: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let key = format!("Bearer {key}");
    let headers = [&[("authorization", &*key)], headers].concat();
    server.call("GET", path, &headers, Body::empty()).await
}

async fn with_people() -> Server {
    let server = Server::start().await;
    let table = json!({"name": "People", "columns": [
        {"name": "Name", "fieldType": "text"},
        {"name": "Photo", "fieldType": "file", "config": {"accept": "image/*", "maxSize": 5_000}},
        {"name": "Papers", "fieldType": "files"},
    ]});
    server.post("/api/tables", table).await.expect(201);
    server
}

/// The head of a picture that says it is this large.
fn bomb(side: u32) -> Vec<u8> {
    let mut head = b"IHDR".to_vec();
    head.extend_from_slice(&side.to_be_bytes());
    head.extend_from_slice(&side.to_be_bytes());
    head.extend_from_slice(&[8, 6, 0, 0, 0]);
    let mut sum = u32::MAX;
    for byte in &head {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    let mut all = b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec();
    all.extend_from_slice(&head);
    all.extend_from_slice(&(!sum).to_be_bytes());
    all.extend_from_slice(&PIXEL[33..]);
    all
}

#[tokio::test]
async fn a_file_comes_back_as_it_was_brought_whole_and_in_parts() {
    let server = Server::start().await;
    let file = upload(&server, "me.png", PIXEL).await;
    assert_eq!(file["type"], "image/png");
    assert_eq!((&file["width"], &file["size"]), (&json!(1), &json!(PIXEL.len())));
    let (url, key) = (file["url"].as_str().unwrap(), &*server.write);
    let whole = fetch(&server, key, url, &[]).await.expect(200);
    assert_eq!(whole.bytes, PIXEL);
    assert_eq!(whole.header("content-type"), "image/png");
    assert_eq!(whole.header("content-length"), PIXEL.len().to_string());
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"me.png\"; filename*=UTF-8''me.png"
    );
    let tag = whole.header("etag");
    assert_eq!(tag, format!("\"{}\"", file["sha256"].as_str().unwrap()));
    let part = fetch(&server, key, url, &[("range", "bytes=1-3")])
        .await
        .expect(206);
    assert_eq!((&*part.bytes, part.header("content-length")), (&b"PNG"[..], "3"));
    assert_eq!(part.header("content-range"), format!("bytes 1-3/{}", PIXEL.len()));
    let part = fetch(
        &server,
        key,
        url,
        &[("range", "bytes=1-3"), ("if-range", "\"other\"")],
    )
    .await;
    assert_eq!(part.expect(200).bytes, PIXEL);
    let beyond = fetch(&server, key, url, &[("range", "bytes=9999-")])
        .await
        .expect(416);
    assert_eq!(beyond.code(), "rangeNotSatisfiable");
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", PIXEL.len()));
    let had = fetch(&server, key, url, &[("if-none-match", tag)])
        .await
        .expect(304);
    assert_eq!((had.bytes.len(), had.header("etag")), (0, tag));
    let auth = format!("Bearer {key}");
    let head = server
        .call("HEAD", url, &[("authorization", &auth)], Body::empty())
        .await
        .expect(200);
    assert_eq!(head.header("content-length"), PIXEL.len().to_string());
    let told = fetch(
        &server,
        key,
        &format!("/api/files/{}", file["id"].as_str().unwrap()),
        &[],
    )
    .await;
    assert_eq!(
        told.expect(200).json()["downloads"],
        2,
        "not the parts behind the first, nor what the caller had"
    );
    let small = fetch(&server, key, file["thumbnailUrl"].as_str().unwrap(), &[])
        .await
        .expect(200);
    assert_eq!(small.header("content-type"), "image/png");
    let url = server
        .post(
            &format!("/api/files/{}/download-url", file["id"].as_str().unwrap()),
            json!(null),
        )
        .await;
    assert_eq!(url.expect(200).json()["direct"], false);
}

#[tokio::test]
async fn a_browser_runs_nothing_of_a_strangers_file_whatever_it_is_called() {
    let server = Server::start().await;
    for (name, content, kind) in [
        (
            "cat.png",
            &b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..],
            "image/svg+xml",
        ),
        (
            "cat.png",
            b"<html><script>alert(1)</script>",
            "text/html; charset=utf-8",
        ),
        (
            "notes.txt",
            b"<?xml version='1.0'?><a/>",
            "text/xml; charset=utf-8",
        ),
    ] {
        let file = upload(&server, name, content).await;
        let url = format!("{}?inline=true", file["url"].as_str().unwrap());
        let got = fetch(&server, &server.write, &url, &[]).await.expect(200);
        assert_eq!(got.header("content-type"), kind);
        assert!(
            got.header("content-disposition").starts_with("attachment;"),
            "{name}"
        );
        assert!(got.header("content-security-policy").starts_with("sandbox;"));
        assert_eq!(file["thumbnailUrl"], json!(null));
    }
    let file = upload(&server, "cat.html", PIXEL).await;
    let url = format!("{}?inline=true", file["url"].as_str().unwrap());
    let got = fetch(&server, &server.write, &url, &[]).await.expect(200);
    assert!(got.header("content-disposition").starts_with("inline;"));
    assert_eq!(got.header("content-type"), "image/png");
}

#[tokio::test]
async fn a_name_is_never_a_path_nor_a_header() {
    let server = Server::start().await;
    for (name, kept, header) in [
        (
            "../../etc/passwd",
            "passwd",
            "attachment; filename=\"passwd\"; filename*=UTF-8''passwd",
        ),
        (
            "Größe 1;.txt",
            "Größe 1;.txt",
            "attachment; filename=\"Gr__e 1_.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201%3B.txt",
        ),
        (
            "..",
            "file",
            "attachment; filename=\"file\"; filename*=UTF-8''file",
        ),
        (
            "C:\\temp\\x.txt",
            "x.txt",
            "attachment; filename=\"x.txt\"; filename*=UTF-8''x.txt",
        ),
    ] {
        let file = upload(&server, name, b"text").await;
        assert_eq!(file["name"], kept);
        let got = fetch(&server, &server.write, file["url"].as_str().unwrap(), &[])
            .await
            .expect(200);
        assert_eq!(got.header("content-disposition"), header);
    }
    for id in [
        "..%2f..%2fetc%2fpasswd",
        "nobody",
        "0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f",
        "%00",
    ] {
        for end in ["", "/download", "/thumbnail"] {
            let got = server.get(&format!("/api/files/{id}{end}")).await;
            assert_eq!(got.expect(404).code(), "fileNotFound", "{id}{end}");
        }
    }
    let long = form("file", &"a".repeat(300), b"x");
    assert_eq!(
        send(&server, &server.write, "/api/files", long)
            .await
            .expect(422)
            .code(),
        "validationFailed"
    );
}

#[tokio::test]
async fn a_picture_that_says_it_is_huge_is_kept_and_not_unpacked() {
    let server = Server::start().await;
    let started = std::time::Instant::now();
    let file = upload(&server, "bomb.png", &bomb(60_000)).await;
    assert_eq!(
        (&file["width"], &file["thumbnailUrl"]),
        (&json!(60_000), &json!(null))
    );
    // Within the limit of pixels, but there is nothing behind it.
    let file = upload(&server, "broken.png", &bomb(6_000)).await;
    assert_eq!(file["thumbnailUrl"], json!(null));
    assert!(started.elapsed().as_secs() < 15);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let options = OpenOptions {
        files: FilesOptions {
            file_bytes_max: 100,
            bytes_max: Some(150),
            ..FilesOptions::default()
        },
        ..OpenOptions::default()
    };
    let store = Store::open_with("memory:", options).await.unwrap();
    let server = Server::over(store, Limits::default()).await;
    let large = form("file", "a", &[b'a'; 101]);
    let refused = send(&server, &server.write, "/api/files", large)
        .await
        .expect(413);
    assert_eq!(refused.code(), "bodyTooLarge");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("fileBytesMax")
    );
    let announced = json!({"name": "a", "size": 101});
    server.post("/api/files/upload-url", announced).await.expect(413);
    let here = server
        .post("/api/files/upload-url", json!({"name": "a", "size": 100}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&here["direct"], &here["method"], &here["url"]),
        (&json!(false), &json!("POST"), &json!("/api/files"))
    );
    upload(&server, "a", &[b'a'; 100]).await;
    let more = send(
        &server,
        &server.write,
        "/api/files",
        form("file", "a", &[b'a'; 51]),
    )
    .await;
    let more = more.expect(413).json();
    assert!(
        more["detail"].as_str().unwrap().contains("filesBytesMax"),
        "{more}"
    );
    let wrong = send(&server, &server.write, "/api/files", form("photo", "a", b"a")).await;
    assert_eq!(wrong.expect(400).code(), "malformedBody");
    let cut = form("file", "a", b"a");
    let cut = send(
        &server,
        &server.write,
        "/api/files",
        cut[..cut.len() - 12].to_vec(),
    )
    .await;
    assert_eq!(cut.expect(400).code(), "malformedBody");
    server.post("/api/files", json!({})).await.expect(415);
    let list = server.get("/api/files").await.expect(200).json();
    assert_eq!(
        list["files"].as_array().unwrap().len(),
        1,
        "nothing else was kept"
    );
}

#[tokio::test]
async fn a_record_takes_files_and_shows_them() {
    let server = with_people().await;
    let made = server
        .post("/api/tables/people/records", json!({"data": {"name": "Ann"}}))
        .await
        .expect(201);
    let path = format!(
        "/api/tables/people/records/{}",
        made.json()["id"].as_str().unwrap()
    );
    let files = format!("{path}/files");
    let photo = send(
        &server,
        &server.write,
        &format!("{files}?column=photo"),
        form("file", "me.png", PIXEL),
    )
    .await;
    let record = photo.expect(201).json();
    let id = record["data"]["photo"].as_str().unwrap();
    assert_eq!(record["data"]["_display"]["photo"], "me.png");
    let shown = &record["data"]["_files"]["photo"][0];
    assert_eq!(
        (&shown["id"], &shown["type"], &shown["width"]),
        (&json!(id), &json!("image/png"), &json!(1))
    );
    assert_eq!(shown["thumbnailUrl"], format!("/api/files/{id}/thumbnail"));
    for name in ["one.txt", "two.txt"] {
        send(
            &server,
            &server.write,
            &format!("{files}?column=papers"),
            form("file", name, b"text"),
        )
        .await
        .expect(201);
    }
    let record = server.get(&path).await.expect(200).json();
    assert_eq!(record["data"]["_display"]["papers"], "one.txt, two.txt");
    // What is shown may be sent back as it came.
    let again = server
        .patch(&path, json!({"data": record["data"]}))
        .await
        .expect(200)
        .json();
    assert_eq!(again["data"]["papers"], record["data"]["papers"]);

    let refused = send(
        &server,
        &server.write,
        &format!("{files}?column=photo"),
        form("file", "me.png", b"text"),
    )
    .await;
    let refused = refused.expect(422).json();
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
        (&json!("photo"), &json!("format"))
    );
    let list = server.get("/api/files").await.expect(200).json();
    assert_eq!(
        list["files"].as_array().unwrap().len(),
        3,
        "what the record refused is not kept"
    );
    let unclear = send(&server, &server.write, &files, form("file", "a", b"a"))
        .await
        .expect(400);
    assert!(
        unclear.json()["detail"]
            .as_str()
            .unwrap()
            .contains("photo, papers")
    );
    let absent = form("file", "a", b"a");
    send(
        &server,
        &server.write,
        "/api/tables/people/records/none/files?column=photo",
        absent,
    )
    .await
    .expect(404);

    let used = server.delete(&format!("/api/files/{id}")).await.expect(409);
    assert_eq!(used.code(), "fileInUse");
    assert!(
        used.json()["detail"].as_str().unwrap().contains("people"),
        "{}",
        used.json()
    );
    server
        .patch(&path, json!({"data": {"photo": null}}))
        .await
        .expect(200);
    server.delete(&format!("/api/files/{id}")).await.expect(204);
    server.get(&format!("/api/files/{id}/download")).await.expect(404);
    let csv = server
        .get("/api/tables/people/export/csv?columns=papers")
        .await
        .expect(200);
    let ids: Vec<&str> = record["data"]["papers"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(String::from_utf8(csv.bytes).unwrap().contains(&ids.join(", ")));
}

#[tokio::test]
async fn a_file_is_seen_by_who_brought_it_and_by_readers_of_what_uses_it() {
    let server = with_people().await;
    let file = upload(&server, "me.png", PIXEL).await;
    let id = file["id"].as_str().unwrap();
    for end in ["", "/download", "/thumbnail"] {
        let path = format!("/api/files/{id}{end}");
        fetch(&server, &server.write, &path, &[]).await.expect(200);
        server.get(&path).await.expect(200);
        assert_eq!(
            fetch(&server, &server.read, &path, &[]).await.expect(404).code(),
            "fileNotFound"
        );
        server
            .call("GET", &path, &[("stranger", "")], Body::empty())
            .await
            .expect(401);
    }
    let read = format!("Bearer {}", server.read);
    server
        .call(
            "DELETE",
            &format!("/api/files/{id}"),
            &[("authorization", &read)],
            Body::empty(),
        )
        .await
        .expect(403);
    send(&server, &server.read, "/api/files", form("file", "a", b"a"))
        .await
        .expect(403);
    fetch(&server, &server.write, "/api/files", &[]).await.expect(403);
    server
        .post("/api/tables/people/records", json!({"data": {"photo": id}}))
        .await
        .expect(201);
    fetch(&server, &server.read, &format!("/api/files/{id}/download"), &[])
        .await
        .expect(200);
}
