//! The web page: files built into the program, or read from a folder while one works on them. Knows no API.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chancery::credentials::{Fingerprint, Secret};
use chancery_api::ErrorCode;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::RustEmbed;

use crate::Page;
use crate::fault::Fault;

/// What a page puts where the nonce of its answer belongs.
const NONCE_MARK: &str = "__CSP_NONCE__";
/// The page every path of the application starts from.
const INDEX: &str = "index.html";
/// Files smaller than this are not worth compressing, in bytes.
const GZIP_FROM_BYTES: usize = 1_024;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
struct Built;

/// The files of the web page.
pub(crate) enum Web {
    /// Those of the program.
    Embedded(HashMap<String, File>),
    /// Those in a folder, read at each request.
    Folder(PathBuf),
}

/// One file, ready to send.
pub(crate) struct File {
    plain: Bytes,
    gzip: Option<Bytes>,
    kind: HeaderValue,
    etag: HeaderValue,
}

impl File {
    fn new(name: &str, plain: Bytes) -> File {
        let kind = media_type(name);
        let texty = !kind.starts_with("image/") && !kind.starts_with("font/") || kind.contains("svg");
        let gzip = (texty && plain.len() >= GZIP_FROM_BYTES)
            .then(|| compress(&plain))
            .flatten();
        let etag = format!("\"{}\"", &Fingerprint::of(&plain).to_text()[..22]);
        File {
            kind: HeaderValue::from_static(kind),
            etag: HeaderValue::from_str(&etag).expect("base64 makes a header"),
            plain,
            gzip,
        }
    }
}

fn compress(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

fn media_type(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

impl Web {
    /// The files of the program, compressed once; or those of a folder; or none.
    pub(crate) fn new(page: &Page) -> Web {
        match page {
            Page::BuiltIn => {}
            Page::Folder(folder) => return Web::Folder(folder.clone()),
            Page::Absent => return Web::Embedded(HashMap::new()),
        }
        let files = Built::iter().filter_map(|name| {
            let data = Built::get(&name)?.data;
            Some((name.to_string(), File::new(&name, Bytes::from(data.into_owned()))))
        });
        Web::Embedded(files.collect())
    }

    /// The answer to a path that is no route: a file, or the page that knows what to show there.
    pub(crate) async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let path = uri.path().trim_start_matches('/');
        if path == "api" || path.starts_with("api/") {
            return Fault::new(ErrorCode::RouteNotFound, "No route has this path.")
                .hint("The reference is at /api/docs.")
                .into_response();
        }
        if method != Method::GET && method != Method::HEAD {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        // Addresses of pages hold record keys, which may have dots; files are at the top or in `assets`.
        let named_file = path.starts_with("assets/") || !path.contains('/') && path.contains('.');
        match self.file(path, headers).await {
            Some(response) => response,
            None if named_file => {
                Fault::new(ErrorCode::RouteNotFound, "There is no such file.").into_response()
            }
            None => self.index().await,
        }
    }

    async fn file(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        if path.is_empty() || path == INDEX {
            return Some(self.index().await);
        }
        match self {
            Web::Embedded(files) => Some(send(files.get(path)?, headers)),
            Web::Folder(folder) => {
                let plain = Path::new(path)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_)));
                let read = tokio::fs::read(folder.join(path));
                let bytes = if plain { read.await.ok()? } else { return None };
                Some(send(&File::new(path, Bytes::from(bytes)), headers))
            }
        }
    }

    async fn index(&self) -> Response {
        let html = match self {
            Web::Embedded(files) => files.get(INDEX).map(|file| file.plain.clone()),
            Web::Folder(folder) => tokio::fs::read(folder.join(INDEX)).await.ok().map(Bytes::from),
        };
        match html {
            Some(html) => page(&String::from_utf8_lossy(&html)),
            None => Fault::new(
                ErrorCode::RouteNotFound,
                "This program was built without its web page.",
            )
            .hint("The API works; its reference is at /api/docs.")
            .into_response(),
        }
    }
}

fn send(file: &File, headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(header::ETAG, file.etag.clone());
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if headers.get(header::IF_NONE_MATCH) == Some(&file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    out.insert(header::CONTENT_TYPE, file.kind.clone());
    let accepts = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let body = match &file.gzip {
        Some(gzip) if accepts.contains("gzip") => {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            gzip.clone()
        }
        _ => file.plain.clone(),
    };
    *response.body_mut() = Body::from(body);
    response
}

/// An HTML page under a policy that runs nothing but what carries the nonce of this very answer or comes from here.
pub(crate) fn page(html: &str) -> Response {
    let nonce = Secret::random("");
    let nonce = &nonce.expose()[..22];
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Body::from(html.replace(NONCE_MARK, nonce)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = HeaderValue::from_str(&policy).expect("letters and digits make a header");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let opener = http::HeaderName::from_static("cross-origin-opener-policy");
    headers.insert(opener, HeaderValue::from_static("same-origin"));
    response
}
