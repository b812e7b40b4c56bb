//! Every place of contents does the same, the bucket over HTTP with a server that speaks S3. What a file is is not asked here.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chancery_storage::files::{BucketOptions, ContentName, ContentPart, Contents, FilesPlace, Signed, open};
use futures::StreamExt;
use uuid::Uuid;

const KEY: &str = "key";
const SECRET: &str = "secret";
const BUCKET: &str = "files";

/// A server that speaks S3, over a folder. It ends with the test.
async fn s3(folder: &Path) -> String {
    std::fs::create_dir(folder.join(BUCKET)).expect("a bucket");
    let objects = s3s_fs::FileSystem::new(folder).expect("a folder");
    let mut service = s3s::service::S3ServiceBuilder::new(objects);
    service.set_auth(s3s::auth::SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let io = hyper_util::rt::TokioIo::new(socket);
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(io, service)
                    .await;
            });
        }
    });
    format!("http://{address}")
}

fn bucket(endpoint: &str, secret: &str) -> FilesPlace {
    FilesPlace::Bucket(BucketOptions {
        bucket: BUCKET.into(),
        prefix: "some/where".into(),
        region: "us-east-1".into(),
        endpoint: Some(endpoint.into()),
        access_key_id: KEY.into(),
        secret_access_key: secret.into(),
        session_token: None,
    })
}

async fn all(
    contents: &dyn Contents,
    name: ContentName,
    range: Option<std::ops::Range<u64>>,
) -> Option<Vec<u8>> {
    let mut stream = contents.read(name, range).await.expect("asked")?;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("read"));
    }
    Some(bytes)
}

async fn keep(contents: &dyn Contents, name: ContentName, bytes: &[u8]) {
    let mut part = contents.incoming().expect("a place");
    part.write_all(bytes).expect("written");
    contents.keep(name, part.into_temp_path()).await.expect("kept");
}

async fn check(contents: Arc<dyn Contents>) {
    let contents = &*contents;
    assert_eq!(contents.names().await.expect("listed"), []);
    let file = Uuid::now_v7();
    let [whole, small, sent] = ContentName::all(file);
    assert_eq!(all(contents, whole, None).await, None);
    assert_eq!(contents.size(whole).await.expect("asked"), None);
    // Larger than one part of a bucket.
    let bytes: Vec<u8> = (0..9 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    keep(contents, whole, &bytes).await;
    keep(contents, small, b"small").await;
    assert!(all(contents, whole, None).await.expect("there") == bytes);
    let part = all(contents, whole, Some(8_388_600..8_388_620)).await;
    assert_eq!(part.expect("there"), &bytes[8_388_600..8_388_620]);
    assert_eq!(
        contents.size(whole).await.expect("asked"),
        Some(bytes.len() as u64)
    );
    let mut names = contents.names().await.expect("listed");
    names.sort();
    assert_eq!(names, [whole, small]);
    contents.remove(&[whole, sent]).await.expect("removed");
    assert_eq!(all(contents, whole, None).await, None);
    assert_eq!(all(contents, small, None).await.expect("there"), b"small");
    keep(contents, ContentName::of(Uuid::now_v7(), ContentPart::Whole), b"").await;
}

#[tokio::test]
async fn memory_keeps_contents() {
    check(open(&FilesPlace::Memory).expect("open")).await;
}

#[tokio::test]
async fn a_folder_keeps_contents() {
    let folder = tempfile::tempdir().expect("a folder");
    check(open(&FilesPlace::Folder(folder.path().join("not/there/yet"))).expect("open")).await;
}

#[tokio::test]
async fn a_bucket_keeps_contents() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = s3(folder.path()).await;
    check(open(&bucket(&endpoint, SECRET)).expect("open")).await;
}

#[tokio::test]
async fn a_signed_url_lets_in_what_it_says_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = s3(folder.path()).await;
    let contents = open(&bucket(&endpoint, SECRET)).expect("open");
    let name = ContentName::of(Uuid::now_v7(), ContentPart::Sent);
    let signed = contents
        .signed(name, Signed::Upload, Duration::from_secs(60))
        .await
        .expect("asked");
    let url = signed.expect("a bucket signs");
    assert!(url.starts_with(&endpoint) && !url.contains(SECRET), "{url}");
    assert_eq!(
        send("PUT", &url.replace("sent", "other"), b"hello").await.0,
        403,
        "another name"
    );
    assert_eq!(send("PUT", &url, b"hello").await.0, 200);
    let what = Signed::Download {
        media_type: "text/plain".into(),
        disposition: "attachment; filename=\"a b.txt\"".into(),
    };
    let signed = contents
        .signed(name, what, Duration::from_secs(60))
        .await
        .expect("asked");
    let (status, body) = send("GET", &signed.expect("a bucket signs"), b"").await;
    assert_eq!((status, &*body), (200, &b"hello"[..]));
}

#[tokio::test]
async fn a_wrong_key_is_told_and_no_key_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoint = s3(folder.path()).await;
    let place = bucket(&endpoint, "wr0ng-s3cret");
    assert!(!format!("{place:?}").contains("wr0ng"));
    let contents = open(&place).expect("open");
    let mut part = contents.incoming().expect("a place");
    part.write_all(b"x").expect("written");
    let name = ContentName::of(Uuid::now_v7(), ContentPart::Whole);
    let error = contents
        .keep(name, part.into_temp_path())
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("the bucket") && !error.contains("wr0ng"),
        "{error}"
    );
}

/// One request on a connection of its own: the status and the body.
async fn send(method: &str, url: &str, body: &[u8]) -> (u16, Vec<u8>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").expect("plain");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut socket = tokio::net::TcpStream::connect(host).await.expect("connected");
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    socket.write_all(body).await.expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("answered");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let status = std::str::from_utf8(&answer[9..12])
        .expect("digits")
        .parse()
        .expect("a status");
    let chunked = String::from_utf8_lossy(&answer[..end])
        .to_lowercase()
        .contains("chunked");
    let body = answer.split_off(end + 4);
    match chunked {
        false => (status, body),
        // One chunk: its length stands on the first line.
        true => {
            let line = body.windows(2).position(|two| two == b"\r\n").unwrap_or_default();
            let size = std::str::from_utf8(&body[..line]).expect("digits");
            let size = usize::from_str_radix(size, 16).unwrap_or_default();
            (status, body[line + 2..line + 2 + size].to_vec())
        }
    }
}
